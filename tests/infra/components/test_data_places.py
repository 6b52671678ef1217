"""Where data lies: the lake's zones, the offline store, and the role that it is written with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock_infra.components.feature_store_role import FeatureStoreRole, FeatureStoreRoleArguments
from penstock_infra.components.lake_zone import LakeZone, LakeZoneArguments
from penstock_infra.components.offline_store import OfflineStore, OfflineStoreArguments
from penstock_infra.lake_tables import Zone
from penstock_infra.placement import Placement

KEY = "arn:aws:kms:eu-central-1:123456789012:key/data"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"


def encrypted_and_logged(run: Any, placement: Placement) -> None:
    (rule,) = run.one(ENCRYPTION).inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
    assert run.one("aws:s3/bucketLogging:BucketLogging").inputs["targetBucket"] == "logs"
    bucket = run.one("aws:s3/bucket:Bucket")
    assert bucket.inputs["tags"] == placement.tags.as_dict()
    assert bucket.protect


@pytest.mark.parametrize("zone", Zone)
def test_zone(run_program: Any, placement: Placement, zone: Zone) -> None:
    arguments = LakeZoneArguments(placement=placement, zone=zone, key_arn=KEY, log_bucket="logs")
    run = run_program(lambda: LakeZone("zone", arguments))
    encrypted_and_logged(run, placement)
    (rule,) = run.one(LIFECYCLE).inputs["rules"]
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 365 if zone is Zone.RAW else 90}
    assert ("transitions" in rule) == (zone is Zone.RAW)
    assert "expiration" not in rule


@pytest.mark.parametrize("days", [None, 90])
def test_offline_store(run_program: Any, placement: Placement, days: int | None) -> None:
    arguments = OfflineStoreArguments(
        placement=placement, key_arn=KEY, log_bucket="logs", infrequent_access_after=days
    )  # fmt: skip
    run = run_program(lambda: OfflineStore("store", arguments))
    encrypted_and_logged(run, placement)
    (rule,) = run.one(LIFECYCLE).inputs["rules"]
    assert rule.get("transitions") == ([{"days": 90, "storageClass": "STANDARD_IA"}] if days else None)


def test_feature_store_role(run_program: Any, placement: Placement) -> None:
    arguments = FeatureStoreRoleArguments(
        placement=placement, permissions_boundary_arn=BOUNDARY, bucket="features", key_arn=KEY
    )
    run = run_program(lambda: FeatureStoreRole("role", arguments))
    role = run.one("aws:iam/role:Role").inputs
    assert role["permissionsBoundary"] == BOUNDARY
    assert role["tags"] == placement.tags.as_dict()
    (trust,) = json.loads(role["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": ["sagemaker.amazonaws.com"]}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ["123456789012"]}}
    policy = json.loads(run.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    found = {item["Sid"]: item for item in policy["Statement"]}
    assert found["WriteHistory"]["Resource"] == ["arn:aws:s3:::features/*"]
    assert found["FindHistory"]["Resource"] == ["arn:aws:s3:::features"]
    assert found["UseKey"]["Resource"] == [KEY]
    glue = "arn:aws:glue:eu-central-1:123456789012"
    assert found["KeepTables"]["Resource"] == [
        f"{glue}:catalog", f"{glue}:database/sagemaker_featurestore", f"{glue}:table/sagemaker_featurestore/*",
    ]  # fmt: skip
    assert "s3:DeleteObject" not in {action for item in found.values() for action in item["Action"]}
