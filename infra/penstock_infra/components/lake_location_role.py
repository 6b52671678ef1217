"""The role that Lake Formation reads and writes the lake with."""

from __future__ import annotations

import pulumi
from pydantic import Field

from penstock_infra import grants
from penstock_infra.components.role import RoleArguments, RoleComponent
from penstock_infra.iam import Document, Statement, service_trust
from penstock_infra.inputs import Text


class LakeLocationRoleArguments(RoleArguments):
    """The zones' buckets and their key."""

    buckets: tuple[Text, ...] = Field(min_length=1)
    key_arn: Text


class LakeLocationRole(RoleComponent):
    """The role whose credentials Lake Formation vends, narrowed to a table, to whoever it has granted that table. Free.

    https://docs.aws.amazon.com/lake-formation/latest/dg/registration-role.html
    """

    TYPE = "penstock:lake:LakeLocationRole"

    def __init__(self, name: str, args: LakeLocationRoleArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.make(
            name,
            args,
            purpose=("lake-location",),
            trust=service_trust("lakeformation.amazonaws.com", account=args.placement.account),
            may=permissions(args),
        )


def permissions(args: LakeLocationRoleArguments) -> Document:
    """Everything that a grant may hand on: reading and writing the zones, deleting what a table's writers replace."""
    placement = args.placement
    return Document.of(
        grants.list_buckets("FindData", placement, *args.buckets),
        grants.write_objects("ReadAndWriteData", placement, *args.buckets),
        Statement(
            sid="DeleteReplacedFiles",
            actions=("s3:DeleteObject",),
            resources=tuple(grants.objects(placement, bucket, "tables/") for bucket in args.buckets),
        ),
        grants.use_keys("UseKey", args.key_arn),
    )
