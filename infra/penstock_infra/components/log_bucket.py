"""The bucket that other buckets write their access logs to."""

from __future__ import annotations

import pulumi
from pulumi_aws import s3
from pydantic import Field

from penstock_infra import grants, naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.components.private_bucket import make_bucket, tls_only
from penstock_infra.iam import Document, Principals, Statement
from penstock_infra.placement import Placement


class LogBucketArguments(Arguments):
    """How long logs are kept, in days."""

    logs_expire_after: int = Field(default=365, ge=1)


class LogBucket(Component):
    """A private, versioned bucket for S3 access logs and networks' flow logs, which expire.

    Encrypted with S3's own keys: AWS delivers no access logs to a bucket encrypted with KMS. Storage is about 0.023 USD a
    GB and month; the delivery is free.
    """

    TYPE = "penstock:storage:LogBucket"

    bucket: pulumi.Output[str]
    arn: pulumi.Output[str]
    bucket_name: str

    def __init__(self, name: str, args: LogBucketArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.bucket_name = args.placement.name(naming.BUCKET, "logs")
        bucket = make_bucket(self, name, self.bucket_name)
        s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
            opts=self.child(),
        )
        versioning = s3.BucketVersioning(
            name, bucket=bucket.bucket, versioning_configuration={"status": "Enabled"}, opts=self.child()
        )
        s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[
                {
                    "id": "expire-logs",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "expiration": {"days": args.logs_expire_after},
                    "noncurrent_version_expiration": {"noncurrent_days": 30},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
                }
            ],
            opts=self.child(depends_on=[versioning]),
        )
        s3.BucketPolicy(
            name, bucket=bucket.bucket, policy=log_bucket_policy(args, self.bucket_name).render(), opts=self.child()
        )
        self.bucket = bucket.bucket
        self.arn = bucket.arn
        self.finish({"bucket": self.bucket, "arn": self.arn})


def log_bucket_policy(args: LogBucketArguments, bucket_name: str) -> Document:
    """S3 may deliver logs of this account's buckets, and AWS those of its networks; nobody without TLS may do anything."""
    return Document.of(
        tls_only(args, bucket_name),
        Statement(
            sid="AccessLogDelivery",
            actions=("s3:PutObject",),
            resources=(grants.objects(args.placement, bucket_name),),
            principals={"Service": ["logging.s3.amazonaws.com"]},
            conditions={"StringEquals": {"aws:SourceAccount": [args.placement.account]}},
        ),
        *_flow_logs(args.placement, bucket_name),
    )


def _flow_logs(placement: Placement, bucket_name: str) -> list[Statement]:
    """Flow logs of this account's networks: without these two, AWS would write them into the policy by itself.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
    """
    service: Principals = {"Service": ["delivery.logs.amazonaws.com"]}
    conditions = {
        "StringEquals": {"aws:SourceAccount": [placement.account]},
        "ArnLike": {"aws:SourceArn": [placement.arn("logs", "*")]},
    }
    return [
        Statement(
            sid="FlowLogDelivery",
            actions=("s3:PutObject",),
            resources=(grants.objects(placement, bucket_name, f"AWSLogs/{placement.account}/"),),
            principals=service,
            conditions={
                **conditions,
                "StringEquals": {**conditions["StringEquals"], "s3:x-amz-acl": ["bucket-owner-full-control"]},
            },
        ),
        Statement(
            sid="FlowLogCheck",
            actions=("s3:GetBucketAcl",),
            resources=(grants.bucket_arn(placement, bucket_name),),
            principals=service,
            conditions=conditions,
        ),
    ]
