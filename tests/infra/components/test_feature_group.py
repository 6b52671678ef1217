"""Feature groups from their definitions: their stores' settings, their keys, and the schema that comes first."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from penstock_infra.components.feature_group import FeatureGroup, FeatureGroupArguments
from penstock_infra.features import FeatureDefinition
from penstock_infra.placement import Placement

KEY = "arn:aws:kms:eu-central-1:123456789012:key/data"
ROLE = "arn:aws:iam::123456789012:role/role"
GROUP = "aws:sagemaker/featureGroup:FeatureGroup"
SCHEMA = "pulumi-python:dynamic/penstock:FeatureSchema"
DEFINITION: dict[str, Any] = {
    "name": "origin",
    "description": "Airports",
    "record_identifier": "origin",
    "event_time": "at",
    "features": [{"name": "origin", "type": "String"}, {"name": "at", "type": "String"}],
}


def make(placement: Placement, **changes: Any) -> FeatureGroup:
    return FeatureGroup(
        "origin",
        FeatureGroupArguments(
            placement=placement,
            model="flight-delays",
            definition=FeatureDefinition.model_validate({**DEFINITION, **changes}),
            offline_store_uri="s3://features/offline-store",
            role_arn=ROLE,
            key_arn=KEY,
        ),
    )


def test_both_stores_are_encrypted_and_the_group_is_protected_and_tagged(
    run_program: Any, placement: Placement
) -> None:
    group = run_program(lambda: make(placement)).one(GROUP)
    assert group.inputs["onlineStoreConfig"] == {"enableOnlineStore": True, "securityConfig": {"kmsKeyId": KEY}}
    storage = group.inputs["offlineStoreConfig"]["s3StorageConfig"]
    assert storage == {"s3Uri": "s3://features/offline-store", "kmsKeyId": KEY}
    assert group.inputs["roleArn"] == ROLE
    assert "throughputConfig" not in group.inputs
    assert group.protect
    assert group.inputs["tags"] == placement.tags.as_dict()


def test_settings_of_the_stores(run_program: Any, placement: Placement) -> None:
    online = {"ttl_days": 30, "throughput": {"read": 10, "write": 5}}
    run = run_program(lambda: make(placement, online=online, offline={"table_format": "Iceberg"}))
    group = run.one(GROUP).inputs
    assert group["onlineStoreConfig"]["ttlDuration"] == {"unit": "Days", "value": 30}
    assert group["throughputConfig"] == {
        "throughputMode": "Provisioned",
        "provisionedReadCapacityUnits": 10,
        "provisionedWriteCapacityUnits": 5,
    }
    assert group["offlineStoreConfig"]["tableFormat"] == "Iceberg"
    run = run_program(lambda: make(placement, online={"storage": "InMemory"}, offline=False))
    group = run.one(GROUP).inputs
    assert group["onlineStoreConfig"]["storageType"] == "InMemory"
    assert group["onlineStoreConfig"]["securityConfig"] == {"kmsKeyId": KEY}
    assert "offlineStoreConfig" not in group
    group = run_program(lambda: make(placement, online=False)).one(GROUP).inputs
    assert "onlineStoreConfig" not in group


def test_the_schema_comes_first_and_alone_changes_features(run_program: Any, placement: Placement) -> None:
    """Without `ignore_changes` the AWS provider replaces the group, with its records, when a feature is added."""
    run = run_program(lambda: make(placement, online={"storage": "InMemory"}))
    schema, group = run.one(SCHEMA), run.one(GROUP)
    assert schema.urn in group.dependencies
    assert set(group.ignore_changes) == {"description", "featureDefinitions"}
    given = {name: value for name, value in schema.inputs.items() if not name.startswith("__")}
    assert given == {
        "group": "flight-delays-origin",
        "region": "eu-central-1",
        "definition": "origin",
        "features": DEFINITION["features"],
        "recordIdentifier": "origin",
        "eventTime": "at",
        "online": True,
        "onlineStorage": "InMemory",
        "offline": True,
        "tableFormat": "Glue",
        "offlineStoreUri": "s3://features/offline-store",
        "roleArn": ROLE,
        "keyArn": KEY,
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"online": {"ttl_days": 0}}, "ttl_days"),
        ({"online": {"storage": "InMemory", "throughput": {"read": 1, "write": 1}}}, "throughput is of the Standard"),
        ({"online": {"storage": "Memory"}}, "'Standard' or 'InMemory'"),
        ({"offline": {"table_format": "Delta"}}, "'Glue' or 'Iceberg'"),
        ({"online": False, "offline": False}, "the online store, the offline store, or both"),
    ],
)
def test_wrong_settings_are_refused(placement: Placement, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make(placement, **changes)
