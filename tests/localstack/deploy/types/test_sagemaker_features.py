"""Feature groups on a local cloud, by Pulumi's own AWS provider's rules: what changes in place and what replaces."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.localstack.deploy.round_trip import changed, client, find_again, project, run

pytestmark = pytest.mark.cloud

PROGRAM = """
features = [{"feature_name": "id", "feature_type": "String"}, {"feature_name": "at", "feature_type": "String"}]
more = [{"feature_name": "x", "feature_type": "Integral"}] if v == "3" else []
aws.sagemaker.FeatureGroup("group", feature_group_name="types-group", record_identifier_feature_name="id",
    event_time_feature_name="at", role_arn="arn:aws:iam::000000000000:role/r", feature_definitions=[*features, *more],
    online_store_config={"enable_online_store": True,
        "ttl_duration": {"unit": "Days", "value": 30 if one else 60}},
    throughput_config={"throughput_mode": "Provisioned", "provisioned_read_capacity_units": 5 if one else 10,
        "provisioned_write_capacity_units": 5}, tags={"v": v})
"""


def test_round_trip(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    first = project(tmp_path, cloud_environment, "features", PROGRAM)
    sagemaker = client(cloud_environment, "sagemaker")
    try:
        run(first, "up")
        for operation in ("preview", "refresh"):
            assert run(first, operation).changes == [], operation
        find_again(first, cloud_environment)

        second = project(tmp_path, cloud_environment, "features", PROGRAM, "2")
        assert changed(run(second, "up")) == [("update", "group")]
        live = sagemaker.describe_feature_group(FeatureGroupName="types-group")
        assert live["OnlineStoreConfig"]["TtlDuration"] == {"Unit": "Days", "Value": 60}
        assert live["ThroughputConfig"]["ProvisionedReadCapacityUnits"] == 10
        assert run(second, "refresh").changes == []

        # https://github.com/hashicorp/terraform-provider-aws/issues/26809: adding a feature replaces the group, so says
        # the provider; as its name is taken, AWS refuses the second one, and nothing is lost.
        third = project(tmp_path, cloud_environment, "features", PROGRAM, "3")
        planned = run(third, "preview")
        assert changed(planned) == [("replace", "group")]
        assert "featureDefinitions[2]" in planned.changes[0]["diff"]
        assert not third.up().ok
        assert len(sagemaker.describe_feature_group(FeatureGroupName="types-group")["FeatureDefinitions"]) == 2
    finally:
        gone = first.destroy()
    assert gone.ok, gone.errors
    assert first.resources() == []
    assert sagemaker.list_feature_groups()["FeatureGroupSummaries"] == []
