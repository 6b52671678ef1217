"""A bucket that nobody outside can read, with versions, encryption and a lifecycle."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_aws import s3
from pydantic import Field

from penstock_infra import grants, naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.iam import Denial, Document, Principals, Statement
from penstock_infra.inputs import Text
from penstock_infra.placement import AccountId


class PrivateBucketArguments(Arguments):
    """What the bucket is for, how it is encrypted, and how long old objects stay. Times are in days."""

    purpose: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$", description="part of the name: raw, artifacts")
    key_arn: Text = Field(description="the KMS key of the bucket's objects")
    log_bucket: Text | None = Field(default=None, description="where the bucket's access log goes")
    infrequent_access_after: int | None = Field(default=None, ge=30, description="move to cheaper storage")
    reader_accounts: tuple[AccountId, ...] = Field(
        default=(), description="other accounts whose roles may read it, as far as their own policies go"
    )
    old_versions_expire_after: int = Field(default=90, ge=1, description="delete overwritten and deleted objects")
    objects_expire_after: int | None = Field(default=None, ge=1, description="delete objects that can be had again")


class PrivateBucket(Component):
    """An S3 bucket: private, versioned, encrypted with KMS through a bucket key, TLS only, with a lifecycle.

    Storage is about 0.023 USD a GB and month (0.0125 after `infrequent_access_after` days), old versions included.
    """

    TYPE = "penstock:storage:PrivateBucket"

    bucket: pulumi.Output[str]
    arn: pulumi.Output[str]
    bucket_name: str

    def __init__(self, name: str, args: PrivateBucketArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.bucket_name = args.placement.name(naming.BUCKET, args.purpose)
        bucket = make_bucket(self, name, self.bucket_name)
        s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": args.key_arn,
                    },
                    "bucket_key_enabled": True,
                }
            ],
            opts=self.child(),
        )
        versioning = s3.BucketVersioning(
            name, bucket=bucket.bucket, versioning_configuration={"status": "Enabled"}, opts=self.child()
        )
        s3.BucketLifecycleConfiguration(
            name, bucket=bucket.bucket, rules=lifecycle_rules(args), opts=self.child(depends_on=[versioning])
        )
        s3.BucketPolicy(
            name,
            bucket=bucket.bucket,
            policy=bucket_policy(args, self.bucket_name).render(),
            opts=self.child(),
        )
        if args.log_bucket is not None:
            s3.BucketLogging(
                name,
                bucket=bucket.bucket,
                target_bucket=args.log_bucket,
                target_prefix=f"{self.bucket_name}/",
                opts=self.child(),
            )
        self.bucket = bucket.bucket
        self.arn = bucket.arn
        self.finish({"bucket": self.bucket, "arn": self.arn})


def make_bucket(component: Component, name: str, bucket_name: str) -> Any:
    """A bucket owned wholly by its account and closed to the public: the start of every kind of bucket here."""
    bucket = s3.Bucket(
        name,
        bucket=bucket_name,
        force_destroy=component.placement.force_destroy,
        tags=component.tags,
        opts=component.child(holds_data=True),
    )
    s3.BucketOwnershipControls(
        name, bucket=bucket.bucket, rule={"object_ownership": "BucketOwnerEnforced"}, opts=component.child()
    )
    s3.BucketPublicAccessBlock(
        name,
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=component.child(),
    )
    return bucket


def lifecycle_rules(args: PrivateBucketArguments) -> list[dict[str, Any]]:
    """Old versions and broken uploads go; objects get cheaper when asked."""
    rule: dict[str, Any] = {
        "id": "keep-tidy",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "noncurrent_version_expiration": {"noncurrent_days": args.old_versions_expire_after},
        "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
    }
    if args.infrequent_access_after is not None:
        rule["transitions"] = [{"days": args.infrequent_access_after, "storage_class": "STANDARD_IA"}]
    if args.objects_expire_after is not None:
        rule["expiration"] = {"days": args.objects_expire_after}
    return [rule]


def bucket_policy(args: PrivateBucketArguments, bucket_name: str) -> Document:
    """TLS only; and reading, for accounts that are named."""
    statements: list[Statement | Denial] = [tls_only(args, bucket_name)]
    if others := grants.others(args.placement, args.reader_accounts):
        readers: Principals = {"AWS": others}
        statements += [
            grants.list_buckets("ListByOtherAccounts", args.placement, bucket_name).model_copy(
                update={"principals": readers}
            ),
            grants.read_objects("ReadByOtherAccounts", args.placement, bucket_name).model_copy(
                update={"principals": readers}
            ),
        ]
    return Document.of(*statements)


def tls_only(args: Arguments, bucket_name: str) -> Denial:
    """Requests without TLS are refused."""
    return Denial(
        sid="TlsOnly",
        actions=("s3:*",),
        resources=(
            grants.bucket_arn(args.placement, bucket_name),
            grants.objects(args.placement, bucket_name),
        ),
        conditions={"Bool": {"aws:SecureTransport": ["false"]}},
    )
