"""What holds data is protected where it matters, and never replaced."""

from __future__ import annotations

import importlib
from dataclasses import replace

import pytest
from tests.infra.policy.samples import bucket, resource, said

from penstock_policy import Environment, Resource, Settings
from penstock_policy.protection import DATA, FEATURE_GROUP, TABLE, not_replaced, protected

STRICT = [Environment.STAGING, Environment.PRODUCTION]


@pytest.mark.parametrize("environment", STRICT)
def test_protected(environment: Environment) -> None:
    settings = Settings(environment=environment)
    open_bucket = replace(bucket(), protect=False)
    assert said(protected([open_bucket], settings)) == ["it holds data and is not protected"]
    assert said(protected([replace(bucket(), protect=True)], settings)) == []
    assert said(protected([bucket()], settings)) == [], "not judged where the caller does not know"
    assert said(protected([replace(open_bucket, operation="delete")], settings)) == []
    assert said(protected([Resource(type="aws:iam/role:Role", name="r", protect=False)], settings)) == []


@pytest.mark.parametrize("environment", [None, Environment.LOCAL, Environment.DEVELOPMENT])
def test_elsewhere_data_may_go(environment: Environment | None) -> None:
    assert said(protected([replace(bucket(), protect=False)], Settings(environment=environment))) == []


def test_not_replaced() -> None:
    group = replace(resource(FEATURE_GROUP), operation="replace", changed=("featureDefinitions[2]",))
    (finding,) = not_replaced([group], Settings())
    assert finding.message == "it holds data and would be replaced because of featureDefinitions[2]"
    assert "new version beside it" in finding.remedy
    assert said(not_replaced([replace(group, operation="update")], Settings())) == []
    assert said(not_replaced([replace(group, operation=None)], Settings())) == []
    role = Resource(type="aws:iam/role:Role", name="r", operation="replace")
    assert said(not_replaced([role], Settings())) == []


def test_an_iceberg_table_holds_data_and_a_plain_one_does_not() -> None:
    """The rows of a plain table are found by their place; those of an Iceberg table by its catalogue entry alone."""
    plain = Resource(type=TABLE, name="t", operation="replace", protect=False, inputs={"tableType": "EXTERNAL_TABLE"})
    iceberg = replace(plain, inputs={"openTableFormatInput": {"icebergInput": {"metadataOperation": "CREATE"}}})
    production = Settings(environment=Environment.PRODUCTION)
    assert said(not_replaced([plain], production)) == said(protected([plain], production)) == []
    assert said(not_replaced([iceberg], production)) == ["it holds data and would be replaced"]
    assert said(protected([iceberg], production)) == ["it holds data and is not protected"]
    assert said(protected([replace(iceberg, protect=True)], production)) == []


def test_the_types_exist() -> None:
    for type_ in DATA:
        _, module, name = type_.split(":")
        assert hasattr(importlib.import_module(f"pulumi_aws.{module.split('/')[0]}"), name), type_
