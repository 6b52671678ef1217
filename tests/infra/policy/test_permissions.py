"""Roles may do named things, on named resources, and are taken by named principals."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from tests.infra.policy.samples import ROLE_POLICY, UNKNOWN, allow, document, resource, said

from penstock_policy import Resource
from penstock_policy.permissions import ATTACHMENTS, DOCUMENTS, ROLE, is_wide, no_wildcard_without_reason

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
INLINE = json.dumps({"Statement": allow(Action="s3:*")})
OWN_ACCOUNT = {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}
PASSING = {
    "named actions and resources": [document(ROLE_POLICY, allow())],
    "any resource, with a reason": [document(ROLE_POLICY, allow(Sid="AnyResourceMetricsHaveNoArn", Resource="*"))],
    "a denial of everything": [document(ROLE_POLICY, {"Effect": "Deny", "Action": "*", "Resource": "*"})],
    "a denial of all but a list": [document(ROLE_POLICY, {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"})],
    "a document that is not known yet": [resource(ROLE_POLICY, policy=UNKNOWN)],
    "a document that is secret": [resource(ROLE_POLICY, policy="[secret]")],
    "a policy that goes": [replace(document(ROLE_POLICY, allow(Action="*")), operation="delete")],
    "one statement without a list": [resource(ROLE_POLICY, policy=json.dumps({"Statement": allow()}))],
    "a narrow managed policy": [
        resource(ATTACHMENTS[0], policyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
    ],
    "a topic for whoever is of the account": [
        document("aws:sns/topicPolicy:TopicPolicy", allow(Principal="*", Condition=OWN_ACCOUNT))
    ],
}
FAILING: dict[str, tuple[str, list[Resource]]] = {
    "any service that works for the account": (
        "for every principal",
        [
            document(
                "aws:sns/topicPolicy:TopicPolicy",
                allow(Principal="*", Condition={"StringEquals": {"aws:SourceAccount": "123456789012"}}),
            )
        ],
    ),
    "every action": ("allows \\*", [document(ROLE_POLICY, allow(Action="*"))]),
    "every action of a service": ("allows s3:\\*", [document("aws:iam/policy:Policy", allow(Action=["s3:*"]))]),
    "a family of actions": ("allows s3:Get\\*", [document("aws:kms/key:Key", allow(Action="s3:Get*"))]),
    "a pattern of actions": ("allows s3:GetObjec\\?", [document(ROLE_POLICY, allow(Action="s3:GetObjec?"))]),
    "any resource without a reason": ("for every resource", [document(ROLE_POLICY, allow(Resource="*"))]),
    "any resource with a word for a reason": (
        "for every resource",
        [document(ROLE_POLICY, allow(Resource="*", Sid="AnyResourceYes"))],
    ),
    "every role": (
        "all of a kind",
        [document(ROLE_POLICY, allow(Action="iam:PassRole", Resource="arn:aws:iam::123456789012:role/*"))],
    ),
    "all actions but a list": ("all but a list \\(NotAction\\)", [document(ROLE_POLICY, allow(NotAction="iam:*"))]),
    "all resources but a list": ("NotResource", [document(ROLE_POLICY, allow(NotResource="arn:aws:s3:::x"))]),
    "everyone but a list": (
        "NotPrincipal",
        [document("aws:sqs/queuePolicy:QueuePolicy", allow(NotPrincipal={"AWS": "123456789012"}))],
    ),
    "an inline policy of a role": (
        "allows s3:\\*",
        [resource(ROLE, inlinePolicies=[{"name": "inline", "policy": INLINE}])],
    ),
    "a user's policy": ("allows \\*", [document("aws:iam/userPolicy:UserPolicy", allow(Action="*"))]),
    "a group of models' policy": (
        "allows sagemaker:\\*",
        [document("aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy", allow(Action="sagemaker:*"))],
    ),
    "an attached policy for everything": (
        "allows nearly everything",
        [resource(ATTACHMENTS[0], policyArn=ADMINISTRATOR)],
    ),
    "a role's own list of managed policies": (
        "allows nearly everything",
        [resource(ROLE, managedPolicyArns=["arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"])],
    ),
    "a role for the world": ("for every principal", [document(ROLE, allow(Principal={"AWS": "*"}))]),
    "a topic for the world": (
        "for every principal",
        [document("aws:sns/topicPolicy:TopicPolicy", allow(Principal="*"))],
    ),
    "a topic for the world, if the condition's key is there": (
        "for every principal",
        [
            document(
                "aws:sns/topicPolicy:TopicPolicy",
                allow(Principal="*", Condition={"StringEqualsIfExists": {"aws:SourceAccount": "1"}}),
            )
        ],
    ),
}


@pytest.mark.parametrize("case", PASSING)
def test_passes(case: str) -> None:
    assert said(no_wildcard_without_reason(PASSING[case])) == []


@pytest.mark.parametrize("case", FAILING)
def test_refused(case: str) -> None:
    message, resources = FAILING[case]
    (found,) = said(no_wildcard_without_reason(resources))
    assert re.search(message, found)


@pytest.mark.parametrize("type_", DOCUMENTS)
def test_every_kind_of_document_is_read(type_: str) -> None:
    assert said(no_wildcard_without_reason([document(type_, allow(Action="*"))])) == ["Read allows *"]


def test_what_is_no_document_is_said() -> None:
    with pytest.raises(ValueError, match="a policy document is no JSON"):
        list(no_wildcard_without_reason([resource(ROLE_POLICY, policy="{")]))


WIDE = [
    "*",
    "*:*",
    "arn:aws:*:*:*:*",
    "arn:*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::*/*",
    "arn:aws:s3:::*-data/*",
    "arn:aws:dynamodb:us-east-1:*:table/x",
    "arn:aws:iam::123456789012:role/*",
    "arn:aws:kms:us-east-1:123456789012:key/*",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:*",
    "arn:aws:sts::123456789012:*",
]
NARROW = [
    "arn:aws:s3:::lake",
    "arn:aws:s3:::lake/*",
    "arn:aws:s3:::lake-*/*",
    "arn:aws:sagemaker:us-east-1:123456789012:model/*",
    "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/*",
    "arn:aws:iam::123456789012:role/penstock-*",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:github-*",
    UNKNOWN,
]


@pytest.mark.parametrize("arn", WIDE)
def test_wide(arn: str) -> None:
    assert is_wide(arn)


@pytest.mark.parametrize("arn", NARROW)
def test_narrow(arn: str) -> None:
    assert not is_wide(arn)
