"""DescribeFeatureMetadata and UpdateFeatureMetadata (API reference)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def group(sagemaker: Any) -> str:
    name = f"group-{uuid.uuid4().hex[:8]}"
    sagemaker.create_feature_group(
        FeatureGroupName=name,
        RecordIdentifierFeatureName="id",
        EventTimeFeatureName="at",
        FeatureDefinitions=[
            {"FeatureName": "id", "FeatureType": "String"},
            {"FeatureName": "at", "FeatureType": "Fractional"},
            {"FeatureName": "delay", "FeatureType": "Integral"},
        ],
        OnlineStoreConfig={"EnableOnlineStore": True},
    )
    return name


def test_what_is_said_of_a_feature(sagemaker: Any, group: str) -> None:
    described = sagemaker.describe_feature_metadata(FeatureGroupName=group, FeatureName="delay")
    assert (described["FeatureType"], described["FeatureGroupName"]) == ("Integral", group)
    assert "Description" not in described
    sagemaker.update_feature_metadata(
        FeatureGroupName=group,
        FeatureName="delay",
        Description="minutes late",
        ParameterAdditions=[{"Key": "unit", "Value": "min"}, {"Key": "team", "Value": "a"}],
    )
    sagemaker.update_feature_metadata(
        FeatureGroupName=described["FeatureGroupArn"],
        FeatureName="delay",
        ParameterAdditions=[{"Key": "team", "Value": "b"}],
        ParameterRemovals=["unit"],
    )
    changed = sagemaker.describe_feature_metadata(FeatureGroupName=group, FeatureName="delay")
    assert changed["Description"] == "minutes late"
    assert changed["Parameters"] == [{"Key": "team", "Value": "b"}]
    assert changed["LastModifiedTime"] > described["LastModifiedTime"]
    other = sagemaker.describe_feature_metadata(FeatureGroupName=group, FeatureName="id")
    assert "Parameters" not in other


def test_limits_and_what_is_missing(sagemaker: Any, group: str) -> None:
    with pytest.raises(ClientError, match="can't find a feature named none"):
        sagemaker.describe_feature_metadata(FeatureGroupName=group, FeatureName="none")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.update_feature_metadata(FeatureGroupName="none", FeatureName="delay", Description="x")
    many = [{"Key": f"k{number}", "Value": "v"} for number in range(25)]
    sagemaker.update_feature_metadata(FeatureGroupName=group, FeatureName="at", ParameterAdditions=many)
    with pytest.raises(ClientError, match="at most 25"):
        sagemaker.update_feature_metadata(
            FeatureGroupName=group, FeatureName="at", ParameterAdditions=[{"Key": "one-more", "Value": "v"}]
        )
