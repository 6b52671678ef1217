"""Lake Formation in charge of the lake's buckets."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_aws import lakeformation
from pydantic import Field

from penstock_infra.components.component import Arguments, Component
from penstock_infra.components.lake_location_role import LakeLocationRole, LakeLocationRoleArguments
from penstock_infra.inputs import Text


class LakeFormationArguments(Arguments):
    """The zones' buckets and their key, and who may grant."""

    buckets: Mapping[str, Text] = Field(min_length=1, description="the zones' buckets by zone")
    key_arn: Text = Field(description="the key of the buckets' objects")
    permissions_boundary_arn: Text
    admins: tuple[str, ...] = Field(min_length=1, description="ARNs of who may grant: the account's whole list")


class LakeFormation(Component):
    """Lake Formation's administrators and defaults, and the zones registered with it under a role of their own. Free.

    The administrators and the defaults are settings of the whole account and region: where Lake Formation is in use
    already, name its administrators too. By the defaults set here, databases and tables made from now on are not open to
    everyone whom IAM lets at the catalogue: they need a `LakeGrant`. What reads S3 by path, as SageMaker's jobs do, is
    IAM's alone as before.
    https://docs.aws.amazon.com/lake-formation/latest/dg/change-settings.html
    """

    TYPE = "penstock:lake:LakeFormation"

    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: LakeFormationArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        # No default permissions are given: PutDataLakeSettings without them takes IAMAllowedPrincipals away.
        settings = lakeformation.DataLakeSettings(name, admins=sorted(args.admins), opts=self.child())
        role = LakeLocationRole(
            name,
            LakeLocationRoleArguments(
                placement=args.placement,
                permissions_boundary_arn=args.permissions_boundary_arn,
                buckets=tuple(args.buckets.values()),
                key_arn=args.key_arn,
            ),
            self.child(),
        )
        for zone, bucket in args.buckets.items():
            lakeformation.Resource(
                f"{name}-{zone}",
                arn=pulumi.Output.concat(f"arn:{args.placement.partition}:s3:::", bucket),
                role_arn=role.arn,
                opts=self.child(depends_on=[settings]),
            )
        self.role_arn = role.arn
        self.finish({"roleArn": self.role_arn})
