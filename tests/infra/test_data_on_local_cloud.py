"""Feature groups and the landing zone on the local cloud: schemas that grow, schemas that may not change, data that arrives."""

from __future__ import annotations

import json
import textwrap
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from penstock_deploy import Deployment, Result

pytestmark = pytest.mark.cloud

HEADER = """
from pathlib import Path

import pulumi
from penstock_infra import features
from penstock_infra.components.data_key import DataKey, DataKeyArguments
from penstock_infra.components.feature_group import FeatureGroup, FeatureGroupArguments
from penstock_infra.components.lake_zone import LakeZone, LakeZoneArguments
from penstock_infra.components.landing import Landing, LandingArguments
from penstock_infra.components.log_bucket import LogBucket, LogBucketArguments
from penstock_infra.placement import Placement
from penstock_infra.tags import Tags

tags = Tags(project="data", environment="local", owner="me", cost_center="1")
placement = Placement(
    account="000000000000", region="us-east-1", stack="local", tags=tags, protect=False, force_destroy=True
)
key = DataKey(
    "data",
    DataKeyArguments(placement=placement, purpose="data", description="d", publishers=("events.amazonaws.com",)),
)
"""
FEATURES = """
for definition in features.read_all(Path("features")):
    FeatureGroup(
        definition.name,
        FeatureGroupArguments(
            placement=placement, model="m", definition=definition, offline_store_uri="s3://history/offline-store",
            role_arn="arn:aws:iam::000000000000:role/features", key_arn=key.arn,
        ),
    )
"""
LANDING = """
logs = LogBucket("logs", LogBucketArguments(placement=placement))
raw = LakeZone("raw", LakeZoneArguments(placement=placement, zone="raw", key_arn=key.arn, log_bucket=logs.bucket))
landing = Landing("landing", LandingArguments(placement=placement, bucket=raw.bucket, key_arn=key.arn))
pulumi.export("bucket", raw.bucket)
pulumi.export("queue", landing.queue_url)
"""
ORIGIN: dict[str, Any] = {
    "name": "origin",
    "description": "Airports",
    "record_identifier": "origin",
    "event_time": "at",
    "online": {"ttl_days": 30},
    "features": [
        {"name": "origin", "type": "String"},
        {"name": "at", "type": "String"},
        {"name": "delay", "type": "Fractional"},
    ],
}
GROWN = [*ORIGIN["features"], {"name": "wind", "type": "Fractional"}]


def client(environment: dict[str, str], service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def project(folder: Path, environment: dict[str, str], name: str, program: str) -> Deployment:
    folder = folder / name
    folder.mkdir(exist_ok=True)
    (folder / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n")
    (folder / "__main__.py").write_text(textwrap.dedent(HEADER + program))
    return Deployment(folder, "local", environment=environment)


def succeeded(result: Result) -> Result:
    assert result.ok, result.errors
    return result


def changes(result: Result) -> list[tuple[str, str]]:
    return sorted((change["op"], change["urn"].split("::")[2].split("$")[-1]) for change in result.to_json()["changes"])


SCHEMA = "pulumi-python:dynamic/penstock:FeatureSchema"
GROUP = "aws:sagemaker/featureGroup:FeatureGroup"


def test_a_schema_grows_in_place_and_is_never_replaced(tmp_path: Path, environment: dict[str, str]) -> None:
    deployment = project(tmp_path, environment, "features", FEATURES)
    folder = tmp_path / "features" / "features"
    folder.mkdir()

    def write(name: str = "origin", **changed: Any) -> None:
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({**ORIGIN, "name": name, **changed}))

    sagemaker = client(environment, "sagemaker")
    store = client(environment, "sagemaker-featurestore-runtime")

    def record(group: str = "m-origin") -> dict[str, str]:
        answer = store.get_record(FeatureGroupName=group, RecordIdentifierValueAsString="JFK")
        return {item["FeatureName"]: item["ValueAsString"] for item in answer.get("Record", [])}

    write()
    try:
        succeeded(deployment.up())
        assert succeeded(deployment.up()).changes == []
        assert succeeded(deployment.refresh()).changes == []
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        values = {"origin": "JFK", "at": now, "delay": "1.5"}
        store.put_record(
            FeatureGroupName="m-origin",
            Record=[{"FeatureName": name, "ValueAsString": value} for name, value in values.items()],
        )
        made = sagemaker.describe_feature_group(FeatureGroupName="m-origin")["CreationTime"]

        # Appended: one update, no replacement, and the record is still there.
        write(features=GROWN, description="Airports and their weather")
        assert changes(succeeded(deployment.preview())) == [("update", SCHEMA)]
        assert changes(succeeded(deployment.up())) == [("update", SCHEMA)]
        live = sagemaker.describe_feature_group(FeatureGroupName="m-origin")
        assert [item["FeatureName"] for item in live["FeatureDefinitions"]] == ["origin", "at", "delay", "wind"]
        assert live["CreationTime"] == made
        assert record() == values
        assert succeeded(deployment.up()).changes == []
        # The group's own resource learns of it at the next refresh, and then nothing is left to do.
        assert changes(succeeded(deployment.refresh())) == [("update", GROUP)]
        assert succeeded(deployment.preview()).changes == []

        # Anything that would replace the group fails the preview, and an up as well, before any step.
        other_type = [*ORIGIN["features"], {"name": "wind", "type": "String"}]
        for operation, changed, reason in (
            (deployment.preview, {"features": ORIGIN["features"]}, "the feature wind is gone"),
            (deployment.up, {"features": other_type}, "the feature wind was Fractional and would be String"),
        ):
            write(**changed)
            refused = operation()
            assert not refused.ok
            assert reason in refused.errors[0]
            assert "write the change to features/origin-v2.yaml" in refused.errors[0]
            assert changes(refused) == []
        assert sagemaker.describe_feature_group(FeatureGroupName="m-origin")["CreationTime"] == made
        assert record() == values

        # The way that the message shows: the old definition back, the new version beside it. And the TTL may change.
        write(features=GROWN, online={"ttl_days": 60})
        write("origin-v2", features=other_type)
        assert changes(succeeded(deployment.up())) == [
            ("create", GROUP), ("create", "penstock:features:FeatureGroup"), ("create", SCHEMA), ("update", GROUP),
        ]  # fmt: skip
        live = sagemaker.describe_feature_group(FeatureGroupName="m-origin")
        assert live["OnlineStoreConfig"]["TtlDuration"] == {"Unit": "Days", "Value": 60}
        assert live["CreationTime"] == made
        assert record() == values
        assert record("m-origin-v2") == {}
        assert succeeded(deployment.up()).changes == []
    finally:
        write()
        (folder / "origin-v2.yaml").unlink(missing_ok=True)
        succeeded(deployment.destroy())
    assert deployment.resources() == []
    assert sagemaker.list_feature_groups()["FeatureGroupSummaries"] == []


def gone(sagemaker: Any, name: str) -> None:
    """Waits until a group that is being deleted is there no more."""
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        try:
            sagemaker.describe_feature_group(FeatureGroupName=name)
        except sagemaker.exceptions.ResourceNotFound:
            return
        time.sleep(0.1)
    pytest.fail(f"{name} is still there")


def test_a_group_that_was_deleted_by_hand_is_made_whole_again(tmp_path: Path, environment: dict[str, str]) -> None:
    deployment = project(tmp_path, environment, "again", FEATURES)
    (tmp_path / "again" / "features").mkdir()
    (tmp_path / "again" / "features" / "origin.yaml").write_text(yaml.safe_dump({**ORIGIN, "features": GROWN}))
    sagemaker = client(environment, "sagemaker")
    try:
        succeeded(deployment.up())
        sagemaker.delete_feature_group(FeatureGroupName="m-origin")
        gone(sagemaker, "m-origin")
        assert changes(succeeded(deployment.refresh())) == [("delete", GROUP)]
        assert changes(succeeded(deployment.up())) == [("create", GROUP)]
        live = sagemaker.describe_feature_group(FeatureGroupName="m-origin")
        assert len(live["FeatureDefinitions"]) == len(GROWN)
    finally:
        succeeded(deployment.destroy())


def test_what_the_local_feature_store_lacks_is_refused_by_name(tmp_path: Path, environment: dict[str, str]) -> None:
    deployment = project(tmp_path, environment, "iceberg", FEATURES)
    (tmp_path / "iceberg" / "features").mkdir()
    definition = {**ORIGIN, "offline": {"table_format": "Iceberg"}}
    (tmp_path / "iceberg" / "features" / "origin.yaml").write_text(yaml.safe_dump(definition))
    try:
        refused = deployment.up()
        assert not refused.ok
        assert any("TableFormat Iceberg is not served by the local cloud" in error for error in refused.errors)
    finally:
        succeeded(deployment.destroy())


def test_data_that_arrives_is_in_the_queue(tmp_path: Path, environment: dict[str, str]) -> None:
    deployment = project(tmp_path, environment, "landing", LANDING)
    s3, sqs = client(environment, "s3"), client(environment, "sqs")
    try:
        outputs = succeeded(deployment.up()).outputs
        assert succeeded(deployment.up()).changes == []
        assert succeeded(deployment.refresh()).changes == []
        for key in ("elsewhere/a.csv", "landing/b.csv"):
            s3.put_object(Bucket=outputs["bucket"], Key=key, Body=b"x")
        arrived: list[dict[str, Any]] = []
        deadline = time.monotonic() + 60
        while not arrived and time.monotonic() < deadline:
            answer = sqs.receive_message(QueueUrl=outputs["queue"], WaitTimeSeconds=2, MaxNumberOfMessages=10)
            arrived += [json.loads(message["Body"]) for message in answer.get("Messages", [])]
        assert [event["detail"]["object"]["key"] for event in arrived] == ["landing/b.csv"]
        assert arrived[0]["detail"]["bucket"]["name"] == outputs["bucket"]
        assert arrived[0]["detail-type"] == "Object Created"
    finally:
        succeeded(deployment.destroy())
    assert deployment.resources() == []
    assert sqs.list_queues().get("QueueUrls", []) == []
