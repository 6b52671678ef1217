"""Every policy with a case that passes and cases that fail."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from typing import Any

import pytest

from penstock_policy import POLICIES, Resource, buckets, check, permissions, tags, trust

TAGS = dict.fromkeys(tags.REQUIRED, "x")
GITHUB = f"arn:aws:iam::123456789012:oidc-provider/{trust.HOST}"


def bucket(**inputs: Any) -> Resource:
    return Resource(type=buckets.BUCKET, name="data", inputs={"bucket": "data", "tags": TAGS, **inputs})


def block(**inputs: Any) -> Resource:
    switches = dict.fromkeys(buckets.SWITCHES, True)
    return Resource(type=buckets.PUBLIC_ACCESS_BLOCK, name="data", inputs={"bucket": "data", **switches, **inputs})


def encryption(algorithm: str | None = "aws:kms", name: str = "data") -> Resource:
    default = {"sseAlgorithm": algorithm} if algorithm else {}
    rules = [{"applyServerSideEncryptionByDefault": default}]
    return Resource(type=buckets.ENCRYPTION, name="data", inputs={"bucket": name, "rules": rules})


def document(type_: str, *statements: dict[str, Any]) -> Resource:
    key = {**permissions.DOCUMENTS, buckets.BUCKET_POLICY: "policy"}[type_]
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return Resource(type=type_, name="document", inputs={key: text, "tags": TAGS})


def allow(**changes: Any) -> dict[str, Any]:
    return {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::x/*"], **changes}


def trusting(sub: object, **operators: Any) -> Resource:
    conditions = {"StringEquals": {f"{trust.HOST}:aud": "sts.amazonaws.com", f"{trust.HOST}:sub": sub}, **operators}
    return document(
        trust.ROLE,
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": GITHUB},
            "Condition": conditions,
        },
    )


ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
GOOD_SUBS = ["repo:acme/fl:environment:prod", "repo:acme@1/fl@2:environment:prod"]
PASSING = {
    "a private, encrypted bucket": [bucket(), block(), encryption()],
    "a log bucket with S3's own keys": [bucket(), block(), encryption("AES256")],
    "a policy for a service": [
        document(buckets.BUCKET_POLICY, allow(Principal={"Service": "logging.s3.amazonaws.com"}))
    ],
    "a denial of everyone": [document(buckets.BUCKET_POLICY, {"Effect": "Deny", "Principal": "*", "Action": "s3:*"})],
    "named actions and resources": [document(ROLE_POLICY, allow())],
    "any resource, with a reason": [document(ROLE_POLICY, allow(Sid="AnyResourceMetricsHaveNoArn", Resource="*"))],
    "one repository and environment": [trusting(GOOD_SUBS)],
    "pull requests of one repository": [trusting("repo:acme/fl:pull_request")],
    "a document that is not known yet": [
        Resource(type=ROLE_POLICY, name="later", inputs={"policy": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"})
    ],
    "what cannot be tagged": [Resource(type="aws:kms/alias:Alias", name="alias")],
}
FAILING = {
    "no block": ("nothing blocks public access", [bucket(), encryption()]),
    "a half block": ("blockPublicPolicy is not set", [bucket(), block(blockPublicPolicy=False), encryption()]),
    "another bucket's block": ("nothing blocks", [bucket(), block(bucket="other"), encryption()]),
    "a public ACL": ("the ACL is public-read", [bucket(acl="public-read"), block(), encryption()]),
    "a policy for everyone": ("it allows everyone", [document(buckets.BUCKET_POLICY, allow(Principal={"AWS": "*"}))]),
    "no encryption": ("no encryption rule", [bucket(), block()]),
    "an empty encryption rule": ("no encryption rule", [bucket(), block(), encryption(None)]),
    "another bucket's encryption": ("no encryption rule", [bucket(), block(), encryption(name="other")]),
    "every action": ("allows \\*", [document(ROLE_POLICY, allow(Action="*"))]),
    "every action of a service": ("allows s3:\\*", [document("aws:iam/policy:Policy", allow(Action=["s3:*"]))]),
    "a family of actions": ("allows s3:Get\\*", [document("aws:kms/key:Key", allow(Action="s3:Get*"))]),
    "any resource without a reason": ("for every resource", [document(ROLE_POLICY, allow(Resource="*"))]),
    "all but a list": ("all but a list", [document(ROLE_POLICY, {"Effect": "Allow", "NotAction": "iam:*"})]),
    "a managed policy for everything": (
        "allows nearly everything",
        [
            Resource(
                type=permissions.ATTACHMENTS[0],
                name="admin",
                inputs={"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
            )
        ],
    ),
    "all of an organisation": ("is wider", [trusting("repo:acme/*")]),
    "every branch": ("is wider", [trusting("repo:acme/fl:ref:refs/heads/main")]),
    "two repositories": ("more than one repository", [trusting([GOOD_SUBS[0], "repo:acme/other:environment:prod"])]),
    "two environments": ("more than one", [trusting([GOOD_SUBS[0], "repo:acme/fl:environment:dev"])]),
    "no sub": ("does not name exact subjects", [trusting(None)]),
    "a pattern for sub": (
        "does not name exact subjects",
        [trusting(None, StringLike={f"{trust.HOST}:sub": "repo:acme/fl:*"})],
    ),
    "a vacuous condition": ("ForAllValues", [trusting(GOOD_SUBS, **{"ForAllValues:StringLike": {"x": ["*"]}})]),
    "another audience": (
        "made for others",
        [trusting(GOOD_SUBS, StringEquals={f"{trust.HOST}:sub": GOOD_SUBS, f"{trust.HOST}:aud": "x"})],
    ),
    "no tags": ("tags are missing: Project", [bucket(tags=None), block(), encryption()]),
    "an empty tag": ("tags are missing: Owner", [bucket(tags={**TAGS, "Owner": ""}), block(), encryption()]),
}


@pytest.mark.parametrize("case", PASSING)
def test_passes(case: str) -> None:
    assert [str(finding) for finding in check(PASSING[case])] == []


@pytest.mark.parametrize("case", FAILING)
def test_refused(case: str) -> None:
    message, resources = FAILING[case]
    (finding,) = check(resources)
    assert re.search(message, str(finding))
    assert finding.remedy


def test_every_policy_refuses_something() -> None:
    for policy in POLICIES:
        assert any(list(policy(resources)) for _, resources in FAILING.values()), policy.__name__


def test_the_taggable_types_are_those_that_take_tags() -> None:
    """pulumi_aws knows: a type's class takes `tags`, or it cannot be tagged."""
    types = [
        *tags.TAGGABLE,
        "aws:kms/alias:Alias",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:sns/topicPolicy:TopicPolicy",
    ]
    for type_ in types:
        _, module, name = type_.split(":")
        resource = getattr(importlib.import_module(f"pulumi_aws.{module.split('/')[0]}"), name)
        assert ("tags" in inspect.signature(resource._internal_init).parameters) is (type_ in tags.TAGGABLE), type_
