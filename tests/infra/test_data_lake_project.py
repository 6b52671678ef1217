"""The data lake's program with all that can be asked of it: tables, rules, Lake Formation."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from penstock_infra import grants
from penstock_infra.configuration import DataLakeSettings, FeatureStoreSettings
from penstock_infra.errors import ConfigurationError
from penstock_infra.platform import Foundation
from penstock_policy import Environment, Resource, Settings, check

ROOT = Path(__file__).parents[2]
EXAMPLE = re.search(r"```yaml\n(name: flights\n.*?)```", (ROOT / "infra/README.md").read_text(), re.DOTALL)
ADMIN, ANALYST, LOADER = (f"arn:aws:iam::123456789012:role/{name}" for name in ("admin", "analyst", "loader"))
OWNER = {"owner": "ml-platform", "costCenter": "1000"}


@pytest.fixture(scope="module")
def run(run_program: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("datalake") / "datalake"
    shutil.copytree(ROOT / "infra/projects/datalake", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tables").mkdir(exist_ok=True)
    assert EXAMPLE is not None, "infra/README.md shows a table"
    (folder / "tables/flights.yaml").write_text(EXAMPLE[1])
    iceberg = "name: orders\nformat: iceberg\ncolumns:\n  - {name: id, type: bigint}\n"
    (folder / "tables/orders.yaml").write_text(iceberg)
    values = {
        **OWNER,
        "lakeAdmins": json.dumps([ADMIN]),
        "lakeReaders": json.dumps([ANALYST]),
        "lakeWriters": json.dumps([LOADER]),
    }
    outputs = {to_camel(field.name): f"arn:{field.name}" for field in dataclasses.fields(Foundation)}
    return run_program(
        functools.partial(runpy.run_path, str(folder), run_name="__main__"),
        project="penstock-datalake",
        stack="prod",
        config={f"penstock-datalake:{key}": value for key, value in values.items()},
        stacks={"organization/penstock-foundation/prod": outputs},
    )


def test_the_table_that_the_readme_shows(run: Any) -> None:
    tables = {item.inputs["name"]: item for item in run.of("aws:glue/catalogTable:CatalogTable")}
    assert set(tables) == {"flights", "orders"}
    assert tables["flights"].inputs["storageDescriptor"]["location"].endswith("/tables/flights")
    assert tables["orders"].protect
    ruleset = run.one("aws:glue/dataQualityRuleset:DataQualityRuleset")
    assert tables["flights"].urn in ruleset.dependencies
    assert run.one("aws:scheduler/schedule:Schedule").inputs["scheduleExpression"] == "cron(0 6 * * ? *)"


def test_lake_formation_is_in_charge_before_there_is_a_database(run: Any) -> None:
    """A database that is made before would be open to whomever IAM lets at the catalogue."""
    database = run.one("aws:glue/catalogDatabase:CatalogDatabase")
    settings = run.one("aws:lakeformation/dataLakeSettings:DataLakeSettings")
    assert settings.inputs == {"admins": [ADMIN]}
    assert settings.urn in database.dependencies
    granted = {
        (item.inputs["principal"].rsplit("/", 1)[1], *item.inputs["permissions"])
        for item in run.of("aws:lakeformation/permissions:Permissions")
    }
    assert granted == {
        ("analyst", "DESCRIBE"),
        ("analyst", "DESCRIBE", "SELECT"),
        ("loader", "CREATE_TABLE", "DESCRIBE"),
        ("loader", "ALTER", "DELETE", "DESCRIBE", "INSERT", "SELECT"),
        ("loader", "DATA_LOCATION_ACCESS"),
    }


def test_no_policy_is_broken_and_no_role_beyond_the_boundary(run: Any) -> None:
    judged = [
        Resource(type=item.type, name=item.name, inputs=item.inputs, protect=item.protect) for item in run.resources
    ]
    assert [str(found) for found in check(judged, Settings(environment=Environment.PRODUCTION))] == []
    policies = run.of("aws:iam/rolePolicy:RolePolicy")
    assert len(policies) == 3
    for policy in policies:
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            assert set(statement["Action"]) <= set(grants.CEILING)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"lakeReaders": json.dumps([ANALYST])}, "they need lakeAdmins as well"),
        (
            {name: json.dumps([ADMIN]) for name in ("lakeAdmins", "lakeReaders", "lakeWriters")},
            "writers read anyway; name them in lakeWriters only",
        ),
        ({"lakeAdmins": '["admin"]'}, "'admin' is no ARN of an IAM role or user"),
        ({"queryLimitGb": "0"}, "penstock-datalake:queryLimitGb"),
    ],
)
def test_wrong_settings_of_the_lake(values: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        DataLakeSettings.from_values({**OWNER, **values}, project="penstock-datalake", stack="dev")


def test_wrong_settings_of_the_feature_store() -> None:
    values = {**OWNER, "historyInfrequentAccessAfter": "7"}
    with pytest.raises(ConfigurationError, match="S3 moves nothing before 30 days"):
        FeatureStoreSettings.from_values(values, project="penstock-featurestore", stack="dev")
