"""A model's training pipeline."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_aws import sagemaker
from pydantic import Field

from penstock_infra import definition
from penstock_infra.components.component import Arguments, Component
from penstock_infra.inputs import Later, Text
from penstock_infra.model import ModelName
from penstock_infra.platform import DataLake, Foundation, Training

NO_TRACKING = "none"
"""What the pipeline's parameter TrackingServer says where runs are not logged to MLflow."""


class PipelineArguments(Arguments):
    """The model, its compiled definition, and what of it only the platform knows: defaults of parameters, the network."""

    model: ModelName
    description: str = Field(default="", max_length=3072)
    definition: dict[str, Any]
    defaults: dict[str, Text] = Field(default_factory=dict)
    role_arn: Text
    subnet_ids: tuple[str, ...] | Later = Field(default=(), description="subnets that jobs run in; AWS's own if none")
    security_group_id: Text = Field(default="", description="the security group of jobs in these subnets")


class Pipeline(Component):
    """A SageMaker pipeline from the committed definition. Free; the jobs that it runs are not."""

    TYPE = "penstock:training:Pipeline"

    pipeline_name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: PipelineArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        known: pulumi.Output[dict[str, Any]] = pulumi.Output.all(
            defaults=args.defaults, subnets=args.subnet_ids, group=args.security_group_id
        )
        completed = known.apply(lambda values: definition.render(_completed(args.definition, values)))
        pipeline = sagemaker.Pipeline(
            name,
            pipeline_name=args.model,
            pipeline_display_name=args.model,
            pipeline_description=args.description or None,
            pipeline_definition=completed,
            role_arn=args.role_arn,
            tags=self.tags,
            opts=self.child(),
        )
        self.pipeline_name = pipeline.pipeline_name
        self.arn = pipeline.arn
        self.finish({"pipelineName": self.pipeline_name, "arn": self.arn})


def _completed(compiled: definition.Definition, known: dict[str, Any]) -> definition.Definition:
    """The definition with the platform's defaults, in the platform's network."""
    whole = definition.with_defaults(compiled, known["defaults"])
    return definition.with_network(whole, known["subnets"], known["group"])


def platform_defaults(model: str, foundation: Foundation, lake: DataLake, training: Training) -> dict[str, Text]:
    """Defaults of the parameters that every run takes from the platform; a run may still give its own."""
    return {
        "ModelName": model,
        "RoleArn": training.training_role_arn,
        "ArtifactBucket": foundation.artifact_bucket,
        "RawBucket": lake.raw_bucket,
        "CleanBucket": lake.clean_bucket,
        "CuratedBucket": lake.curated_bucket,
        "TrackingServer": training.tracking_server_arn.apply(lambda arn: arn or NO_TRACKING),
    }
