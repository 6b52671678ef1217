"""No bucket is public, none is unencrypted."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tests.infra.policy.samples import UNKNOWN, allow, block, bucket, document, encryption, said

from penstock_policy import Resource, buckets

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
