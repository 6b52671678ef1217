"""The versions of one model in the registry."""

from __future__ import annotations

import pulumi
from pulumi_aws import sagemaker
from pydantic import Field

from penstock_infra.components.component import Arguments, Component
from penstock_infra.model import ModelName


class ModelPackageGroupArguments(Arguments):
    """The model."""

    model: ModelName
    description: str = Field(default="", max_length=1024)


class ModelPackageGroup(Component):
    """The group in SageMaker's registry that all versions of a model are registered and approved in. Free."""

    TYPE = "penstock:registry:ModelPackageGroup"

    group_name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: ModelPackageGroupArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        group = sagemaker.ModelPackageGroup(
            name,
            model_package_group_name=args.model,
            model_package_group_description=args.description or None,
            tags=self.tags,
            opts=self.child(holds_data=True),
        )
        self.group_name = group.model_package_group_name
        self.arn = group.arn
        self.finish({"groupName": self.group_name, "arn": self.arn})
