"""What one role may do with the lake's tables."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import pulumi
from pulumi_aws import lakeformation
from pydantic import Field

from penstock_infra.components.component import Arguments, Component
from penstock_infra.inputs import Text


class Access(Enum):
    """What a role may do: read the tables, or make, change and fill them too."""

    READ = "read"
    WRITE = "write"


DATABASE = {Access.READ: ["DESCRIBE"], Access.WRITE: ["CREATE_TABLE", "DESCRIBE"]}
TABLES = {Access.READ: ["DESCRIBE", "SELECT"], Access.WRITE: ["ALTER", "DELETE", "DESCRIBE", "INSERT", "SELECT"]}
"""Lake Formation's permissions, in its own (alphabetical) order."""


class LakeGrantArguments(Arguments):
    """A role, what it may do, and with which database and buckets."""

    principal: Text = Field(description="the ARN of an IAM role that exists")
    access: Access
    database: Text = Field(description="the Glue database; all its tables are meant, those to come too")
    buckets: Mapping[str, Text] = Field(
        min_length=1, description="the zones' buckets by zone: where a writer puts tables"
    )


class LakeGrant(Component):
    """Lake Formation's grants to one role: the database, all its tables, and for writers the zones as places of tables.

    A grant is in force where `LakeFormation` is in charge; the role still needs IAM's permission for the services that it
    calls, and `lakeformation:GetDataAccess`. Free.
    https://docs.aws.amazon.com/lake-formation/latest/dg/lf-permissions-reference.html
    """

    TYPE = "penstock:lake:LakeGrant"

    principal: pulumi.Output[str]

    def __init__(self, name: str, args: LakeGrantArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        lakeformation.Permissions(
            f"{name}-database",
            principal=args.principal,
            permissions=DATABASE[args.access],
            database={"name": args.database},
            opts=self.child(),
        )
        tables = lakeformation.Permissions(
            f"{name}-tables",
            principal=args.principal,
            permissions=TABLES[args.access],
            table={"database_name": args.database, "wildcard": True},
            opts=self.child(),
        )
        if args.access is Access.WRITE:
            for zone, bucket in args.buckets.items():
                lakeformation.Permissions(
                    f"{name}-{zone}",
                    principal=args.principal,
                    permissions=["DATA_LOCATION_ACCESS"],
                    data_location={"arn": pulumi.Output.concat(f"arn:{args.placement.partition}:s3:::", bucket)},
                    opts=self.child(),
                )
        self.principal = tables.principal
        self.finish({"principal": self.principal})
