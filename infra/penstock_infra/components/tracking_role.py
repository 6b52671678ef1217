"""The role with which managed MLflow keeps artifacts."""

from __future__ import annotations

import pulumi

from penstock_infra import grants
from penstock_infra.components.role import RoleArguments, RoleComponent
from penstock_infra.iam import Document, Statement, service_trust
from penstock_infra.inputs import Text

ARTIFACT_PREFIX = "mlflow/"
"""Where in the artifact bucket MLflow keeps the files of its runs."""


class TrackingRoleArguments(RoleArguments):
    """The bucket of the runs' files, and its key."""

    artifact_bucket: Text
    key_arn: Text


class TrackingRole(RoleComponent):
    """The role of the MLflow server or app: reads and writes `mlflow/` of the artifact bucket, and nothing else. Free."""

    TYPE = "penstock:training:TrackingRole"

    def __init__(self, name: str, args: TrackingRoleArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.make(
            name,
            args,
            purpose=("tracking",),
            trust=service_trust("sagemaker.amazonaws.com", account=args.placement.account),
            may=permissions(args),
        )


def permissions(args: TrackingRoleArguments) -> Document:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/mlflow-create-tracking-server-iam.html, without its wildcards."""
    return Document.of(
        grants.list_buckets("FindArtifacts", args.placement, args.artifact_bucket),
        Statement(
            sid="KeepArtifacts",
            actions=(*grants.READ_OBJECTS, *grants.WRITE_OBJECTS),
            resources=(grants.objects(args.placement, args.artifact_bucket, ARTIFACT_PREFIX),),
        ),
        grants.use_keys("UseKey", args.key_arn),
    )
