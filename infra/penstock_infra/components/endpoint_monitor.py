"""What the monitors of an endpoint have in common: how their jobs run, and the schedule that starts them."""

from __future__ import annotations

from typing import Any, Self, TypedDict

import pulumi
from pulumi_aws import sagemaker
from pydantic import Field, model_validator

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.inputs import Later, Text
from penstock_infra.job_definition import Kind, MonitoringJobDefinition, content_name
from penstock_infra.model import ModelName
from penstock_infra.quality import Comparison

LONGEST_RUN_SECONDS = 1800
VOLUME_GIGABYTES = 20
INPUT, OUTPUT = "/opt/ml/processing/input/endpoint", "/opt/ml/processing/output"
PUBLISH = {"publish_cloudwatch_metrics": "Enabled"}
"""Environment of the containers (developer guide, "Container Contract Inputs")."""
SLUGS: dict[Kind, str] = {
    "DataQuality": "data-quality",
    "ModelQuality": "model-quality",
    "ModelBias": "model-bias",
    "ModelExplainability": "model-explainability",
}
"""Kinds of monitoring as they stand in names."""


class Network(TypedDict):
    """A job's network: isolated or not, and the subnets and security groups, if it has its own."""

    isolated: bool
    subnets: list[str]
    groups: list[str]


class MonitorArguments(Arguments):
    """What is watched, when, where the jobs run, and under which keys."""

    model: ModelName
    endpoint_name: Text = Field(description="the endpoint; it must capture its requests")
    image_uri: Text | None = Field(default=None, description="the analysis' image; AWS's own of the region if none")
    schedule: str = Field(
        default="cron(0 * ? * * *)", description="hourly, or cron(0 H ? * * *) daily: Model Monitor takes no other"
    )
    instance_type: str = Field(default="ml.m5.large", pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")
    report_bucket: Text
    role_arn: Text = Field(description="the role that the jobs run with: MonitoringRole's")
    subnet_ids: tuple[str, ...] | Later = Field(
        default=(), description="subnets that the jobs run in; AWS's own if none"
    )
    security_group_id: Text = Field(default="", description="the security group of the jobs in these subnets")
    network_isolation: bool = Field(default=False, description="the container may not call anything over the network")
    data_key_arn: Text = Field(description="KMS key of the jobs' disks")
    artifact_key_arn: Text = Field(description="KMS key of the reports")

    @model_validator(mode="after")
    def _subnets_have_a_security_group(self) -> Self:
        if isinstance(self.subnet_ids, tuple) and self.subnet_ids and self.security_group_id == "":
            raise ValueError("jobs in subnet_ids need a security_group_id")
        return self

    @property
    def network(self) -> pulumi.Output[Network | None]:
        """Where the jobs run; None for AWS's own network, without isolation."""
        subnets = list(self.subnet_ids) if isinstance(self.subnet_ids, tuple) else self.subnet_ids
        found: pulumi.Output[dict[str, Any]] = pulumi.Output.from_input(
            {"subnets": subnets, "group": self.security_group_id}
        )
        return found.apply(lambda known: _network(known["subnets"], known["group"], isolated=self.network_isolation))


class LabelledArguments(Comparison, MonitorArguments):
    """Which of what was answered is compared with which labels, and how late these come.

    Labels lie as JSON lines below `<ground_truth_uri>/yyyy/mm/dd/hh`, by the hour of the request:
    `{"groundTruthData": {"data": "1", "encoding": "CSV"}, "eventMetadata": {"eventId": "..."}, "eventVersion": "0"}`
    (developer guide, "Ingest Ground Truth Labels and Merge Them With Predictions").
    """

    ground_truth_uri: Text = Field(description="where labels lie: s3://BUCKET/PREFIX")
    constraints_uri: Text | None = Field(
        default=None, description="the baseline's constraints in S3; without them a job measures and judges nothing"
    )


class EndpointMonitor(Component):
    """A schedule of Model Monitor; subclasses say what its jobs do."""

    schedule_name: pulumi.Output[str]

    def define(self, name: str, args: MonitorArguments, kind: Kind, request: dict[str, Any]) -> None:
        """Makes the job definition, of a kind that Pulumi's AWS provider does not know, and its schedule."""
        definition = MonitoringJobDefinition(
            name,
            kind=kind,
            name=content_name(args.placement, (SLUGS[kind], args.model), request, self.tags),
            region=args.placement.region,
            request=request,
            tags=self.tags,
            opts=self.child(),
        )
        self.run(name, args, kind, definition.name)

    def run(self, name: str, args: MonitorArguments, kind: Kind, definition_name: pulumi.Output[str]) -> None:
        """Makes the schedule that runs the definition, and sets `schedule_name`."""
        schedule = sagemaker.MonitoringSchedule(
            name,
            name=args.placement.name(naming.MONITOR, SLUGS[kind], args.model),
            monitoring_schedule_config={
                "monitoring_type": kind,
                "monitoring_job_definition_name": definition_name,
                "schedule_config": {"schedule_expression": args.schedule},
            },
            tags=self.tags,
            opts=self.child(),
        )
        self.schedule_name = schedule.name
        self.finish({"scheduleName": self.schedule_name, "definitionName": definition_name})


def request(
    args: MonitorArguments,
    kind: Kind,
    *,
    application: dict[str, Any],
    endpoint_input: dict[str, Any],
    constraints_uri: Text | None,
    ground_truth_uri: Text | None = None,
) -> dict[str, Any]:
    """The request of the kind's Create operation: the job runs on an encrypted disk and encrypts what it reports."""
    job_input: dict[str, Any] = {
        "EndpointInput": {"EndpointName": args.endpoint_name, "LocalPath": INPUT, **endpoint_input}
    }
    if ground_truth_uri is not None:
        job_input["GroundTruthS3Input"] = {"S3Uri": ground_truth_uri}
    report_uri = pulumi.Output.concat("s3://", args.report_bucket, f"/monitoring/{args.model}/{SLUGS[kind]}")
    shape: dict[str, Any] = {
        "RoleArn": args.role_arn,
        f"{kind}AppSpecification": {**application, "Environment": PUBLISH},
        f"{kind}JobInput": job_input,
        f"{kind}JobOutputConfig": {
            "KmsKeyId": args.artifact_key_arn,
            "MonitoringOutputs": [{"S3Output": {"S3Uri": report_uri, "LocalPath": OUTPUT}}],
        },
        "JobResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": args.instance_type,
                "VolumeSizeInGB": VOLUME_GIGABYTES,
                "VolumeKmsKeyId": args.data_key_arn,
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": LONGEST_RUN_SECONDS},
        "NetworkConfig": args.network.apply(_network_config),
    }
    if constraints_uri is not None:
        shape[f"{kind}BaselineConfig"] = {"ConstraintsResource": {"S3Uri": constraints_uri}}
    return shape


def _network(subnets: list[str], group: str, *, isolated: bool) -> Network | None:
    if not subnets and not isolated:
        return None
    return {"isolated": isolated, "subnets": subnets, "groups": [group] if subnets else []}


def _network_config(network: Network | None) -> dict[str, Any] | None:
    if network is None:
        return None
    config: dict[str, Any] = {"EnableNetworkIsolation": network["isolated"]}
    if network["subnets"]:
        config["VpcConfig"] = {"SecurityGroupIds": network["groups"], "Subnets": network["subnets"]}
    return config


def labelled(args: LabelledArguments) -> dict[str, Any]:
    """What of the endpoint's answers is compared, and of which hours before a job's start."""
    attributes = {
        "InferenceAttribute": args.inference_attribute,
        "ProbabilityAttribute": args.probability_attribute,
        "ProbabilityThresholdAttribute": args.probability_threshold,
        "StartTimeOffset": f"-PT{args.hours_back}H",
        "EndTimeOffset": f"-PT{args.label_delay_hours}H",
    }
    return {name: value for name, value in attributes.items() if value is not None}
