"""The role that Glue evaluates data-quality rules with."""

from __future__ import annotations

import pulumi
from pydantic import Field

from penstock_infra import grants
from penstock_infra.components.role import RoleArguments, RoleComponent
from penstock_infra.iam import Document, Statement, service_trust
from penstock_infra.inputs import Text

METRICS = "Glue Data Quality"
"""The namespace that Glue writes results' metrics to."""


class DataQualityRoleArguments(RoleArguments):
    """The table whose rows are read."""

    table: str = Field(description="the table's name")
    database: Text = Field(description="its Glue database")
    bucket: Text = Field(description="the bucket of the table's zone")
    key_arn: Text = Field(description="the key of the bucket's objects")


class DataQualityRole(RoleComponent):
    """The role with which Glue reads one table to evaluate its rules; it writes nothing but logs and metrics. Free."""

    TYPE = "penstock:lake:DataQualityRole"

    def __init__(self, name: str, args: DataQualityRoleArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.make(
            name,
            args,
            purpose=("quality", args.table),
            trust=service_trust("glue.amazonaws.com", account=args.placement.account),
            may=permissions(args),
        )


def permissions(args: DataQualityRoleArguments) -> Document:
    """Reading the table's rows and what the catalogue says of it.

    https://docs.aws.amazon.com/glue/latest/dg/data-quality-authorization.html
    """
    placement = args.placement
    return Document.of(
        grants.list_buckets("FindRows", placement, args.bucket),
        Statement(
            sid="ReadRows",
            actions=grants.READ_OBJECTS,
            resources=(grants.objects(placement, args.bucket, f"tables/{args.table}/"),),
        ),
        grants.use_keys("UseKey", args.key_arn, write=False),
        Statement(
            sid="ReadTable",
            actions=grants.READ_TABLES,
            resources=(
                placement.arn("glue", "catalog"),
                pulumi.Output.concat(placement.arn("glue", "database/"), args.database),
                pulumi.Output.concat(placement.arn("glue", "table/"), args.database, f"/{args.table}"),
            ),
        ),
        Statement(
            sid="ReadRules",
            actions=("glue:GetDataQualityRuleset", "glue:GetDataQualityRulesetEvaluationRun"),
            resources=(placement.arn("glue", "dataQualityRuleset/*"),),
        ),
        Statement(
            sid="ReadGluesOwnProgram",
            actions=("s3:GetObject",),
            resources=(f"arn:{placement.partition}:s3:::aws-glue-ml-data-quality-assets-{placement.region}/*",),
        ),
        grants.write_logs("WriteRunLogs", placement, "/aws-glue/"),
        grants.put_metrics(METRICS),
    )
