"""What must hold for a table's rows, and the runs that find out."""

from __future__ import annotations

import json

import pulumi
from pulumi_aws import glue, iam, scheduler
from pydantic import Field

from penstock_infra import grants, naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.components.data_quality_role import DataQualityRole, DataQualityRoleArguments
from penstock_infra.iam import Document, Statement, service_trust
from penstock_infra.inputs import Text
from penstock_infra.lake_tables import Quality

EVALUATE = "arn:aws:scheduler:::aws-sdk:glue:startDataQualityRulesetEvaluationRun"
"""Scheduler's universal target for StartDataQualityRulesetEvaluationRun."""
RETRIES = 2


class DataQualityArguments(Arguments):
    """A table, its rules, and what their evaluation reads."""

    table: str = Field(description="the table's name")
    database: Text = Field(description="its Glue database")
    quality: Quality
    bucket: Text = Field(description="the bucket of the table's zone")
    key_arn: Text = Field(description="the key of the bucket's objects")
    permissions_boundary_arn: Text


class DataQuality(Component):
    """A Glue data-quality ruleset for a table; with a schedule also the role of its runs and the schedule that starts them.

    A run costs 0.44 USD a DPU and hour (5 DPUs unless said otherwise, a minute at least); the ruleset is free. Glue tells
    EventBridge of each result (`Data Quality Evaluation Results Available`).
    https://docs.aws.amazon.com/glue/latest/dg/data-quality-getting-started.html
    """

    TYPE = "penstock:lake:DataQuality"

    ruleset: pulumi.Output[str]

    def __init__(self, name: str, args: DataQualityArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        ruleset = glue.DataQualityRuleset(
            name,
            name=args.placement.name(naming.RULESET, args.table),
            description=f"What must hold for the rows of {args.table}",
            ruleset=args.quality.document,
            target_table={"database_name": args.database, "table_name": args.table},
            tags=self.tags,
            opts=self.child(),
        )
        self.ruleset = ruleset.name
        if args.quality.schedule:
            self._evaluate_regularly(name, args)
        self.finish({"ruleset": self.ruleset})

    def _evaluate_regularly(self, name: str, args: DataQualityArguments) -> None:
        """The schedule, its role, and the role of the runs."""
        placement = args.placement
        runs = DataQualityRole(
            f"{name}-quality",
            DataQualityRoleArguments(
                placement=placement,
                permissions_boundary_arn=args.permissions_boundary_arn,
                table=args.table,
                database=args.database,
                bucket=args.bucket,
                key_arn=args.key_arn,
            ),
            self.child(),
        )
        starts = iam.Role(
            f"{name}-evaluate",
            name=placement.name(naming.ROLE, "evaluate", args.table),
            description=f"Lets EventBridge Scheduler evaluate the rules of {args.table}",
            assume_role_policy=service_trust("scheduler.amazonaws.com", account=placement.account).render(),
            permissions_boundary=args.permissions_boundary_arn,
            tags=self.tags,
            opts=self.child(),
        )
        may = iam.RolePolicy(
            f"{name}-evaluate",
            name="permissions",
            role=starts.name,
            policy=Document.of(
                Statement(
                    sid="StartEvaluation",
                    actions=("glue:StartDataQualityRulesetEvaluationRun",),
                    resources=(
                        placement.arn("glue", f"dataQualityRuleset/{placement.name(naming.RULESET, args.table)}"),
                    ),
                ),
                grants.pass_roles("PassRunsRole", "glue.amazonaws.com", runs.arn),
            ).render(),
            opts=self.child(),
        )
        request = {
            "DataSource": {"GlueTable": {"DatabaseName": args.database, "TableName": args.table}},
            "Role": runs.arn,
            "RulesetNames": [self.ruleset],
        }
        scheduler.Schedule(
            name,
            name=placement.name(naming.SCHEDULE, "quality", args.table),
            description=f"Evaluates the rules of {args.table}",
            schedule_expression=args.quality.schedule,
            schedule_expression_timezone="UTC",
            flexible_time_window={"mode": "OFF"},
            kms_key_arn=args.key_arn,
            target={
                "arn": EVALUATE,
                "role_arn": starts.arn,
                "input": pulumi.Output.from_input(request).apply(json.dumps),
                "retry_policy": {"maximum_retry_attempts": RETRIES},
            },
            opts=self.child(depends_on=[may]),
        )
