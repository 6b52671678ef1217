"""Policy documents: no wildcard without a reason, no Sid twice, values that come later are waited for."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from penstock_infra.iam import Denial, Document, Statement, service_trust
from penstock_infra.placement import Placement


def statement(**changes: object) -> Statement:
    values = {"sid": "Read", "actions": ("s3:GetObject",), "resources": ("arn:aws:s3:::data/*",), **changes}
    return Statement.model_validate(values)


@pytest.mark.parametrize("action", ["*", "s3:*", "s3:Get*", "GetObject", "s3:", "s3:Get Object"])
def test_actions_are_named_one_by_one(action: str) -> None:
    with pytest.raises(ValidationError, match="not one action of one service"):
        statement(actions=(action,))


@pytest.mark.parametrize("sid", ["Read", "AnyResource", "AnyResourceX", "anyResourceMetricsHaveNoArn"])
def test_any_resource_needs_a_reason(sid: str) -> None:
    with pytest.raises(ValidationError):
        statement(sid=sid, resources=("*",))


def test_any_resource_with_a_reason() -> None:
    assert statement(sid="AnyResourceMetricsHaveNoArn", resources=("*",)).as_dict()["Resource"] == ["*"]


def test_no_principal_is_everyone() -> None:
    with pytest.raises(ValidationError, match="open it to the world"):
        statement(principals={"AWS": ["*"]})


def test_no_sid_twice() -> None:
    with pytest.raises(ValidationError, match="must occur once in a policy: Read"):
        Document.of(statement(), statement())


def test_a_denial_of_an_identity_names_no_principal() -> None:
    """IAM refuses an identity's policy that does."""
    denial = Denial(sid="StopSpending", actions=("sagemaker:CreateApp",), resources=("*",), of_identity=True)
    assert denial.as_dict() == {
        "Sid": "StopSpending",
        "Effect": "Deny",
        "Action": ["sagemaker:CreateApp"],
        "Resource": ["*"],
    }


def test_grammar() -> None:
    denial = Denial(sid="TlsOnly", actions=("s3:*",), resources=("arn:aws:s3:::data",))
    document = Document.of(statement(actions=("s3:PutObject", "s3:GetObject", "s3:GetObject")), denial)
    assert document.as_dict() == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Read",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": ["arn:aws:s3:::data/*"],
            },
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["s3:*"],
                "Resource": ["arn:aws:s3:::data"],
            },
        ],
    }


def test_services_act_for_this_account_alone(placement: Placement) -> None:
    (trust,) = service_trust("sagemaker.amazonaws.com", account=placement.account).as_dict()["Statement"]
    assert trust["Principal"] == {"Service": ["sagemaker.amazonaws.com"]}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": [placement.account]}}
