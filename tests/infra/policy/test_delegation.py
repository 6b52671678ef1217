"""Roles are bounded, services work for the account, and what is handed on stays with AWS's services."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.infra.policy.samples import ROLE_POLICY, UNKNOWN, allow, document, resource, said

from penstock_policy import Environment, Resource, Settings
from penstock_policy.delegation import bounded, handed_on_to_services, services_work_for_the_account
from penstock_policy.permissions import ROLE

STRICT = [Environment.STAGING, Environment.PRODUCTION]
TOPIC = "aws:sns/topicPolicy:TopicPolicy"


@pytest.mark.parametrize("environment", STRICT)
def test_a_role_is_bounded(environment: Environment) -> None:
    settings = Settings(environment=environment)
    assert said(bounded([resource(ROLE)], settings)) == ["nothing bounds what it may be given"]
    assert said(bounded([resource(ROLE, permissionsBoundary="arn:b")], settings)) == []
    assert said(bounded([resource(ROLE, permissionsBoundary=UNKNOWN)], settings)) == []
    assert said(bounded([replace(resource(ROLE), operation="delete")], settings)) == []


@pytest.mark.parametrize("environment", [None, Environment.LOCAL, Environment.DEVELOPMENT])
def test_elsewhere_a_role_may_be_unbounded(environment: Environment | None) -> None:
    assert said(bounded([resource(ROLE)], Settings(environment=environment))) == []


def serving(type_: str, service: str | list[str], condition: dict[str, Any] | None = None) -> Resource:
    statement = allow(Principal={"Service": service}) | ({"Condition": condition} if condition else {})
    return document(type_, statement)


FOR_THE_ACCOUNT = {
    "by account": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
    "by source": {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:123456789012:rule/*"}},
    "in other letters": {"StringEquals": {"AWS:sourceaccount": "123456789012"}},
}
FOR_ANYBODY: dict[str, dict[str, Any] | None] = {
    "without a condition": None,
    "by something else": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
    "only if it is said": {"StringEqualsIfExists": {"aws:SourceAccount": "123456789012"}},
    "vacuously": {"ForAllValues:StringEquals": {"aws:SourceAccount": "123456789012"}},
    "all but one": {"StringNotEquals": {"aws:SourceAccount": "123456789012"}},
    "as long as it is there": {"Null": {"aws:SourceAccount": "false"}},
}


@pytest.mark.parametrize("type_", [ROLE, TOPIC, "aws:kms/key:Key"])
@pytest.mark.parametrize("case", FOR_THE_ACCOUNT)
def test_a_service_may_for_the_account(type_: str, case: str) -> None:
    assert said(services_work_for_the_account([serving(type_, "events.amazonaws.com", FOR_THE_ACCOUNT[case])])) == []


@pytest.mark.parametrize("type_", [ROLE, TOPIC, "aws:kms/key:Key"])
@pytest.mark.parametrize("case", FOR_ANYBODY)
def test_a_service_may_not_for_anybody(type_: str, case: str) -> None:
    found = said(services_work_for_the_account([serving(type_, "events.amazonaws.com", FOR_ANYBODY[case])]))
    assert found == ["events.amazonaws.com may, whoever it works for"]


def test_services_that_say_no_source_are_let_through() -> None:
    assert said(services_work_for_the_account([serving(ROLE, "lambda.amazonaws.com")])) == []
    (found,) = said(services_work_for_the_account([serving(ROLE, ["lambda.amazonaws.com", "glue.amazonaws.com"])]))
    assert found == "glue.amazonaws.com may, whoever it works for"
    assert said(services_work_for_the_account([document(ROLE, allow(Principal={"AWS": "123456789012"}))])) == []


@pytest.mark.parametrize(
    ("action", "narrowed"),
    [
        ("iam:PassRole", {"StringEquals": {"iam:PassedToService": ["sagemaker.amazonaws.com"]}}),
        ("kms:CreateGrant", {"Bool": {"kms:GrantIsForAWSResource": ["true"]}}),
    ],
)
def test_what_is_handed_on_stays_with_services(action: str, narrowed: dict[str, Any]) -> None:
    role = "arn:aws:iam::123456789012:role/x"
    wide = allow(Sid="Hand", Action=["s3:GetObject", action], Resource=role)
    assert said(handed_on_to_services([document(ROLE_POLICY, wide | {"Condition": narrowed})])) == []
    (found,) = said(handed_on_to_services([document(ROLE_POLICY, wide)]))
    assert found.startswith("Hand may ")
    inline = resource(ROLE, inlinePolicies=[{"name": "x", "policy": json.dumps({"Statement": [wide]})}])
    assert len(said(handed_on_to_services([inline]))) == 1
    assert said(handed_on_to_services([document(ROLE_POLICY, allow())])) == []
    assert said(handed_on_to_services([document("aws:iam/policy:Policy", wide)])) == [], "it may be a boundary"
