"""The versions of one model in the registry."""

from __future__ import annotations

import pulumi
from pulumi_aws import sagemaker
from pydantic import Field

from penstock_infra.components.component import Arguments, Component
from penstock_infra.iam import Document, Principals, Statement
from penstock_infra.model import ModelName
from penstock_infra.placement import AccountId

READ_GROUP = ("sagemaker:DescribeModelPackageGroup",)
USE_VERSIONS = ("sagemaker:CreateModel", "sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages")


class ModelPackageGroupArguments(Arguments):
    """The model, and the accounts that may deploy its versions."""

    model: ModelName
    description: str = Field(default="", max_length=1024)
    shared_with: tuple[AccountId, ...] = Field(
        default=(), description="other accounts that may read versions and make models of them; none may approve"
    )


class ModelPackageGroup(Component):
    """The group in SageMaker's registry that all versions of a model are registered and approved in. Free.

    With `shared_with` its resource policy lets those accounts read versions and deploy them; registering and approving
    stay in this account. (Their keys, artifacts and images are shared by the policies of the platform's projects.)
    """

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
        if shared := group_policy(args):
            sagemaker.ModelPackageGroupPolicy(
                name,
                model_package_group_name=group.model_package_group_name,
                resource_policy=shared.render(),
                opts=self.child(),
            )
        self.group_name = group.model_package_group_name
        self.arn = group.arn
        self.finish({"groupName": self.group_name, "arn": self.arn})


def group_policy(args: ModelPackageGroupArguments) -> Document | None:
    """What the other accounts may do with the group and with its versions; None when there are none.

    SageMaker developer guide, "Deploy a Model Version from a Different Account".
    """
    placement = args.placement
    others = sorted(set(args.shared_with) - {placement.account})
    if not others:
        return None
    principals: Principals = {"AWS": [f"arn:{placement.partition}:iam::{account}:root" for account in others]}
    return Document.of(
        Statement(
            sid="ReadGroupFromOtherAccounts",
            actions=READ_GROUP,
            resources=(placement.arn("sagemaker", f"model-package-group/{args.model}"),),
            principals=principals,
        ),
        Statement(
            sid="DeployVersionsFromOtherAccounts",
            actions=USE_VERSIONS,
            resources=(placement.arn("sagemaker", f"model-package/{args.model}/*"),),
            principals=principals,
        ),
    )
