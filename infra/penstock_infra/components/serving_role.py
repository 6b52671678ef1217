"""The role of models that serve."""

from __future__ import annotations

import pulumi
from pydantic import Field

from penstock_infra import grants, isolation
from penstock_infra.components.role import RoleArguments, RoleComponent
from penstock_infra.iam import Document, Statement, service_trust
from penstock_infra.inputs import Text
from penstock_infra.isolation import Network
from penstock_infra.registry import Registry


class ServingRoleArguments(RoleArguments):
    """Where models lie, which images they run in, and where requests are captured."""

    artifact_bucket: Text
    registry: Registry | None = Field(default=None, description="where models are registered, if not in this stack")
    image_repository_arn: Text
    key_arns: tuple[Text, ...] = Field(min_length=1)
    network: Network | None = Field(default=None, description="where models run; in AWS's own network if none")


class ServingRole(RoleComponent):
    """The role with which SageMaker serves models: reads artifacts and images, writes captures, answers and logs. Free."""

    TYPE = "penstock:serving:ServingRole"

    def __init__(self, name: str, args: ServingRoleArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.make(
            name,
            args,
            purpose=("serving",),
            trust=service_trust("sagemaker.amazonaws.com", account=args.placement.account),
            may=permissions(args),
        )


def permissions(args: ServingRoleArguments) -> Document:
    """Reading models, writing what was asked and answered, and asking the alarms that undo a deployment."""
    placement = args.placement
    model_buckets: tuple[Text, ...] = (args.artifact_bucket,)
    images: tuple[Text, ...] = (args.image_repository_arn,)
    elsewhere: tuple[Statement, ...] = ()
    if args.registry:
        model_buckets += (args.registry.artifact_bucket,)
        images += (grants.image_repository(placement, args.registry.account, args.registry.stack),)
        elsewhere = (grants.use_keys("UseRegistryKey", args.registry.artifact_key_arn, write=False),)
    return Document.of(
        grants.list_buckets("FindModels", placement, *model_buckets),
        grants.read_objects("ReadModels", placement, *model_buckets),
        Statement(
            sid="CaptureRequests",
            actions=grants.WRITE_OBJECTS,
            resources=(grants.objects(placement, args.artifact_bucket, "capture/"),),
        ),
        Statement(
            sid="AnswerInS3",
            actions=grants.WRITE_OBJECTS,
            resources=tuple(grants.objects(placement, args.artifact_bucket, folder) for folder in ("async/", "batch/")),
        ),
        Statement(
            sid="TellOfAsyncAnswers",
            actions=("sns:Publish",),
            resources=(placement.arn("sns", f"penstock-{placement.stack}-async-*"),),
        ),
        Statement(
            sid="WatchDeployments",
            actions=("cloudwatch:DescribeAlarms",),
            resources=(placement.arn("cloudwatch", f"alarm:penstock-endpoint-*-{placement.stack}-*"),),
        ),
        grants.use_keys("UseKeys", *args.key_arns),
        grants.lend_keys("LendKeysToDisks", *args.key_arns),
        *elsewhere,
        grants.pull_images("PullImages", *images),
        grants.log_in_to_registry(),
        grants.write_logs("WriteEndpointLogs", placement, "/aws/sagemaker/Endpoints/"),
        grants.put_metrics("/aws/sagemaker/Endpoints", "AWS/SageMaker"),
        *isolation.joining(placement, args.network),
    )
