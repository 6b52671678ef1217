"""Where people and jobs query the lake from: an Athena workgroup with limits."""

from __future__ import annotations

import pulumi
from pulumi_aws import athena, cloudwatch
from pydantic import Field

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.components.private_bucket import PrivateBucket, PrivateBucketArguments
from penstock_infra.inputs import Text

GB = 1_000_000_000
ENGINE = "Athena engine version 3"
DAY_SECONDS = 86_400


class QueryWorkgroupArguments(Arguments):
    """The key and log of the results, and how much may be scanned, in GB (10^9 bytes)."""

    key_arn: Text = Field(description="the KMS key of the results")
    log_bucket: Text = Field(description="where accesses to the results are logged")
    topic_arn: Text = Field(description="where it is told that a day's queries scanned more than they should")
    query_limit_gb: int = Field(default=100, ge=1, le=1_000_000, description="a query that scans more is cancelled")
    daily_limit_gb: int = Field(default=1000, ge=1, le=10_000_000, description="more in a day sets the alarm off")
    results_expire_after: int = Field(default=30, ge=1, description="days that results are kept")


class QueryWorkgroup(Component):
    """An Athena workgroup whose settings clients cannot override, a bucket for its results, and an alarm on its use.

    A query is cancelled when it has scanned `query_limit_gb` (AWS: BytesScannedCutoffPerQuery); the alarm goes off when
    all queries of a day together have scanned `daily_limit_gb` (metric ProcessedBytes). Athena costs 5 USD a TB scanned:
    with the defaults 0.50 USD a query at most; the alarm 0.10 USD a month; results S3's price until they expire.
    https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html
    """

    TYPE = "penstock:lake:QueryWorkgroup"

    workgroup_name: pulumi.Output[str]
    results_bucket: pulumi.Output[str]

    def __init__(self, name: str, args: QueryWorkgroupArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        results = PrivateBucket(
            name,
            PrivateBucketArguments(
                placement=args.placement,
                purpose="queries",
                key_arn=args.key_arn,
                log_bucket=args.log_bucket,
                objects_expire_after=args.results_expire_after,
                old_versions_expire_after=1,
            ),
            self.child(),
        )
        workgroup_name = args.placement.name(naming.WORKGROUP, "lake")
        workgroup = athena.Workgroup(
            name,
            name=workgroup_name,
            description="Queries of the data lake",
            force_destroy=args.placement.force_destroy,
            configuration={
                "enforce_workgroup_configuration": True,
                "publish_cloudwatch_metrics_enabled": True,
                "bytes_scanned_cutoff_per_query": args.query_limit_gb * GB,
                "engine_version": {"selected_engine_version": ENGINE},
                "result_configuration": {
                    "output_location": pulumi.Output.concat("s3://", results.bucket, "/results/"),
                    "encryption_configuration": {"encryption_option": "SSE_KMS", "kms_key_arn": args.key_arn},
                },
            },
            tags=self.tags,
            opts=self.child(),
        )
        cloudwatch.MetricAlarm(
            name,
            name=args.placement.name(naming.ALARM, "lake", "scanned"),
            alarm_description=f"Queries of the lake scanned more than {args.daily_limit_gb} GB in a day",
            namespace="AWS/Athena",
            metric_name="ProcessedBytes",
            dimensions={"WorkGroup": workgroup_name},
            statistic="Sum",
            period=DAY_SECONDS,
            evaluation_periods=1,
            threshold=args.daily_limit_gb * GB,
            comparison_operator="GreaterThanThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[args.topic_arn],
            tags=self.tags,
            opts=self.child(),
        )
        self.workgroup_name = workgroup.name
        self.results_bucket = results.bucket
        self.finish({"workgroupName": self.workgroup_name, "resultsBucket": self.results_bucket})
