"""No bucket is public, none is unencrypted, none answers without TLS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from penstock_policy.resource import (
    Finding,
    Resource,
    everyone,
    finding,
    is_known,
    items,
    mapping,
    of_type,
    statements,
    texts,
)
from penstock_policy.settings import UNSPECIFIED, Environment, Settings

BUCKET = "aws:s3/bucket:Bucket"
PUBLIC_ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
SWITCHES = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
ALGORITHMS = frozenset({"aws:kms", "aws:kms:dsse", "AES256"})


def private(resources: Sequence[Resource], settings: Settings = UNSPECIFIED) -> Iterator[Finding]:  # noqa: ARG001 - every policy's signature
    """Every bucket blocks public access in all four ways; no ACL and no bucket policy opens it to everyone."""
    for bucket in of_type(resources, BUCKET):
        blocks = list(about(bucket, of_type(resources, PUBLIC_ACCESS_BLOCK)))
        block = blocks[0] if blocks else None
        if block is None:
            yield finding("private", bucket, "nothing blocks public access", "Add a BucketPublicAccessBlock")
        elif open_ways := [switch for switch in SWITCHES if block.inputs.get(switch) is not True]:
            yield finding("private", bucket, f"{', '.join(open_ways)} is not set", "Set all four to true")
        if str(bucket.inputs.get("acl", "")).startswith(("public-", "authenticated-")):
            yield finding("private", bucket, f"the ACL is {bucket.inputs['acl']}", "Leave the ACL out")
    for policy in of_type(resources, BUCKET_POLICY):
        for statement in statements(policy.inputs.get("policy")):
            if statement.get("Effect") == "Allow" and everyone(statement.get("Principal")):
                yield finding("private", policy, "it allows everyone", "Name the accounts or services that may")


def encrypted(resources: Sequence[Resource], settings: Settings = UNSPECIFIED) -> Iterator[Finding]:  # noqa: ARG001 - every policy's signature
    """Every bucket has an encryption rule of its own."""
    for bucket in of_type(resources, BUCKET):
        rules = about(bucket, of_type(resources, ENCRYPTION))
        entries = [entry for rule in rules for entry in items(rule.inputs.get("rules"))]
        defaults = [mapping(entry.get("applyServerSideEncryptionByDefault")) for entry in entries]
        if not any(default.get("sseAlgorithm") in ALGORITHMS for default in defaults):
            yield finding(
                "encrypted",
                bucket,
                "it has no encryption rule",
                "Add a BucketServerSideEncryptionConfiguration with aws:kms and a key",
            )


def encrypted_in_transit(resources: Sequence[Resource], settings: Settings) -> Iterator[Finding]:
    """In staging and production, every bucket's policy refuses requests without TLS."""
    if settings.environment not in (Environment.STAGING, Environment.PRODUCTION):
        return
    for bucket in of_type(resources, BUCKET):
        policies = about(bucket, of_type(resources, BUCKET_POLICY))
        if not any(_refuses_plain_text(policy) for policy in policies):
            yield finding(
                "encrypted_in_transit",
                bucket,
                "it answers without TLS",
                "Add a BucketPolicy that denies s3:* where aws:SecureTransport is false",
            )


def _refuses_plain_text(policy: Resource) -> bool:
    document = policy.inputs.get("policy")
    return not is_known(document) or any(
        statement.get("Effect") == "Deny"
        and everyone(statement.get("Principal"))
        and "s3:*" in texts(statement.get("Action"))
        and texts(mapping(mapping(statement.get("Condition")).get("Bool")).get("aws:SecureTransport")) == ["false"]
        for statement in statements(document)
    )


def about(bucket: Resource, others: Iterable[Resource]) -> Iterator[Resource]:
    """The resources that name a bucket; before it is made it may have no name, and then those whose bucket is not known."""
    found = list(others)
    name = bucket.inputs.get("bucket")
    named = [other for other in found if name and other.inputs.get("bucket") == name]
    return iter(named or [other for other in found if not is_known(other.inputs.get("bucket"))])
