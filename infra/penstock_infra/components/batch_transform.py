"""Predictions without an endpoint: a transform job over a folder, by the clock."""

from __future__ import annotations

import json

import pulumi
from pulumi_aws import scheduler
from pydantic import Field

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.errors import ConfigurationError
from penstock_infra.hosting import Shape
from penstock_infra.inputs import Text
from penstock_infra.model import EndpointSettings, ModelName

TARGET = "arn:aws:scheduler:::aws-sdk:sagemaker:createTransformJob"
"""EventBridge Scheduler user guide, "Using universal targets": the schedule calls SageMaker's API by itself."""
EXECUTION = "<aws.scheduler.execution-id>"
"""What Scheduler writes in its place is unique to one run: 36 characters of a transform job's 63."""
LONGEST_PREFIX = 63 - 36 - 1


class BatchTransformArguments(Arguments):
    """The model, how its jobs run, and the bucket with `batch/<model>/input/` and `batch/<model>/output/`."""

    model: ModelName
    model_name: Text = Field(description="name of the SageMaker model that the jobs run")
    settings: EndpointSettings
    bucket: Text
    schedule_role_arn: Text | None = Field(default=None, description="may start transform jobs; a schedule needs it")
    data_key_arn: Text
    artifact_key_arn: Text


class BatchTransform(Component):
    """What `strategy: batch` makes: the request of a transform job, and a schedule that sends it if one is set.

    A job reads every object below `s3://<bucket>/batch/<model>/input/`, one record a line, and writes an object of answers
    beside each name below `batch/<model>/output/`. Without a schedule it is started with the same request
    (`job_request`, exported): `aws sagemaker create-transform-job`. The schedule is free; an hour of an `ml.m5.large`
    costs about 0.12 USD.
    """

    TYPE = "penstock:serving:BatchTransform"

    job_request: pulumi.Output[str]
    schedule_name: str

    def __init__(self, name: str, args: BatchTransformArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        batch = args.settings.batch
        self.job_request = pulumi.Output.from_input(request(args)).apply(
            lambda known: json.dumps(known, separators=(",", ":"), sort_keys=True)
        )
        self.schedule_name = args.placement.name(naming.EVENT, "transform", args.model)
        outputs: dict[str, pulumi.Input[str]] = {"jobRequest": self.job_request}
        if batch.schedule is not None:
            if args.schedule_role_arn is None:
                raise ConfigurationError(
                    f"endpoint.batch.schedule of {args.model}: no role may start the jobs; "
                    "give the component schedule_role_arn (the platform's training project exports transformScheduleRoleArn)"
                )
            scheduler.Schedule(
                name,
                name=self.schedule_name,
                description=f"Transform jobs of {args.model}",
                schedule_expression=batch.schedule,
                schedule_expression_timezone=batch.timezone,
                flexible_time_window={"mode": "OFF"},
                kms_key_arn=args.data_key_arn,
                target={
                    "arn": TARGET.replace("arn:aws:", f"arn:{args.placement.partition}:"),
                    "role_arn": args.schedule_role_arn,
                    "input": self.job_request,
                    # A job that could not be started an hour ago would overlap the next one.
                    "retry_policy": {"maximum_retry_attempts": 3, "maximum_event_age_in_seconds": 3600},
                },
                opts=self.child(),
            )
            outputs["scheduleName"] = self.schedule_name
        self.finish(outputs)


def request(args: BatchTransformArguments) -> Shape:
    """CreateTransformJob's request; its name is completed by the schedule (or by hand)."""
    settings = args.settings
    folder = pulumi.Output.concat("s3://", args.bucket, f"/batch/{args.model}")
    resources: Shape = {"InstanceType": settings.instance_type, "InstanceCount": settings.instance_count}
    if settings.disks_take_a_key:
        resources["VolumeKmsKeyId"] = args.data_key_arn
    result: Shape = {
        "TransformJobName": f"{args.model[:LONGEST_PREFIX].rstrip('-')}-{EXECUTION}",
        "ModelName": args.model_name,
        "BatchStrategy": "MultiRecord",
        "MaxPayloadInMB": settings.batch.max_payload_megabytes,
        "TransformInput": {
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": pulumi.Output.concat(folder, "/input/")}
            },
            "ContentType": settings.batch.content_type,
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": pulumi.Output.concat(folder, "/output/"),
            "Accept": settings.batch.content_type,
            "AssembleWith": "Line",
            "KmsKeyId": args.artifact_key_arn,
        },
        "TransformResources": resources,
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(args.placement.tags.as_dict().items())],
    }
    if settings.data_capture_percent > 0:
        result["DataCaptureConfig"] = {
            "DestinationS3Uri": pulumi.Output.concat("s3://", args.bucket, f"/capture/{args.model}/batch"),
            "KmsKeyId": args.artifact_key_arn,
            "GenerateInferenceId": False,
        }
    return result
