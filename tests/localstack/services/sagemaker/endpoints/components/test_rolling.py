"""A DeploymentConfig of an inference component as batches of copies."""

from __future__ import annotations

from typing import Any

import pytest

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.endpoints.components.updating import Rolling, rolling


def size(value: int, kind: str = "COPY_COUNT") -> dict[str, Any]:
    return {"Type": kind, "Value": value}


def policy(batch: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"RollingUpdatePolicy": {"MaximumBatchSize": batch, "WaitIntervalInSeconds": 30, **more}}


def test_batches_are_copies_or_a_share_of_them() -> None:
    assert rolling(policy(size(2)), 4, 4) == Rolling(batch=2, rollback=4, wait=30, limit=None, alarms=())
    stated = policy(
        size(25, "CAPACITY_PERCENT"),
        RollbackMaximumBatchSize=size(50, "CAPACITY_PERCENT"),
        MaximumExecutionTimeoutInSeconds=600,
    )
    stated["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": "errors"}]}
    assert rolling(stated, 6, 8) == Rolling(batch=2, rollback=3, wait=30, limit=600, alarms=("errors",))


def test_one_copy_is_always_a_batch() -> None:
    assert rolling(policy(size(1)), 1, 1).batch == 1
    assert rolling(policy(size(5, "CAPACITY_PERCENT")), 2, 2).batch == 1


@pytest.mark.parametrize(("batch", "count"), [(size(3), 4), (size(2), 2), (size(60, "CAPACITY_PERCENT"), 5)])
def test_more_than_half_of_the_copies_are_no_batch(batch: dict[str, Any], count: int) -> None:
    with pytest.raises(ServiceError, match="between 5% and 50%"):
        rolling(policy(batch), count, count)
