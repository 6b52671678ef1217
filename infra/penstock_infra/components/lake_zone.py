"""One zone of the lake."""

from __future__ import annotations

import pulumi

from penstock_infra.components.component import Arguments, Component
from penstock_infra.components.private_bucket import PrivateBucket, PrivateBucketArguments
from penstock_infra.inputs import Text
from penstock_infra.lake_tables import Zone


class LakeZoneArguments(Arguments):
    """The zone, its key and where its accesses are logged."""

    zone: Zone
    key_arn: Text
    log_bucket: Text


class LakeZone(Component):
    """A private bucket for one zone of the lake.

    Raw data is read seldom once it is cleaned: it moves to infrequent access after 90 days, and its old versions stay a
    year, so that what was overwritten can be had again. About 0.023 USD a GB and month, raw 0.0125 after 90 days.
    """

    TYPE = "penstock:lake:LakeZone"

    bucket: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: LakeZoneArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        raw = args.zone is Zone.RAW
        bucket = PrivateBucket(
            name,
            PrivateBucketArguments(
                placement=args.placement,
                purpose=args.zone.value,
                key_arn=args.key_arn,
                log_bucket=args.log_bucket,
                infrequent_access_after=90 if raw else None,
                old_versions_expire_after=365 if raw else 90,
            ),
            self.child(),
        )
        self.bucket = bucket.bucket
        self.arn = bucket.arn
        self.finish({"bucket": self.bucket, "arn": self.arn})
