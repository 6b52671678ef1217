"""A services process that serves the endpoints of ``serving_endpoints``, at a quicker pace, and its clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.localstack.services.conftest import running_jobs
from tests.localstack.services.sagemaker.endpoints.serving_endpoints import prepare

PACE = {
    "PENSTOCK_DEPLOYMENT_SPEED": "100",
    "PENSTOCK_SERVERLESS_IDLE_SECONDS": "1",
    "PENSTOCK_METRICS_SECONDS": "0.5",
}


@pytest.fixture(scope="session")
def serving(gateway_url: str) -> Iterator[Any]:
    yield from running_jobs("own", gateway_url, **PACE)


@pytest.fixture(scope="session")
def sagemaker(serving: Any) -> Any:
    return prepare(serving)


@pytest.fixture(scope="session")
def runtime(serving: Any) -> Any:
    return serving.client("sagemaker-runtime")
