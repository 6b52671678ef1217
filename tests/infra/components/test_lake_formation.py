"""Lake Formation in charge: administrators, no default permissions, zones registered under a narrow role, grants by role."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock_infra.components.lake_formation import LakeFormation, LakeFormationArguments
from penstock_infra.components.lake_grant import LakeGrant, LakeGrantArguments
from penstock_infra.placement import Placement

KEY = "arn:aws:kms:eu-central-1:123456789012:key/data"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
ADMIN = "arn:aws:iam::123456789012:role/admin"
ANALYST = "arn:aws:iam::123456789012:role/analyst"
BUCKETS = {"raw": "r", "curated": "c"}
EXAMPLES: dict[str, dict[str, Any]] = {
    "LakeFormation": {
        "buckets": BUCKETS,
        "key_arn": KEY,
        "permissions_boundary_arn": BOUNDARY,
        "admins": (ADMIN,),
    },
    "LakeLocationRole": {"buckets": ("r", "c"), "key_arn": KEY, "permissions_boundary_arn": BOUNDARY},
    "LakeGrant": {"principal": ANALYST, "access": "write", "database": "lake", "buckets": BUCKETS},
}
PERMISSIONS = "aws:lakeformation/permissions:Permissions"


def formation(placement: Placement) -> LakeFormation:
    return LakeFormation("example", LakeFormationArguments(placement=placement, **EXAMPLES["LakeFormation"]))


def test_administrators_and_no_open_defaults(run_program: Any, placement: Placement) -> None:
    settings = run_program(lambda: formation(placement)).one("aws:lakeformation/dataLakeSettings:DataLakeSettings")
    assert settings.inputs == {"admins": [ADMIN]}, "a default for IAMAllowedPrincipals would make every grant idle"


def test_zones_are_registered_under_their_role_after_the_settings(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: formation(placement))
    settings = run.one("aws:lakeformation/dataLakeSettings:DataLakeSettings")
    role = run.one("aws:iam/role:Role").inputs
    found = run.of("aws:lakeformation/resource:Resource")
    assert {item.inputs["arn"] for item in found} == {"arn:aws:s3:::r", "arn:aws:s3:::c"}
    for item in found:
        assert item.inputs["roleArn"] == f"arn:aws:iam::123456789012:role/{role['name']}"
        assert settings.urn in item.dependencies


def test_the_location_role_reaches_the_zones_and_nothing_else(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: formation(placement))
    role = run.one("aws:iam/role:Role").inputs
    assert role["permissionsBoundary"] == BOUNDARY
    assert role["tags"] == placement.tags.as_dict()
    (trust,) = json.loads(role["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": ["lakeformation.amazonaws.com"]}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ["123456789012"]}}
    found = {
        item["Sid"]: item for item in json.loads(run.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])["Statement"]
    }
    assert found["ReadAndWriteData"]["Resource"] == ["arn:aws:s3:::r/*", "arn:aws:s3:::c/*"]
    assert found["DeleteReplacedFiles"]["Action"] == ["s3:DeleteObject"]
    assert found["DeleteReplacedFiles"]["Resource"] == ["arn:aws:s3:::r/tables/*", "arn:aws:s3:::c/tables/*"]
    assert found["UseKey"]["Resource"] == [KEY]


@pytest.mark.parametrize(
    ("access", "database", "tables", "places"),
    [
        ("read", ["DESCRIBE"], ["DESCRIBE", "SELECT"], set()),
        (
            "write",
            ["CREATE_TABLE", "DESCRIBE"],
            ["ALTER", "DELETE", "DESCRIBE", "INSERT", "SELECT"],
            {"arn:aws:s3:::r", "arn:aws:s3:::c"},
        ),
    ],
)
def test_grants(
    run_program: Any, placement: Placement, access: str, database: list[str], tables: list[str], places: set[str]
) -> None:
    arguments = LakeGrantArguments(placement=placement, **{**EXAMPLES["LakeGrant"], "access": access})
    run = run_program(lambda: LakeGrant("example", arguments))
    granted = run.of(PERMISSIONS)
    assert {item.inputs["principal"] for item in granted} == {ANALYST}
    (on_database,) = [item.inputs for item in granted if "database" in item.inputs]
    assert (on_database["database"], on_database["permissions"]) == ({"name": "lake"}, database)
    (on_tables,) = [item.inputs for item in granted if "table" in item.inputs]
    assert (on_tables["table"], on_tables["permissions"]) == ({"databaseName": "lake", "wildcard": True}, tables)
    locations = [item.inputs for item in granted if "dataLocation" in item.inputs]
    assert {item["dataLocation"]["arn"] for item in locations} == places
    assert all(item["permissions"] == ["DATA_LOCATION_ACCESS"] for item in locations)
    assert all("permissionsWithGrantOptions" not in item.inputs for item in granted), "nobody hands them on"
