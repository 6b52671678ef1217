"""SageMaker Model Monitor's data quality, by the clock."""

from __future__ import annotations

import json
from typing import Any

import pulumi
from pulumi_aws import sagemaker
from pydantic import Field

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.inputs import Text
from penstock_infra.model import ModelName

LONGEST_RUN_SECONDS = 1800
VOLUME_GIGABYTES = 20


class DataQualityMonitorArguments(Arguments):
    """What is watched, against which baseline, when, by which image, and under which keys."""

    model: ModelName
    endpoint_name: Text = Field(description="the endpoint; it must capture its requests")
    statistics_uri: Text = Field(description="the baseline's statistics.json in S3")
    constraints_uri: Text = Field(description="the baseline's constraints.json in S3")
    image_uri: Text = Field(
        description="AWS's analyzer of the region: ACCOUNT.dkr.ecr.REGION.amazonaws.com/sagemaker-model-monitor-analyzer"
    )
    schedule: str = Field(
        default="cron(0 * ? * * *)", description="hourly, or cron(0 H ? * * *) daily: Model Monitor takes no other"
    )
    instance_type: str = Field(default="ml.m5.large", pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")
    report_bucket: Text
    role_arn: Text = Field(description="the role that the jobs run with")
    data_key_arn: Text = Field(description="KMS key of the jobs' disks")
    artifact_key_arn: Text = Field(description="KMS key of the reports")


class DataQualityMonitor(Component):
    """A Model Monitor schedule that holds what an endpoint captured against a baseline, every hour or day.

    A job definition and its schedule; reports go to `s3://<reports>/monitoring/<model>`, one metric a feature to
    CloudWatch. AWS has closed Model Monitor to new customers: an account without it uses `DriftMonitor`. Every run is a
    processing job, a quarter of an hour on an `ml.m5.large`: about 20 USD a month by the hour, 1 USD by the day.

    Model quality, bias and explainability have job definitions that Pulumi's AWS provider does not know; they are made by
    SageMaker's SDK or API, and no schedule is made for them here.
    """

    TYPE = "penstock:monitoring:DataQualityMonitor"

    schedule_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: DataQualityMonitorArguments, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args, opts)
        shape = definition_of(args)
        definition = sagemaker.DataQualityJobDefinition(
            name, name=definition_name(args, shape), **shape, tags=self.tags, opts=self.child()
        )
        schedule = sagemaker.MonitoringSchedule(
            name,
            name=args.placement.name(naming.MONITOR, "data-quality", args.model),
            monitoring_schedule_config={
                "monitoring_type": "DataQuality",
                "monitoring_job_definition_name": definition.name,
                "schedule_config": {"schedule_expression": args.schedule},
            },
            tags=self.tags,
            opts=self.child(),
        )
        self.schedule_name = schedule.name
        self.finish({"scheduleName": self.schedule_name, "definitionName": definition.name})


def definition_of(args: DataQualityMonitorArguments) -> dict[str, Any]:
    """The job: the endpoint's captures against the baseline, on an encrypted disk, with encrypted reports."""
    return {
        "role_arn": args.role_arn,
        "data_quality_app_specification": {"image_uri": args.image_uri},
        "data_quality_baseline_config": {
            "statistics_resource": {"s3_uri": args.statistics_uri},
            "constraints_resource": {"s3_uri": args.constraints_uri},
        },
        "data_quality_job_input": {"endpoint_input": {"endpoint_name": args.endpoint_name}},
        "data_quality_job_output_config": {
            "kms_key_id": args.artifact_key_arn,
            "monitoring_outputs": {
                "s3_output": {"s3_uri": pulumi.Output.concat("s3://", args.report_bucket, f"/monitoring/{args.model}")}
            },
        },
        "job_resources": {
            "cluster_config": {
                "instance_count": 1,
                "instance_type": args.instance_type,
                "volume_size_in_gb": VOLUME_GIGABYTES,
                "volume_kms_key_id": args.data_key_arn,
            }
        },
        "stopping_condition": {"max_runtime_in_seconds": LONGEST_RUN_SECONDS},
    }


def definition_name(args: DataQualityMonitorArguments, shape: dict[str, Any]) -> pulumi.Output[str]:
    """A name that holds the definition's content: it cannot be changed, so the next one is made beside it."""
    return pulumi.Output.from_input(shape).apply(
        lambda known: args.placement.name(
            naming.MONITOR, "quality", args.model, naming.digest(json.dumps(known, sort_keys=True))
        )
    )
