"""The role that the feature store writes its history with."""

from __future__ import annotations

import pulumi

from penstock_infra import grants
from penstock_infra.components.role import RoleArguments, RoleComponent
from penstock_infra.iam import Document, Statement, service_trust
from penstock_infra.inputs import Text

GLUE_DATABASE = "sagemaker_featurestore"
"""The Glue database that SageMaker makes for the tables of its offline stores."""


class FeatureStoreRoleArguments(RoleArguments):
    """The offline store's bucket and key."""

    bucket: Text
    key_arn: Text


class FeatureStoreRole(RoleComponent):
    """The role with which SageMaker writes the offline store and keeps its Glue tables. Free."""

    TYPE = "penstock:features:FeatureStoreRole"

    def __init__(self, name: str, args: FeatureStoreRoleArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.make(
            name,
            args,
            purpose=("feature-store",),
            trust=service_trust("sagemaker.amazonaws.com", account=args.placement.account),
            may=permissions(args),
        )


def permissions(args: FeatureStoreRoleArguments) -> Document:
    """Writing the offline store and its tables."""
    placement = args.placement
    return Document.of(
        Statement(
            sid="WriteHistory",
            actions=(*grants.READ_OBJECTS, *grants.WRITE_OBJECTS, "s3:PutObjectAcl"),
            resources=(grants.objects(placement, args.bucket),),
        ),
        Statement(
            sid="FindHistory",
            actions=(*grants.LIST_BUCKET, "s3:GetBucketAcl"),
            resources=(grants.bucket_arn(placement, args.bucket),),
        ),
        grants.use_keys("UseKey", args.key_arn),
        Statement(
            sid="KeepTables",
            actions=grants.CATALOGUE_TABLES,
            resources=(
                placement.arn("glue", "catalog"),
                placement.arn("glue", f"database/{GLUE_DATABASE}"),
                placement.arn("glue", f"table/{GLUE_DATABASE}/*"),
            ),
        ),
    )
