"""Where feature groups keep their history."""

from __future__ import annotations

import pulumi
from pydantic import Field

from penstock_infra.components.component import Arguments, Component
from penstock_infra.components.private_bucket import PrivateBucket, PrivateBucketArguments
from penstock_infra.inputs import Text

PREFIX = "offline-store"


class OfflineStoreArguments(Arguments):
    """The store's key, where its accesses are logged, and when old history gets cheaper, in days."""

    key_arn: Text
    log_bucket: Text
    infrequent_access_after: int | None = Field(default=None, ge=30, description="move to cheaper storage")


class OfflineStore(Component):
    """A private bucket for the offline part of all feature groups. About 0.023 USD a GB and month."""

    TYPE = "penstock:features:OfflineStore"

    uri: pulumi.Output[str]
    bucket: pulumi.Output[str]

    def __init__(self, name: str, args: OfflineStoreArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        bucket = PrivateBucket(
            name,
            PrivateBucketArguments(
                placement=args.placement,
                purpose="features",
                key_arn=args.key_arn,
                log_bucket=args.log_bucket,
                infrequent_access_after=args.infrequent_access_after,
            ),
            self.child(),
        )
        self.bucket = bucket.bucket
        self.uri = pulumi.Output.concat("s3://", bucket.bucket, f"/{PREFIX}")
        self.finish({"uri": self.uri, "bucket": self.bucket})
