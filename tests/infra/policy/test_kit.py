"""The kit's own endpoint passes what production asks for, and each part of it that is taken away is missed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from penstock_infra.components.drift_alarm import DriftAlarm, DriftAlarmArguments
from penstock_infra.components.endpoint import Endpoint, EndpointArguments
from penstock_infra.components.feature_group import FeatureGroup, FeatureGroupArguments
from penstock_infra.components.private_bucket import PrivateBucket, PrivateBucketArguments
from penstock_infra.features import FeatureDefinition
from penstock_infra.placement import Placement
from penstock_policy import Environment, Resource, Settings, check, endpoints, protection

KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
ROLE = "arn:aws:iam::123456789012:role/serving"
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/delays/1"
PRODUCTION = Settings(environment=Environment.PRODUCTION)
DEFINITION = FeatureDefinition.model_validate(
    {
        "name": "carrier",
        "record_identifier": "carrier",
        "event_time": "event_time",
        "features": [{"name": "carrier", "type": "String"}, {"name": "event_time", "type": "String"}],
    }
)


def program(placement: Placement) -> None:
    """A model's endpoint with its alarm, a feature group, and a bucket."""
    Endpoint(
        "delays",
        EndpointArguments(
            placement=placement,
            model="delays",
            model_package_arn=PACKAGE,
            capture_bucket="artifacts",
            role_arn=ROLE,
            alarm_topic_arn="arn:aws:sns:us-east-1:123456789012:alarms",
            data_key_arn=KEY,
            artifact_key_arn=KEY,
        ),
    )
    DriftAlarm("delays", DriftAlarmArguments(placement=placement, model="delays", topic_arn="arn:aws:sns:::alarms"))
    FeatureGroup(
        "carrier",
        FeatureGroupArguments(
            placement=placement,
            model="delays",
            definition=DEFINITION,
            offline_store_uri="s3://features/offline-store",
            role_arn=ROLE,
            key_arn=KEY,
        ),
    )
    PrivateBucket("raw", PrivateBucketArguments(placement=placement, purpose="raw", key_arn=KEY))


@pytest.fixture
def resources(run_program: Any, placement: Placement) -> list[Resource]:
    """What the program asks for, with its options."""
    run = run_program(lambda: program(placement), stack="prod")
    return [
        Resource(type=item.type, name=item.name, urn=item.urn, inputs=item.inputs, protect=item.protect)
        for item in run.resources
        if item.custom
    ]


def test_it_passes(resources: list[Resource]) -> None:
    assert {endpoints.ENDPOINT, protection.FEATURE_GROUP, protection.BUCKET} <= {item.type for item in resources}
    assert [str(finding) for finding in check(resources, PRODUCTION)] == []


@pytest.mark.parametrize(
    ("type_", "key", "policy"),
    [
        (endpoints.CONFIGURATION, "kmsKeyArn", "encrypted_with_kms"),
        (endpoints.CONFIGURATION, "dataCaptureConfig", "captured"),
        (endpoints.ALARM, "dimensions", "monitored"),
        (endpoints.ENDPOINT, "tags", "required_tags"),
    ],
)
def test_a_part_that_is_missing_is_missed(resources: list[Resource], type_: str, key: str, policy: str) -> None:
    assert any(key in item.inputs for item in resources if item.type == type_)
    without = [
        replace(
            item,
            inputs={name: value for name, value in item.inputs.items() if not (item.type == type_ and name == key)},
        )
        for item in resources
    ]
    assert policy in {finding.policy for finding in check(without, PRODUCTION)}


def test_without_protection_it_is_missed(resources: list[Resource]) -> None:
    found = check([replace(item, protect=False) for item in resources], PRODUCTION)
    assert {finding.type for finding in found} == {protection.FEATURE_GROUP, protection.BUCKET}
