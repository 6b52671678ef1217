"""Cost tags on everything that takes tags, and a time to live in development."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import replace

import pytest
from tests.infra.policy.samples import TAGS, UNKNOWN, bucket, resource, said

from penstock_infra.feature_schema import FeatureSchema
from penstock_infra.job_definition import MonitoringJobDefinition
from penstock_policy import Environment, Settings, lifetime, tags

DEVELOPMENT = Settings(environment=Environment.DEVELOPMENT)


def test_required_tags() -> None:
    assert said(tags.required_tags([bucket()])) == []
    assert said(tags.required_tags([resource("aws:kms/alias:Alias")])) == []
    assert said(tags.required_tags([bucket(tags={**TAGS, "Owner": UNKNOWN})])) == []
    assert said(tags.required_tags([replace(bucket(tags=None), operation="delete")])) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "tags are missing: Project, Environment, Owner, CostCenter, ManagedBy"),
        ({**TAGS, "Owner": ""}, "tags are missing: Owner"),
        ({**TAGS, "CostCenter": "  "}, "tags are missing: CostCenter"),
    ],
)
def test_missing_tags(given: dict[str, str] | None, message: str) -> None:
    assert said(tags.required_tags([bucket(tags=given)])) == [message]


def test_the_taggable_types_are_those_that_take_tags() -> None:
    """pulumi_aws knows, or the kit's own resource: a type's class takes `tags`, or it cannot be tagged."""
    types = [
        *tags.TAGGABLE,
        "aws:kms/alias:Alias",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:sns/topicPolicy:TopicPolicy",
        "pulumi-python:dynamic/penstock:FeatureSchema",
    ]
    for type_ in types:
        package, module, name = type_.split(":")
        module = {"lambda": "lambda_"}.get(module.split("/")[0], module.split("/")[0])
        if package == "aws":
            made = getattr(importlib.import_module(f"pulumi_aws.{module}"), name)._internal_init
        else:
            made = {each.__name__: each for each in (FeatureSchema, MonitoringJobDefinition)}[name].__init__
        assert ("tags" in inspect.signature(made).parameters) is (type_ in tags.TAGGABLE), type_


@pytest.mark.parametrize("value", ["2031-01-31", "2031-01-31T18:00Z", "72h", "14d", UNKNOWN])
def test_time_to_live(value: str) -> None:
    assert said(lifetime.time_to_live([bucket(tags={"TTL": value})], DEVELOPMENT)) == []


@pytest.mark.parametrize(
    ("value", "message"),
    [("", "the tag TTL is missing"), ("soon", "the tag TTL is 'soon'"), ("0d", "the tag TTL is '0d'")],
)
def test_no_time_to_live(value: str, message: str) -> None:
    resources = [bucket(tags={"TTL": value}), resource("aws:kms/alias:Alias")]
    assert said(lifetime.time_to_live(resources, DEVELOPMENT)) == [message]
    for other in (None, Environment.LOCAL, Environment.STAGING, Environment.PRODUCTION):
        assert said(lifetime.time_to_live(resources, Settings(environment=other))) == []
