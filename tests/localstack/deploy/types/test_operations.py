"""Functions, schedules, dashboards and monitors against a local cloud: made, unchanged, changed in place, gone."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.localstack.deploy.round_trip import changed, client, find_again, project, run

pytestmark = pytest.mark.cloud

FUNCTION = """
role = aws.iam.Role("role", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]}))
queue = aws.sqs.Queue("queue")
code = pulumi.AssetArchive({"pack/__init__.py": pulumi.StringAsset(""),
    "pack/main.py": pulumi.StringAsset(f"import os\\ndef handler(e, c): return [{v}, os.environ.get('V'), e]")})
function = aws.lambda_.Function("function", name="types-function", role=role.arn, runtime="python3.13",
    handler="pack.main.handler", code=code, timeout=10 if one else 20, memory_size=128 if one else 256,
    description=f"d{v}", environment={"variables": {"V": v}} if one else None, architectures=["arm64"],
    dead_letter_config={"target_arn": queue.arn} if one else None, tags={"v": v})
aws.lambda_.Permission("permission", function=function.name, action="lambda:InvokeFunction",
    principal="events.amazonaws.com", source_arn="arn:aws:events:us-east-1:000000000000:rule/r")
pulumi.export("arn", function.arn)
pulumi.export("invoke", function.invoke_arn)
"""

SCHEDULES = """
queue = aws.sqs.Queue("queue")
role = aws.iam.Role("role", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "scheduler.amazonaws.com"}}]}))
group = aws.scheduler.ScheduleGroup("group", name="types-group", tags={"v": v})
aws.scheduler.Schedule("grouped", name="types-grouped", group_name=group.name, state="DISABLED",
    schedule_expression="cron(0 20 * * ? *)" if one else "cron(0 21 * * ? *)", description=f"d{v}" if one else None,
    schedule_expression_timezone="Europe/Berlin", start_date="2031-01-31T10:00:00Z",
    flexible_time_window={"mode": "FLEXIBLE", "maximum_window_in_minutes": 15} if one else {"mode": "OFF"},
    target={"arn": queue.arn, "role_arn": role.arn, "input": json.dumps({"v": v}),
        "dead_letter_config": {"arn": queue.arn},
        "retry_policy": {"maximum_retry_attempts": 3, "maximum_event_age_in_seconds": 600}})
aws.scheduler.Schedule("plain", schedule_expression="rate(2 hours)", flexible_time_window={"mode": "OFF"},
    target={"arn": queue.arn, "role_arn": role.arn})
widgets = [{"type": "text", "x": 0, "y": 0, "width": 6, "height": 3, "properties": {"markdown": f"# {v}"}}]
aws.cloudwatch.Dashboard("dashboard", dashboard_name="types-dashboard", dashboard_body=json.dumps({"widgets": widgets}))
"""

MONITORS = """
role = aws.iam.Role("role", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}]}))
definition = aws.sagemaker.DataQualityJobDefinition("definition", name=f"types-quality-{v}", role_arn=role.arn,
    data_quality_app_specification={
        "image_uri": "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"},
    data_quality_baseline_config={"statistics_resource": {"s3_uri": "s3://b/statistics.json"}},
    data_quality_job_input={"batch_transform_input": {"data_captured_destination_s3_uri": "s3://b/captured",
        "dataset_format": {"csv": {"header": True}}}},
    data_quality_job_output_config={"monitoring_outputs": {"s3_output": {"s3_uri": "s3://b/reports"}}},
    job_resources={"cluster_config": {"instance_count": 1, "instance_type": "ml.m5.large", "volume_size_in_gb": 20}},
    stopping_condition={"max_runtime_in_seconds": 1800}, tags={"kept": "1"})
aws.sagemaker.MonitoringSchedule("schedule", name="types-schedule", tags={"v": v}, monitoring_schedule_config={
    "monitoring_type": "DataQuality", "monitoring_job_definition_name": definition.name,
    "schedule_config": {"schedule_expression": "cron(0 * ? * * *)" if one else "cron(0 0 ? * * *)"}})
"""


def round_trip(
    tmp_path: Path, environment: dict[str, str], name: str, program: str, changes: list[tuple[str, str]]
) -> None:
    """Up, no change, refresh, found again, changed as foreseen, no change; the caller destroys."""
    first = project(tmp_path, environment, name, program)
    run(first, "up")
    assert run(first, "up").changes == []
    assert run(first, "refresh").changes == []
    find_again(first, environment)
    second = project(tmp_path, environment, name, program, "2")
    foreseen = run(second, "preview")
    assert changed(foreseen) == changes
    assert changed(run(second, "up")) == changes
    assert run(second, "refresh").changes == []
    assert run(second, "preview").changes == []


def test_functions(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    lambda_ = client(cloud_environment, "lambda")

    def invoke() -> Any:
        return json.loads(lambda_.invoke(FunctionName="types-function", Payload=b'{"a": 1}')["Payload"].read())

    stack = project(tmp_path, cloud_environment, "function", FUNCTION)
    try:
        outputs = run(stack, "up").outputs
        assert invoke() == [1, "1", {"a": 1}]
        assert outputs["arn"] == "arn:aws:lambda:us-east-1:000000000000:function:types-function"
        assert outputs["invoke"].endswith(f"functions/{outputs['arn']}/invocations")
        round_trip(tmp_path, cloud_environment, "function", FUNCTION, [("update", "function")])
        assert invoke() == [2, None, {"a": 1}]
        found = lambda_.get_function(FunctionName="types-function")
        assert (found["Configuration"]["Timeout"], found["Configuration"]["MemorySize"]) == (20, 256)
        assert found["Configuration"]["Architectures"] == ["arm64"]
        assert found["Tags"] == {"v": "2"}
        policy = json.loads(lambda_.get_policy(FunctionName="types-function")["Policy"])
        assert policy["Statement"][0]["Principal"] == {"Service": "events.amazonaws.com"}
    finally:
        assert stack.destroy().ok
    assert lambda_.list_functions()["Functions"] == []


def test_code_that_was_changed_by_hand_is_found_and_mended(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    lambda_ = client(cloud_environment, "lambda")
    stack = project(tmp_path, cloud_environment, "function", FUNCTION)
    other = project(tmp_path, cloud_environment, "other", FUNCTION.replace("types-function", "types-other"), "2")
    try:
        run(stack, "up")
        run(other, "up")
        foreign = lambda_.get_function(FunctionName="types-other")["Configuration"]["CodeSha256"]
        lambda_.update_function_code(FunctionName="types-function", ZipFile=_archive("def handler(e, c): return 0"))
        lambda_.get_waiter("function_updated_v2").wait(FunctionName="types-function", WaiterConfig={"Delay": 1})
        lambda_.update_function_configuration(FunctionName="types-function", Timeout=99)
        assert changed(run(stack, "refresh")) == [("update", "function")]
        assert changed(run(stack, "up")) == [("update", "function")]
        found = lambda_.get_function(FunctionName="types-function")["Configuration"]
        assert found["Timeout"] == 10
        assert found["CodeSha256"] != foreign
        assert json.loads(lambda_.invoke(FunctionName="types-function")["Payload"].read())[0] == 1
    finally:
        assert stack.destroy().ok
        assert other.destroy().ok


def _archive(code: str) -> bytes:
    import io
    import zipfile

    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("pack/main.py", code)
    return content.getvalue()


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('handler="pack.main.handler", ', "", "handler is required and missing"),
        (
            "architectures=",
            'vpc_config={"subnet_ids": ["s"], "security_group_ids": ["g"]}, architectures=',
            "vpcConfig",
        ),
        (
            'handler="pack.main.handler", ',
            'package_type="Image", image_uri="r:1", ',
            "imageUri is not a property that the local provider knows",
        ),
    ],
)
def test_functions_that_would_not_run_here_are_refused(
    tmp_path: Path, cloud_environment: dict[str, str], before: str, after: str, message: str
) -> None:
    assert before in FUNCTION
    known = FUNCTION.replace("role=role.arn", 'role="arn:aws:iam::000000000000:role/r"').replace("queue.arn", '"q"')
    result = project(tmp_path, cloud_environment, "refused", known.replace(before, after)).preview()
    assert not result.ok
    assert message in result.errors[0]


def test_schedules_and_dashboards(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    scheduler, cloudwatch = client(cloud_environment, "scheduler"), client(cloud_environment, "cloudwatch")
    stack = project(tmp_path, cloud_environment, "schedules", SCHEDULES)
    try:
        run(stack, "up")
        scheduler.update_schedule(
            **{
                name: value
                for name, value in scheduler.get_schedule(Name="types-grouped", GroupName="types-group").items()
                if name in ("Name", "GroupName", "Target", "FlexibleTimeWindow", "ScheduleExpression")
            },
            State="ENABLED",
        )
        cloudwatch.put_dashboard(DashboardName="types-dashboard", DashboardBody='{"widgets": []}')
        assert changed(run(stack, "refresh")) == [("update", "dashboard"), ("update", "grouped")]
        assert changed(run(stack, "up")) == [("update", "dashboard"), ("update", "grouped")]
        changes = [("update", "dashboard"), ("update", "group"), ("update", "grouped")]
        round_trip(tmp_path, cloud_environment, "schedules", SCHEDULES, changes)
        found = scheduler.get_schedule(Name="types-grouped", GroupName="types-group")
        assert found["ScheduleExpression"] == "cron(0 21 * * ? *)"
        assert found["ScheduleExpressionTimezone"] == "Europe/Berlin"
        assert (found["State"], found["FlexibleTimeWindow"]["Mode"]) == ("DISABLED", "OFF")
        assert json.loads(found["Target"]["Input"]) == {"v": "2"}
        body = json.loads(cloudwatch.get_dashboard(DashboardName="types-dashboard")["DashboardBody"])
        assert body["widgets"][0]["properties"]["markdown"] == "# 2"
    finally:
        assert stack.destroy().ok
    assert scheduler.list_schedules()["Schedules"] == []
    assert [group["Name"] for group in scheduler.list_schedule_groups()["ScheduleGroups"]] == ["default"]
    assert cloudwatch.list_dashboards().get("DashboardEntries", []) == []


def test_a_dashboard_that_is_no_json_is_refused_in_preview(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    program = 'aws.cloudwatch.Dashboard("d", dashboard_name="d", dashboard_body="{")'
    result = project(tmp_path, cloud_environment, "dashboard", program).preview()
    assert "dashboardBody is not JSON" in result.errors[0]


def test_monitors(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    sagemaker = client(cloud_environment, "sagemaker")
    stack = project(tmp_path, cloud_environment, "monitors", MONITORS)
    try:
        run(stack, "up")
        changes = [("replace", "definition"), ("update", "schedule")]
        round_trip(tmp_path, cloud_environment, "monitors", MONITORS, changes)
        found = sagemaker.describe_monitoring_schedule(MonitoringScheduleName="types-schedule")
        assert found["MonitoringScheduleStatus"] == "Scheduled"
        assert found["MonitoringScheduleConfig"] == {
            "ScheduleConfig": {"ScheduleExpression": "cron(0 0 ? * * *)"},
            "MonitoringJobDefinitionName": "types-quality-2",
            "MonitoringType": "DataQuality",
        }
        sagemaker.stop_monitoring_schedule(MonitoringScheduleName="types-schedule")
        limit = time.monotonic() + 60
        while (
            sagemaker.describe_monitoring_schedule(MonitoringScheduleName="types-schedule")["MonitoringScheduleStatus"]
            != "Stopped"
        ):
            assert time.monotonic() < limit
            time.sleep(0.1)
    finally:
        assert stack.destroy().ok
    assert sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"] == []
    assert sagemaker.list_data_quality_job_definitions()["JobDefinitionSummaries"] == []
