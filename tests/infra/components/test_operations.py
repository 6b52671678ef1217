"""Nights off, idle endpoints, expired stacks, and the dashboard of a stack: what they may do, and when they run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock_infra.components.idle_endpoints import IdleEndpoints, IdleEndpointsArguments
from penstock_infra.components.nightly_off import NightlyOff, NightlyOffArguments
from penstock_infra.components.operations_dashboard import OperationsDashboard, OperationsDashboardArguments
from penstock_infra.components.ttl_cleaner import TtlCleaner, TtlCleanerArguments
from penstock_infra.placement import Placement

KEY = "arn:aws:kms:eu-central-1:123456789012:key/messages"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"
COMMON = {"key_arn": KEY, "topic_arn": TOPIC, "permissions_boundary_arn": BOUNDARY}
EXAMPLES: dict[str, dict[str, Any]] = {
    "IdleEndpoints": COMMON,
    "NightlyOff": COMMON,
    "OperationsDashboard": {"function_names": ("penstock-prod-idle-endpoints",)},
    "TtlCleaner": {**COMMON, "stacks": ("dev", "dev-ana")},
}
ENDPOINTS = "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/*"
CONFIGURATIONS = "arn:aws:sagemaker:eu-central-1:123456789012:endpoint-config/*"
FIND = [
    {
        "Sid": "AnyResourceListingEndpointsHasNoArn",
        "Effect": "Allow",
        "Action": ["sagemaker:ListEndpoints"],
        "Resource": ["*"],
    },
    {
        "Sid": "ReadEndpoints",
        "Effect": "Allow",
        "Action": ["sagemaker:DescribeEndpoint", "sagemaker:ListTags"],
        "Resource": [ENDPOINTS],
    },
]
TELL = [
    {"Sid": "TellTheTopic", "Effect": "Allow", "Action": ["sns:Publish"], "Resource": [TOPIC]},
    {
        "Sid": "EncryptMessages",
        "Effect": "Allow",
        "Action": [
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ],
        "Resource": [KEY],
    },
]


def make(name: str, placement: Placement, **changes: Any) -> object:
    component, arguments = {
        "IdleEndpoints": (IdleEndpoints, IdleEndpointsArguments),
        "NightlyOff": (NightlyOff, NightlyOffArguments),
        "OperationsDashboard": (OperationsDashboard, OperationsDashboardArguments),
        "TtlCleaner": (TtlCleaner, TtlCleanerArguments),
    }[name]
    return component("example", arguments(placement=placement, **{**EXAMPLES[name], **changes}))  # type: ignore[arg-type]


def granted(run: Any) -> list[dict[str, Any]]:
    """What the function's role may do, but for its log, environment and queue, which `ScheduledFunction` grants."""
    (policy,) = (item for item in run.of("aws:iam/rolePolicy:RolePolicy") if item.name.endswith("-lambda"))
    statements: list[dict[str, Any]] = json.loads(policy.inputs["policy"])["Statement"]
    own = ("WriteOwnLog", "ReadOwnEnvironment", "KeepWhatFailed")
    return [statement for statement in statements if statement["Sid"] not in own]


@pytest.mark.parametrize("name", ["IdleEndpoints", "NightlyOff", "TtlCleaner"])
def test_only_lambda_and_the_clock_take_its_roles(name: str, run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make(name, placement))
    for role in run.of("aws:iam/role:Role"):
        (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert trust["Principal"] == {"Service": [f"{role.name.rpartition('-')[2]}.amazonaws.com"]}
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ["123456789012"]}}
    assert run.one("aws:sqs/queue:Queue").inputs["sqsManagedSseEnabled"] is True


def test_nights_off_touch_the_stacks_own_endpoints_alone(run_program: Any, placement: Placement) -> None:
    parameters = "arn:aws:ssm:eu-central-1:123456789012:parameter/penstock/prod/operations/nightly-off"
    assert granted(run_program(lambda: make("NightlyOff", placement))) == [
        *FIND,
        {
            "Sid": "DeleteEndpointsOfTheStack",
            "Effect": "Allow",
            "Action": ["sagemaker:DeleteEndpoint"],
            "Resource": [ENDPOINTS],
            "Condition": {
                "StringEquals": {"aws:ResourceTag/ManagedBy": ["penstock"], "aws:ResourceTag/Environment": ["prod"]}
            },
        },
        {
            "Sid": "AnyResourceScalableTargetsAreListedWhole",
            "Effect": "Allow",
            "Action": ["application-autoscaling:DescribeScalableTargets"],
            "Resource": ["*"],
        },
        {
            "Sid": "ReadConfigurations",
            "Effect": "Allow",
            "Action": ["sagemaker:DescribeEndpointConfig"],
            "Resource": [CONFIGURATIONS],
        },
        {
            "Sid": "MakeEndpointsOfTheStack",
            "Effect": "Allow",
            "Action": ["sagemaker:AddTags", "sagemaker:CreateEndpoint"],
            "Resource": [ENDPOINTS, CONFIGURATIONS],
            "Condition": {
                "StringEquals": {"aws:RequestTag/ManagedBy": ["penstock"], "aws:RequestTag/Environment": ["prod"]}
            },
        },
        {
            "Sid": "NoteWhatIsOff",
            "Effect": "Allow",
            "Action": ["ssm:DeleteParameter", "ssm:GetParametersByPath", "ssm:PutParameter"],
            "Resource": [parameters, f"{parameters}/*"],
        },
    ]


@pytest.mark.parametrize("on", ["cron(0 7 ? * MON-FRI *)", None])
def test_nights_off_end_in_the_morning_if_they_do(run_program: Any, placement: Placement, on: str | None) -> None:
    run = run_program(lambda: make("NightlyOff", placement, on=on, timezone="Asia/Tokyo"))
    schedules = [item.inputs for item in run.of("aws:scheduler/schedule:Schedule")]
    assert all(schedule["scheduleExpressionTimezone"] == "Asia/Tokyo" for schedule in schedules)
    found = {json.loads(item["target"]["input"])["action"]: item["scheduleExpression"] for item in schedules}
    assert found == {"off": "cron(0 20 * * ? *)"} | ({"on": on} if on else {})
    function = run.one("aws:lambda/function:Function").inputs
    assert function["environment"]["variables"] == {
        "STACK": "prod",
        "PARAMETERS": "/penstock/prod/operations/nightly-off",
    }


def test_idle_endpoints_are_told_of_and_left_alone(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("IdleEndpoints", placement, hours=48))
    assert granted(run) == [
        *FIND,
        {
            "Sid": "AnyResourceReadingMetricsHasNoArn",
            "Effect": "Allow",
            "Action": ["cloudwatch:GetMetricStatistics"],
            "Resource": ["*"],
        },
        {
            "Sid": "AnyResourceMetricsHaveNoArn",
            "Effect": "Allow",
            "Action": ["cloudwatch:PutMetricData"],
            "Resource": ["*"],
            "Condition": {"StringEquals": {"cloudwatch:namespace": ["Penstock/Operations"]}},
        },
        *TELL,
    ]
    assert run.one("aws:lambda/function:Function").inputs["environment"]["variables"] == {
        "STACK": "prod",
        "IDLE_HOURS": "48",
        "TOPIC_ARN": TOPIC,
    }


def test_the_cleaner_deletes_endpoints_of_the_named_stacks_alone(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("TtlCleaner", placement))
    assert granted(run) == [
        *FIND,
        {
            "Sid": "DeleteEndpointsOfTheStacks",
            "Effect": "Allow",
            "Action": ["sagemaker:DeleteEndpoint"],
            "Resource": [ENDPOINTS],
            "Condition": {
                "StringEquals": {
                    "aws:ResourceTag/ManagedBy": ["penstock"],
                    "aws:ResourceTag/Environment": ["dev", "dev-ana"],
                }
            },
        },
        {
            "Sid": "EndTheirScaling",
            "Effect": "Allow",
            "Action": ["application-autoscaling:DeregisterScalableTarget"],
            "Resource": ["arn:aws:application-autoscaling:eu-central-1:123456789012:scalable-target/*"],
            "Condition": {"StringEquals": {"application-autoscaling:service-namespace": ["sagemaker"]}},
        },
        *TELL,
    ]
    assert run.one("aws:lambda/function:Function").inputs["environment"]["variables"] == {
        "STACKS": "dev,dev-ana",
        "TOPIC_ARN": TOPIC,
    }
    assert run.one("aws:scheduler/schedule:Schedule").inputs["scheduleExpression"] == "rate(1 hour)"


def test_the_dashboard_shows_endpoints_jobs_and_its_own_functions(run_program: Any, placement: Placement) -> None:
    dashboard = (
        run_program(lambda: make("OperationsDashboard", placement)).one("aws:cloudwatch/dashboard:Dashboard").inputs
    )
    assert dashboard["dashboardName"].startswith("penstock-prod-operations-")
    shown = {
        item["properties"].get("title"): item["properties"]
        for item in json.loads(dashboard["dashboardBody"])["widgets"]
    }
    assert shown["Idle endpoints"]["metrics"] == [["Penstock/Operations", "IdleEndpoints", "Stack", "prod"]]
    assert shown["Failures of the platform's functions"]["metrics"] == [
        ["AWS/Lambda", "Errors", "FunctionName", "penstock-prod-idle-endpoints"]
    ]
    assert "Processors of training jobs" in shown
    without = run_program(lambda: make("OperationsDashboard", placement, function_names=()))
    assert "platform's functions" not in without.one("aws:cloudwatch/dashboard:Dashboard").inputs["dashboardBody"]
