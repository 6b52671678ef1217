"""The role of models that serve."""

from __future__ import annotations

import pulumi
from pydantic import Field

from penstock_infra import grants
from penstock_infra.components.role import RoleArguments, RoleComponent
from penstock_infra.iam import Document, Statement, service_trust
from penstock_infra.inputs import Text


class ServingRoleArguments(RoleArguments):
    """Where models lie, which images they run in, and where requests are captured."""

    artifact_bucket: Text
    image_repository_arn: Text
    key_arns: tuple[Text, ...] = Field(min_length=1)


class ServingRole(RoleComponent):
    """The role with which SageMaker serves models: reads artifacts and images, writes captures and logs. Free."""

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
    """Reading models and writing what was asked and answered."""
    placement = args.placement
    return Document.of(
        grants.list_buckets("FindModels", placement, args.artifact_bucket),
        grants.read_objects("ReadModels", placement, args.artifact_bucket),
        Statement(
            sid="CaptureRequests",
            actions=grants.WRITE_OBJECTS,
            resources=(grants.objects(placement, args.artifact_bucket, "capture/"),),
        ),
        grants.use_keys("UseKeys", *args.key_arns),
        grants.lend_keys("LendKeysToDisks", *args.key_arns),
        grants.pull_images("PullImages", args.image_repository_arn),
        grants.log_in_to_registry(),
        grants.write_logs("WriteEndpointLogs", placement, "/aws/sagemaker/Endpoints/"),
        grants.put_metrics("/aws/sagemaker/Endpoints", "AWS/SageMaker"),
    )
