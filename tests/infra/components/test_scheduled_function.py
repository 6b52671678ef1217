"""A function that runs by the clock: what it is made of, and what it and its schedules may do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from penstock_infra.components.scheduled_function import ScheduledFunction, ScheduledFunctionArguments, Timing
from penstock_infra.iam import Statement
from penstock_infra.placement import Placement

KEY = "arn:aws:kms:eu-central-1:123456789012:key/messages"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"
FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:penstock-prod-nightly-off"
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:penstock-prod-nightly-off"
MAY = Statement(sid="AnyResourceListingEndpointsHasNoArn", actions=("sagemaker:ListEndpoints",), resources=("*",))
EXAMPLES: dict[str, dict[str, Any]] = {
    "ScheduledFunction": {
        "purpose": ("nightly-off",),
        "description": "Endpoints off for the night",
        "module": "nightly_off",
        "timings": (Timing(purpose="off", expression="cron(0 20 * * ? *)", timezone="Europe/Berlin"),),
        "environment": {"STACK": "prod"},
        "may": (MAY,),
        "key_arn": KEY,
        "topic_arn": TOPIC,
        "permissions_boundary_arn": BOUNDARY,
    }
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "ServiceOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": ["SERVICE"]},
            "Action": ["sts:AssumeRole"],
            "Condition": {"StringEquals": {"aws:SourceAccount": ["123456789012"]}},
        }
    ],
}


def make(placement: Placement, **changes: Any) -> ScheduledFunction:
    arguments = ScheduledFunctionArguments(placement=placement, **{**EXAMPLES["ScheduledFunction"], **changes})
    return ScheduledFunction("example", arguments)


def roles(run: Any) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Role and permissions by the service that takes the role."""
    permissions = {item.inputs["role"]: item.inputs["policy"] for item in run.of("aws:iam/rolePolicy:RolePolicy")}
    return {
        item.name.rpartition("-")[2]: (item.inputs, json.loads(permissions[item.inputs["name"]]))
        for item in run.of("aws:iam/role:Role")
    }


def test_the_function(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make(placement))
    function = run.one("aws:lambda/function:Function").inputs
    assert function["name"] == "penstock-prod-nightly-off"
    assert (function["runtime"], function["architectures"]) == ("python3.13", ["arm64"])
    assert function["handler"] == "penstock_infra.functions.nightly_off.handler"
    assert function["environment"] == {"variables": {"STACK": "prod"}}
    assert function["deadLetterConfig"] == {"targetArn": QUEUE}
    assert function["code"] == {
        "archive": {
            "penstock_infra/__init__.py": {"text": ""},
            "penstock_infra/functions/__init__.py": {"text": ""},
            "penstock_infra/functions/endpoints.py": {"file": "endpoints.py"},
            "penstock_infra/functions/nightly_off.py": {"file": "nightly_off.py"},
        }
    }


def test_its_environment_and_its_queue_are_encrypted(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make(placement))
    assert run.one("aws:lambda/function:Function").inputs["kmsKeyArn"] == KEY
    assert run.one("aws:sqs/queue:Queue").inputs["sqsManagedSseEnabled"] is True


def test_everything_of_it_is_tagged(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make(placement))
    for type_ in (
        "aws:lambda/function:Function",
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:sqs/queue:Queue",
        "aws:iam/role:Role",
    ):
        assert all(item.inputs["tags"] == placement.tags.as_dict() for item in run.of(type_)), type_


def test_the_functions_role_may_do_what_was_granted_and_write_its_log(run_program: Any, placement: Placement) -> None:
    role, permissions = roles(run_program(lambda: make(placement)))["lambda"]
    assert json.loads(role["assumeRolePolicy"]) == json.loads(
        json.dumps(TRUST).replace("SERVICE", "lambda.amazonaws.com")
    )
    assert role["permissionsBoundary"] == BOUNDARY
    assert permissions["Statement"] == [
        MAY.as_dict(),
        {
            "Sid": "WriteOwnLog",
            "Effect": "Allow",
            "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            "Resource": ["arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/penstock-prod-nightly-off*"],
        },
        {
            "Sid": "ReadOwnEnvironment",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:DescribeKey"],
            "Resource": [KEY],
        },
        {"Sid": "KeepWhatFailed", "Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [QUEUE]},
    ]


def test_the_schedules_role_may_invoke_it_and_no_other(run_program: Any, placement: Placement) -> None:
    role, permissions = roles(run_program(lambda: make(placement)))["scheduler"]
    assert json.loads(role["assumeRolePolicy"]) == json.loads(
        json.dumps(TRUST).replace("SERVICE", "scheduler.amazonaws.com")
    )
    assert role["permissionsBoundary"] == BOUNDARY
    assert permissions["Statement"] == [
        {"Sid": "InvokeTheFunction", "Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": [FUNCTION]},
        {"Sid": "KeepWhatFailed", "Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [QUEUE]},
    ]


def test_every_timing_is_a_schedule(run_program: Any, placement: Placement) -> None:
    timings = (
        Timing(purpose="off", expression="cron(0 20 * * ? *)", timezone="Europe/Berlin", event={"action": "off"}),
        Timing(purpose="on", expression="rate(1 day)"),
    )
    run = run_program(lambda: make(placement, timings=timings))
    schedules = {item.name: item.inputs for item in run.of("aws:scheduler/schedule:Schedule")}
    off, on = schedules["example-off"], schedules["example-on"]
    assert (off["name"], on["name"]) == ("penstock-prod-nightly-off-off", "penstock-prod-nightly-off-on")
    assert (off["scheduleExpression"], off["scheduleExpressionTimezone"]) == ("cron(0 20 * * ? *)", "Europe/Berlin")
    assert (on["scheduleExpression"], on["scheduleExpressionTimezone"]) == ("rate(1 day)", "UTC")
    assert json.loads(off["target"]["input"]) == {"action": "off"}
    for schedule in (off, on):
        assert schedule["target"]["arn"] == FUNCTION
        assert schedule["target"]["deadLetterConfig"] == {"arn": QUEUE}


def test_failures_are_told_and_the_log_does_not_grow_for_ever(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make(placement))
    alarm = run.one("aws:cloudwatch/metricAlarm:MetricAlarm").inputs
    assert (alarm["namespace"], alarm["metricName"]) == ("AWS/Lambda", "Errors")
    assert alarm["dimensions"] == {"FunctionName": "penstock-prod-nightly-off"}
    assert alarm["alarmActions"] == [TOPIC]
    log = run.one("aws:cloudwatch/logGroup:LogGroup").inputs
    assert (log["name"], log["retentionInDays"]) == ("/aws/lambda/penstock-prod-nightly-off", 30)


def test_a_function_that_is_not_there_is_named(run_program: Any, placement: Placement) -> None:
    with pytest.raises(ValueError, match=r"there is no function 'nightly'; known: .*nightly_off"):
        run_program(lambda: make(placement, module="nightly"))
    with pytest.raises(ValidationError, match="module"):
        run_program(lambda: make(placement, module="../nightly_off"))
