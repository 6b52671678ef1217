"""No bucket is public, none is unencrypted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from penstock_policy.resource import Finding, Resource, finding, statements, texts

BUCKET = "aws:s3/bucket:Bucket"
PUBLIC_ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
SWITCHES = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
ALGORITHMS = frozenset({"aws:kms", "aws:kms:dsse", "AES256"})


def private(resources: Sequence[Resource]) -> Iterator[Finding]:
    """Every bucket blocks public access in all four ways; no ACL and no bucket policy opens it to everyone."""
    blocks = {block.inputs.get("bucket"): block for block in resources if block.type == PUBLIC_ACCESS_BLOCK}
    for bucket in _of(resources, BUCKET):
        block = blocks.get(bucket.inputs.get("bucket"))
        if block is None:
            yield finding("private", bucket, "nothing blocks public access", "Add a BucketPublicAccessBlock")
        elif open_ways := [switch for switch in SWITCHES if block.inputs.get(switch) is not True]:
            yield finding("private", bucket, f"{', '.join(open_ways)} is not set", "Set all four to true")
        if str(bucket.inputs.get("acl", "")).startswith(("public-", "authenticated-")):
            yield finding("private", bucket, f"the ACL is {bucket.inputs['acl']}", "Leave the ACL out")
    for policy in _of(resources, BUCKET_POLICY):
        for statement in statements(policy.inputs.get("policy")):
            if statement.get("Effect") == "Allow" and _everyone(statement.get("Principal")):
                yield finding("private", policy, "it allows everyone", "Name the accounts or services that may")


def encrypted(resources: Sequence[Resource]) -> Iterator[Finding]:
    """Every bucket has an encryption rule of its own."""
    rules = {rule.inputs.get("bucket"): rule for rule in resources if rule.type == ENCRYPTION}
    for bucket in _of(resources, BUCKET):
        rule = rules.get(bucket.inputs.get("bucket"))
        defaults = (
            [item.get("applyServerSideEncryptionByDefault") or {} for item in rule.inputs["rules"]] if rule else []
        )
        if not any(default.get("sseAlgorithm") in ALGORITHMS for default in defaults):
            yield finding(
                "encrypted",
                bucket,
                "it has no encryption rule",
                "Add a BucketServerSideEncryptionConfiguration with aws:kms and a key",
            )


def _of(resources: Sequence[Resource], type_: str) -> list[Resource]:
    return [resource for resource in resources if resource.type == type_]


def _everyone(principal: object) -> bool:
    if isinstance(principal, dict):
        return any("*" in texts(names) for names in principal.values())
    return "*" in texts(principal)
