"""No bucket is public, none is unencrypted, none answers without TLS."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tests.infra.policy.samples import UNKNOWN, allow, block, bucket, document, encryption, said

from penstock_policy import Environment, Resource, Settings, buckets

PASSING = {
    "closed": [bucket(), block()],
    "a policy for a service": [
        document(buckets.BUCKET_POLICY, allow(Principal={"Service": "logging.s3.amazonaws.com"}))
    ],
    "a denial of everyone": [document(buckets.BUCKET_POLICY, {"Effect": "Deny", "Principal": "*", "Action": "s3:*"})],
    "a policy that is not known yet": [Resource(type=buckets.BUCKET_POLICY, name="p", inputs={"policy": UNKNOWN})],
    "a name that AWS will give": [bucket(bucket=None), block(bucket=UNKNOWN)],
    "a block that will name it": [bucket(), block(bucket=UNKNOWN)],
    "a bucket that goes": [replace(bucket(acl="public-read"), operation="delete")],
}
PUBLIC: dict[str, tuple[str, list[Resource]]] = {
    "no block": ("nothing blocks public access", [bucket()]),
    "a half block": ("blockPublicPolicy is not set", [bucket(), block(blockPublicPolicy=False)]),
    "another bucket's block": ("nothing blocks", [bucket(), block(bucket="other")]),
    "a block that goes": ("nothing blocks", [bucket(), replace(block(), operation="delete")]),
    "a public ACL": ("the ACL is public-read", [bucket(acl="public-read"), block()]),
    "a policy for everyone": ("it allows everyone", [document(buckets.BUCKET_POLICY, allow(Principal={"AWS": "*"}))]),
}


@pytest.mark.parametrize("case", PASSING)
def test_private(case: str) -> None:
    assert said(buckets.private(PASSING[case])) == []


@pytest.mark.parametrize("case", PUBLIC)
def test_not_private(case: str) -> None:
    message, resources = PUBLIC[case]
    (found,) = said(buckets.private(resources))
    assert re.search(message, found)


@pytest.mark.parametrize("algorithm", ["aws:kms", "aws:kms:dsse", "AES256"])
def test_encrypted(algorithm: str) -> None:
    assert said(buckets.encrypted([bucket(), encryption(algorithm)])) == []
    assert said(buckets.encrypted([bucket(bucket=None), encryption(algorithm, name=UNKNOWN)])) == []


@pytest.mark.parametrize(
    "others", [[], [encryption(None)], [encryption(name="other")], [replace(encryption(), operation="delete")]]
)
def test_not_encrypted(others: list[Resource]) -> None:
    assert said(buckets.encrypted([bucket(), *others])) == ["it has no encryption rule"]


TLS = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": "arn:aws:s3:::data/*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def rules(*statements: dict[str, object], name: str = "data") -> Resource:
    return document(buckets.BUCKET_POLICY, *statements, bucket=name)


@pytest.mark.parametrize("environment", [Environment.STAGING, Environment.PRODUCTION])
def test_encrypted_in_transit(environment: Environment) -> None:
    settings = Settings(environment=environment)
    for policy in (rules(TLS), rules(allow(), TLS), replace(rules(TLS), inputs={"bucket": "data", "policy": UNKNOWN})):
        assert said(buckets.encrypted_in_transit([bucket(), policy], settings)) == []
    assert said(buckets.encrypted_in_transit([replace(bucket(), operation="delete")], settings)) == []


@pytest.mark.parametrize(
    "others",
    [
        [],
        [rules(allow())],
        [rules(TLS, name="other")],
        [rules(TLS | {"Effect": "Allow"})],
        [rules(TLS | {"Action": "s3:PutObject"})],
        [rules(TLS | {"Principal": {"AWS": "123456789012"}})],
        [rules(TLS | {"Condition": {"Bool": {"aws:SecureTransport": "true"}}})],
        [replace(rules(TLS), operation="delete")],
    ],
)
def test_not_encrypted_in_transit(others: list[Resource]) -> None:
    production = Settings(environment=Environment.PRODUCTION)
    assert said(buckets.encrypted_in_transit([bucket(), *others], production)) == ["it answers without TLS"]
    assert said(buckets.encrypted_in_transit([bucket(), *others], Settings())) == [], "in development it is let through"
