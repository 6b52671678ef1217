"""A model's training pipeline."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_aws import sagemaker
from pydantic import Field

from penstock_infra import definition
from penstock_infra.components.component import Arguments, Component
from penstock_infra.inputs import Text
from penstock_infra.model import ModelName
from penstock_infra.platform import DataLake, Foundation, Training


class PipelineArguments(Arguments):
    """The model, its compiled definition, and defaults of the definition's parameters that only the platform knows."""

    model: ModelName
    description: str = Field(default="", max_length=3072)
    definition: dict[str, Any]
    defaults: dict[str, Text] = Field(default_factory=dict)
    role_arn: Text


class Pipeline(Component):
    """A SageMaker pipeline from the committed definition. Free; the jobs that it runs are not."""

    TYPE = "penstock:training:Pipeline"

    pipeline_name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: PipelineArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        defaults: pulumi.Output[dict[str, str]] = pulumi.Output.all(**args.defaults)
        completed = defaults.apply(lambda known: definition.render(definition.with_defaults(args.definition, known)))
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


def platform_defaults(model: str, foundation: Foundation, lake: DataLake, training: Training) -> dict[str, Text]:
    """Defaults of the parameters that every run takes from the platform; a run may still give its own."""
    return {
        "ModelName": model,
        "RoleArn": training.training_role_arn,
        "ArtifactBucket": foundation.artifact_bucket,
        "RawBucket": lake.raw_bucket,
        "CleanBucket": lake.clean_bucket,
        "CuratedBucket": lake.curated_bucket,
    }
