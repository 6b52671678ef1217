"""SageMaker Model Monitor's data quality, by the clock."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_aws import sagemaker
from pydantic import Field

from penstock_infra import monitor_images
from penstock_infra.components.endpoint_monitor import (
    LONGEST_RUN_SECONDS,
    PUBLISH,
    VOLUME_GIGABYTES,
    EndpointMonitor,
    MonitorArguments,
    Network,
)
from penstock_infra.inputs import Text
from penstock_infra.job_definition import content_name


class DataQualityMonitorArguments(MonitorArguments):
    """What is watched, and against which baseline."""

    statistics_uri: Text = Field(description="the baseline's statistics.json in S3")
    constraints_uri: Text = Field(description="the baseline's constraints.json in S3")


class DataQualityMonitor(EndpointMonitor):
    """A Model Monitor schedule that holds what an endpoint captured against a baseline, every hour or day.

    A job definition and its schedule; reports go to `s3://<reports>/monitoring/<model>`, one metric a feature to
    CloudWatch. AWS has closed Model Monitor to new customers: an account without it uses `DriftMonitor`. Every run is a
    processing job, a quarter of an hour on an `ml.m5.large`: about 20 USD a month by the hour, 1 USD by the day.
    """

    TYPE = "penstock:monitoring:DataQualityMonitor"

    def __init__(
        self, name: str, args: DataQualityMonitorArguments, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args, opts)
        shape = definition_of(args)
        definition = sagemaker.DataQualityJobDefinition(
            name,
            name=content_name(args.placement, ("quality", args.model), shape),
            **shape,
            tags=self.tags,
            opts=self.child(),
        )
        self.run(name, args, "DataQuality", definition.name)


def definition_of(args: DataQualityMonitorArguments) -> dict[str, Any]:
    """The job: the endpoint's captures against the baseline, on an encrypted disk, with encrypted reports."""
    return {
        "role_arn": args.role_arn,
        "data_quality_app_specification": {
            "image_uri": args.image_uri or monitor_images.analyzer(args.placement),
            "environment": PUBLISH,
        },
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
        "network_config": args.network.apply(_network_config),
    }


def _network_config(network: Network | None) -> dict[str, Any] | None:
    if network is None:
        return None
    config: dict[str, Any] = {"enable_network_isolation": network["isolated"]}
    if network["subnets"]:
        config["vpc_config"] = {"security_group_ids": network["groups"], "subnets": network["subnets"]}
    return config
