"""The bucket that keeps stacks' states: versioned, encrypted with the key, closed to the public, and not to be emptied."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from penstock_ci.bootstrap.backend import state_bucket
from penstock_ci.bootstrap.pieces import MANAGED_BY, Piece, Setting, seen, settle, tags
from penstock_ci.errors import Failure

if TYPE_CHECKING:
    from penstock_ci.target import Target

KIND = "state bucket"
OLD_VERSIONS_EXPIRE_AFTER = 365
"""Days: how long an overwritten state can be had back."""

OLD_VERSIONS_KEPT = 20
"""The newest overwritten states of a stack stay longer."""


def bucket(target: Target, key_arn: str, *, check: bool) -> Piece:
    """The state bucket with its settings.

    Args:
        target: Where.
        key_arn: The key of its objects; empty when there is none yet (`check` only).
        check: Change nothing.

    Raises:
        Failure: another account has a bucket of that name.
    """
    client = target.client("s3")
    account = target.account()
    name = state_bucket(account, target.region)
    existed = True
    try:
        client.head_bucket(Bucket=name, ExpectedBucketOwner=account)
    except client.exceptions.ClientError as error:
        code = str(error.response["Error"].get("Code"))
        if code in {"403", "AccessDenied", "Forbidden"}:
            raise Failure(
                f"the bucket {name} is not this account's, or these credentials may not look at it",
                "ask who owns it; states can lie elsewhere: set PULUMI_BACKEND_URL",
            ) from error
        if code not in {"404", "NoSuchBucket", "NotFound"}:
            raise
        existed = False
        if check:
            return Piece(KIND, name, "missing")
        request: dict[str, Any] = {"Bucket": name, "ObjectOwnership": "BucketOwnerEnforced"}
        if target.region != "us-east-1":
            request["CreateBucketConfiguration"] = {"LocationConstraint": target.region}
        client.create_bucket(**request)
    return seen(KIND, name, existed=existed, wrong=settle(_settings(client, name, key_arn), check=check), check=check)


def _settings(client: Any, name: str, key_arn: str) -> list[Setting]:
    """Every setting of the state bucket, the policy last: it forbids some of what comes before."""
    encryption = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn},
        "BucketKeyEnabled": True,
    }
    closed = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    owned = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}

    def asked(question: Callable[[], Any]) -> Any:
        try:
            return question()
        except client.exceptions.ClientError:  # S3 answers "no such configuration" as an error
            return None

    def encrypted() -> bool:
        rule = asked(lambda: client.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0])
        default = (rule or {}).get("ApplyServerSideEncryptionByDefault", {})
        return (default.get("SSEAlgorithm"), default.get("KMSMasterKeyID"), (rule or {}).get("BucketKeyEnabled")) == (
            "aws:kms",
            key_arn,
            True,
        )

    def tidy() -> bool:
        rules = asked(lambda: client.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]) or []
        return [_compared(rule) for rule in rules] == [_compared(rule) for rule in _lifecycle()]

    return [
        Setting(
            "versioning",
            lambda: client.get_bucket_versioning(Bucket=name).get("Status") == "Enabled",
            lambda: client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"}),
        ),
        Setting(
            "encryption",
            encrypted,
            lambda: client.put_bucket_encryption(
                Bucket=name, ServerSideEncryptionConfiguration={"Rules": [encryption]}
            ),
        ),
        Setting(
            "public access block",
            lambda: (
                asked(lambda: client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]) == closed
            ),
            lambda: client.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=closed),
        ),
        Setting(
            "ownership",
            lambda: asked(lambda: client.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]) == owned,
            lambda: client.put_bucket_ownership_controls(Bucket=name, OwnershipControls=owned),
        ),
        Setting(
            "lifecycle",
            tidy,
            lambda: client.put_bucket_lifecycle_configuration(
                Bucket=name, LifecycleConfiguration={"Rules": _lifecycle()}
            ),
        ),
        Setting(
            "tags",
            lambda: tags(asked(lambda: client.get_bucket_tagging(Bucket=name)["TagSet"]) or []),
            lambda: client.put_bucket_tagging(
                Bucket=name,
                Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in MANAGED_BY.items()]},
            ),
        ),
        Setting(
            "policy",
            lambda: (
                json.loads(asked(lambda: client.get_bucket_policy(Bucket=name)["Policy"]) or "null") == policy(name)
            ),
            lambda: client.put_bucket_policy(Bucket=name, Policy=json.dumps(policy(name))),
        ),
    ]


def policy(name: str) -> dict[str, Any]:
    """No request without TLS; no state is destroyed, only hidden by a newer version.

    Who really wants the bucket gone takes the policy away first.
    """
    everything = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TransportIsEncrypted",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": everything,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            {
                "Sid": "StatesAreKept",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["s3:DeleteBucket", "s3:DeleteObjectVersion"],
                "Resource": everything,
            },
        ],
    }


def _lifecycle() -> list[dict[str, Any]]:
    return [
        {
            "ID": "old-states",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {
                "NoncurrentDays": OLD_VERSIONS_EXPIRE_AFTER,
                "NewerNoncurrentVersions": OLD_VERSIONS_KEPT,
            },
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
    ]


def _compared(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule without what S3 writes in either of two ways."""
    return {key: value for key, value in rule.items() if key not in {"Filter", "Prefix"}}
