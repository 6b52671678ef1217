"""The role of Spark jobs."""

from __future__ import annotations

import pulumi
from pydantic import Field

from penstock_infra import grants
from penstock_infra.components.role import RoleArguments, RoleComponent
from penstock_infra.iam import Document, Statement, service_trust
from penstock_infra.inputs import Text


class SparkRoleArguments(RoleArguments):
    """What jobs read and write, and the catalogue's database."""

    raw_bucket: Text
    written_buckets: tuple[Text, ...] = Field(min_length=1, description="clean and curated")
    log_bucket: Text = Field(description="where logs are written, below spark/logs/; scripts are read below spark/")
    database: Text = Field(description="the catalogue's database, by name")
    key_arns: tuple[Text, ...] = Field(min_length=1)


class SparkRole(RoleComponent):
    """The role with which EMR Serverless runs Spark jobs on the lake. Free; the jobs are not."""

    TYPE = "penstock:training:SparkRole"

    def __init__(self, name: str, args: SparkRoleArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.make(
            name,
            args,
            purpose=("spark",),
            trust=service_trust("emr-serverless.amazonaws.com", account=args.placement.account),
            may=permissions(args),
        )


def permissions(args: SparkRoleArguments) -> Document:
    """Reading raw data and scripts, writing clean and curated data, their tables, and logs.

    https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/getting-started.html, "Create a job runtime role"
    """
    placement = args.placement
    return Document.of(
        grants.list_buckets("FindData", placement, args.raw_bucket, *args.written_buckets, args.log_bucket),
        grants.read_objects("ReadData", placement, args.raw_bucket),
        Statement(
            sid="ReadScripts",
            actions=grants.READ_OBJECTS,
            resources=(grants.objects(placement, args.log_bucket, "spark/"),),
        ),
        grants.write_objects("WriteData", placement, *args.written_buckets),
        Statement(
            sid="ReplaceData",
            actions=("s3:DeleteObject",),
            resources=tuple(grants.objects(placement, bucket) for bucket in args.written_buckets),
        ),
        Statement(
            sid="WriteLogs",
            actions=grants.WRITE_OBJECTS,
            resources=(grants.objects(placement, args.log_bucket, "spark/logs/"),),
        ),
        Statement(
            sid="KeepTables",
            actions=grants.CATALOGUE_TABLES,
            resources=(
                placement.arn("glue", "catalog"),
                pulumi.Output.concat(placement.arn("glue", "database/"), args.database),
                pulumi.Output.concat(placement.arn("glue", "table/"), args.database, "/*"),
            ),
        ),
        grants.use_keys("UseKeys", *args.key_arns),
    )
