"""Rules for a table, and with a schedule the two roles and the schedule that evaluate them."""

from __future__ import annotations

import json
from typing import Any

from penstock_infra.components.data_quality import DataQuality, DataQualityArguments
from penstock_infra.lake_tables import Quality
from penstock_infra.placement import Placement

KEY = "arn:aws:kms:eu-central-1:123456789012:key/data"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
RULES = Quality(rules=('IsComplete "id"', "RowCount > 0"), schedule="cron(0 6 * * ? *)")
EXAMPLES: dict[str, dict[str, Any]] = {
    "DataQuality": {
        "table": "flights",
        "database": "lake",
        "quality": RULES,
        "bucket": "curated",
        "key_arn": KEY,
        "permissions_boundary_arn": BOUNDARY,
    },
    "DataQualityRole": {
        "table": "flights",
        "database": "lake",
        "bucket": "curated",
        "key_arn": KEY,
        "permissions_boundary_arn": BOUNDARY,
    },
}
ACCOUNT = "arn:aws:{}:eu-central-1:123456789012:{}"


def make(placement: Placement, **changes: Any) -> DataQuality:
    return DataQuality("example", DataQualityArguments(placement=placement, **{**EXAMPLES["DataQuality"], **changes}))


def statements(run: Any, purpose: str) -> dict[str, Any]:
    """The statements of the role whose name holds `purpose`, by Sid."""
    (role,) = [role for role in run.of("aws:iam/role:Role") if purpose in role.inputs["name"]]
    (policy,) = [each for each in run.of("aws:iam/rolePolicy:RolePolicy") if each.inputs["role"] == role.inputs["name"]]
    return {item["Sid"]: item for item in json.loads(policy.inputs["policy"])["Statement"]}


def test_ruleset(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make(placement, quality=RULES.model_copy(update={"schedule": ""})))
    ruleset = run.one("aws:glue/dataQualityRuleset:DataQualityRuleset").inputs
    assert ruleset["ruleset"] == 'Rules = [\n    IsComplete "id",\n    RowCount > 0\n]'
    assert ruleset["targetTable"] == {"databaseName": "lake", "tableName": "flights"}
    assert ruleset["tags"] == placement.tags.as_dict()
    assert not run.has("aws:scheduler/schedule:Schedule")
    assert not run.has("aws:iam/role:Role")


def test_schedule_starts_a_run_of_these_rules(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make(placement))
    schedule = run.one("aws:scheduler/schedule:Schedule").inputs
    assert schedule["scheduleExpression"] == "cron(0 6 * * ? *)"
    assert schedule["kmsKeyArn"] == KEY
    assert schedule["target"]["arn"] == "arn:aws:scheduler:::aws-sdk:glue:startDataQualityRulesetEvaluationRun"
    request = json.loads(schedule["target"]["input"])
    assert request["DataSource"] == {"GlueTable": {"DatabaseName": "lake", "TableName": "flights"}}
    assert request["RulesetNames"] == ["penstock-prod-flights"]
    assert ":role/penstock-prod-quality-flights-" in request["Role"]
    assert ":role/penstock-prod-evaluate-flights-" in schedule["target"]["roleArn"]


def test_the_schedules_role_starts_these_rules_and_hands_over_one_role(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make(placement))
    found = statements(run, "evaluate")
    assert set(found) == {"StartEvaluation", "PassRunsRole"}
    assert found["StartEvaluation"]["Resource"] == [ACCOUNT.format("glue", "dataQualityRuleset/penstock-prod-flights")]
    (passed,) = found["PassRunsRole"]["Resource"]
    assert ":role/penstock-prod-quality-flights-" in passed
    assert found["PassRunsRole"]["Condition"] == {"StringEquals": {"iam:PassedToService": ["glue.amazonaws.com"]}}
    for role in run.of("aws:iam/role:Role"):
        assert role.inputs["permissionsBoundary"] == BOUNDARY
        assert role.inputs["tags"] == placement.tags.as_dict()
        (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        service = "glue" if "quality" in role.inputs["name"] else "scheduler"
        assert trust["Principal"] == {"Service": [f"{service}.amazonaws.com"]}
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ["123456789012"]}}


def test_the_runs_role_reads_one_table_and_writes_no_data(run_program: Any, placement: Placement) -> None:
    found = statements(run_program(lambda: make(placement)), "quality")
    assert found["ReadRows"]["Resource"] == ["arn:aws:s3:::curated/tables/flights/*"]
    assert found["ReadTable"]["Resource"] == [
        ACCOUNT.format("glue", "catalog"),
        ACCOUNT.format("glue", "database/lake"),
        ACCOUNT.format("glue", "table/lake/flights"),
    ]
    assert found["UseKey"]["Resource"] == [KEY]
    actions = {action for statement in found.values() for action in statement["Action"]}
    writes = {action for action in actions if action.split(":")[1].startswith(("Put", "Delete", "Create", "Encrypt"))}
    assert writes == {"cloudwatch:PutMetricData", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}
