"""Drift and data quality by the clock, the retrain trigger, and a model's dashboard."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from penstock_infra.components.data_quality_monitor import DataQualityMonitor, DataQualityMonitorArguments
from penstock_infra.components.drift_monitor import DriftMonitor, DriftMonitorArguments
from penstock_infra.components.model_dashboard import ModelDashboard, ModelDashboardArguments
from penstock_infra.components.retrain_trigger import RetrainTrigger, RetrainTriggerArguments
from penstock_infra.placement import Placement

KEY = "arn:aws:kms:eu-central-1:123456789012:key/data"
ARTIFACT_KEY = "arn:aws:kms:eu-central-1:123456789012:key/artifacts"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"
ROLE = "arn:aws:iam::123456789012:role/penstock-prod-training-1"
PIPELINE = "arn:aws:sagemaker:eu-central-1:123456789012:pipeline/flight-delays"
EXAMPLES: dict[str, dict[str, Any]] = {
    "DataQualityMonitor": {
        "model": "flight-delays",
        "endpoint_name": "flight-delays",
        "statistics_uri": "s3://artifacts/baseline/statistics.json",
        "constraints_uri": "s3://artifacts/baseline/constraints.json",
        "image_uri": "048819808253.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-model-monitor-analyzer",
        "report_bucket": "artifacts",
        "role_arn": ROLE,
        "data_key_arn": KEY,
        "artifact_key_arn": ARTIFACT_KEY,
    },
    "DriftMonitor": {
        "model": "flight-delays",
        "version_arns": "arn:aws:sagemaker:eu-central-1:111111111111:model-package/flight-delays-dev/*",
        "artifact_bucket": "artifacts",
        "job_role_arn": ROLE,
        "data_key_arn": KEY,
        "artifact_key_arn": ARTIFACT_KEY,
        "topic_arn": TOPIC,
        "permissions_boundary_arn": BOUNDARY,
    },
    "ModelDashboard": {
        "model": "flight-delays",
        "endpoint_name": "flight-delays",
        "features": ("distance", "prediction"),
        "alarm_arns": ("arn:aws:cloudwatch:eu-central-1:123456789012:alarm:penstock-drift-flight-delays",),
    },
    "RetrainTrigger": {
        "model": "flight-delays",
        "schedule": "cron(0 3 1 * ? *)",
        "parameters": {"Rounds": "150"},
        "permissions_boundary_arn": BOUNDARY,
    },
}


def make(name: str, placement: Placement, **changes: Any) -> object:
    component, arguments = {
        "DataQualityMonitor": (DataQualityMonitor, DataQualityMonitorArguments),
        "DriftMonitor": (DriftMonitor, DriftMonitorArguments),
        "ModelDashboard": (ModelDashboard, ModelDashboardArguments),
        "RetrainTrigger": (RetrainTrigger, RetrainTriggerArguments),
    }[name]
    return component("example", arguments(placement=placement, **{**EXAMPLES[name], **changes}))  # type: ignore[arg-type]


# -- drift --


def test_the_drift_job_knows_model_window_and_keys(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("DriftMonitor", placement, hours=12))
    variables = run.one("aws:lambda/function:Function").inputs["environment"]["variables"]
    assert variables["STACK"] == "prod"
    assert json.loads(variables["JOB"]) == {
        "model": "flight-delays",
        "hours": 12,
        "bucket": "artifacts",
        "role_arn": ROLE,
        "instance_type": "ml.m5.large",
        "minimum_rows": 200,
        "volume_key_arn": KEY,
        "output_key_arn": ARTIFACT_KEY,
        "tags": placement.tags.as_dict(),
        "subnet_ids": [],
        "security_group_id": "",
    }
    schedule = run.one("aws:scheduler/schedule:Schedule").inputs
    assert json.loads(schedule["target"]["input"]) == {"time": "<aws.scheduler.scheduled-time>"}


def test_the_drift_function_starts_this_models_jobs_with_one_role(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("DriftMonitor", placement))
    (policy,) = (item for item in run.of("aws:iam/rolePolicy:RolePolicy") if item.name.endswith("-lambda"))
    statements = {item["Sid"]: item for item in json.loads(policy.inputs["policy"])["Statement"]}
    own = ("WriteOwnLog", "ReadOwnEnvironment", "KeepWhatFailed")
    arn = "arn:aws:{}:eu-central-1:123456789012:{}".format
    assert {sid: statement for sid, statement in statements.items() if sid not in own} == {
        "FindTheLiveVersion": {
            "Sid": "FindTheLiveVersion",
            "Effect": "Allow",
            "Action": ["ssm:GetParameter"],
            "Resource": [arn("ssm", "parameter/penstock/prod/flight-delays/*")],
        },
        "ReadItsBaseline": {
            "Sid": "ReadItsBaseline",
            "Effect": "Allow",
            "Action": ["sagemaker:DescribeModelPackage"],
            "Resource": ["arn:aws:sagemaker:eu-central-1:111111111111:model-package/flight-delays-dev/*"],
        },
        "FindCaptures": {
            "Sid": "FindCaptures",
            "Effect": "Allow",
            "Action": ["s3:GetBucketLocation", "s3:ListBucket"],
            "Resource": ["arn:aws:s3:::artifacts"],
        },
        "StartDriftJobs": {
            "Sid": "StartDriftJobs",
            "Effect": "Allow",
            "Action": ["sagemaker:AddTags", "sagemaker:CreateProcessingJob"],
            "Resource": [arn("sagemaker", "processing-job/flight-delays-drift-*")],
        },
        "WithTheJobsRole": {
            "Sid": "WithTheJobsRole",
            "Effect": "Allow",
            "Action": ["iam:PassRole"],
            "Resource": [ROLE],
            "Condition": {"StringEquals": {"iam:PassedToService": ["sagemaker.amazonaws.com"]}},
        },
        "LendKeysToDisks": {
            "Sid": "LendKeysToDisks",
            "Effect": "Allow",
            "Action": ["kms:CreateGrant"],
            "Resource": [KEY],
            "Condition": {"Bool": {"kms:GrantIsForAWSResource": ["true"]}},
        },
    }


def test_only_lambda_and_the_clock_take_the_drift_functions_roles(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("DriftMonitor", placement))
    for role in run.of("aws:iam/role:Role"):
        (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert trust["Principal"] == {"Service": [f"{role.name.rpartition('-')[2]}.amazonaws.com"]}
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ["123456789012"]}}
    assert run.one("aws:sqs/queue:Queue").inputs["sqsManagedSseEnabled"] is True


# -- data quality --


def test_data_quality_is_held_against_the_baseline(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("DataQualityMonitor", placement))
    definition = run.one("aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition").inputs
    assert definition["dataQualityJobInput"] == {"endpointInput": {"endpointName": "flight-delays"}}
    assert definition["dataQualityBaselineConfig"]["statisticsResource"] == {
        "s3Uri": "s3://artifacts/baseline/statistics.json"
    }
    output = definition["dataQualityJobOutputConfig"]
    assert output["monitoringOutputs"] == {"s3Output": {"s3Uri": "s3://artifacts/monitoring/flight-delays"}}
    assert definition["roleArn"] == ROLE
    schedule = run.one("aws:sagemaker/monitoringSchedule:MonitoringSchedule").inputs
    assert schedule["name"] == "penstock-prod-data-quality-flight-delays"
    assert schedule["monitoringScheduleConfig"] == {
        "monitoringType": "DataQuality",
        "monitoringJobDefinitionName": definition["name"],
        "scheduleConfig": {"scheduleExpression": "cron(0 * ? * * *)"},
    }


def test_data_quality_jobs_are_encrypted(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("DataQualityMonitor", placement))
    definition = run.one("aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition").inputs
    assert definition["jobResources"]["clusterConfig"]["volumeKmsKeyId"] == KEY
    assert definition["dataQualityJobOutputConfig"]["kmsKeyId"] == ARTIFACT_KEY


@pytest.mark.parametrize(
    "change",
    [
        {"statistics_uri": "s3://artifacts/next/statistics.json"},
        {"instance_type": "ml.m5.xlarge"},
        {"data_key_arn": "k"},
    ],
)
def test_a_changed_definition_has_another_name_and_the_schedule_its_own(
    run_program: Any, placement: Placement, change: dict[str, str]
) -> None:
    """So that the next definition is there before the schedule moves to it and the old one goes."""

    def names(**changes: str) -> tuple[str, str]:
        run = run_program(lambda: make("DataQualityMonitor", placement, **changes))
        definition = run.one("aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition").inputs["name"]
        assert len(definition) <= 63
        return definition, run.one("aws:sagemaker/monitoringSchedule:MonitoringSchedule").inputs["name"]

    before, after = names(), names(**change)
    assert before[0] != after[0]
    assert before[1] == after[1]
    assert names() == before


# -- retraining --


def test_drift_starts_this_models_pipeline(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("RetrainTrigger", placement))
    rule = run.one("aws:cloudwatch/eventRule:EventRule").inputs
    assert json.loads(rule["eventPattern"]) == {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "detail": {
            "alarmName": ["penstock-drift-flight-delays", "penstock-drift-quality-flight-delays"],
            "state": {"value": ["ALARM"]},
        },
    }
    target = run.one("aws:cloudwatch/eventTarget:EventTarget").inputs
    assert (target["rule"], target["arn"]) == (rule["name"], PIPELINE)
    assert target["sagemakerPipelineTarget"] == {"pipelineParameterLists": [{"name": "Rounds", "value": "150"}]}
    schedule = run.one("aws:scheduler/schedule:Schedule").inputs
    assert (schedule["scheduleExpression"], schedule["target"]["arn"]) == ("cron(0 3 1 * ? *)", PIPELINE)
    assert schedule["target"]["sagemakerPipelineParameters"] == {
        "pipelineParameters": [{"name": "Rounds", "value": "150"}]
    }


def test_what_starts_it_may_start_it_alone(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("RetrainTrigger", placement))
    queue = run.one("aws:sqs/queue:Queue").inputs
    queue_arn = f"arn:aws:sqs:eu-central-1:123456789012:{queue['name']}"
    start = {
        "Sid": "StartThePipeline",
        "Effect": "Allow",
        "Action": ["sagemaker:StartPipelineExecution"],
        "Resource": [PIPELINE],
    }
    keep = {"Sid": "KeepWhatFailed", "Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [queue_arn]}
    policies = {item.name: json.loads(item.inputs["policy"]) for item in run.of("aws:iam/rolePolicy:RolePolicy")}
    assert {name.rpartition("-")[2]: policy["Statement"] for name, policy in policies.items()} == {
        "events": [start],
        "scheduler": [start, keep],
    }
    for role in run.of("aws:iam/role:Role"):
        who = role.name.rpartition("-")[2]
        assert role.inputs["permissionsBoundary"] == BOUNDARY
        (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert trust["Principal"] == {"Service": [f"{who}.amazonaws.com"]}
        assert trust["Action"] == ["sts:AssumeRole"]
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ["123456789012"]}}


def test_what_could_not_be_started_is_kept_encrypted_and_left_by_the_rule_alone(
    run_program: Any, placement: Placement
) -> None:
    run = run_program(lambda: make("RetrainTrigger", placement))
    queue = run.one("aws:sqs/queue:Queue").inputs
    assert queue["sqsManagedSseEnabled"] is True
    (statement,) = json.loads(queue["policy"])["Statement"]
    rule = run.one("aws:cloudwatch/eventRule:EventRule").inputs["name"]
    assert statement == {
        "Sid": "UndoneStarts",
        "Effect": "Allow",
        "Principal": {"Service": ["events.amazonaws.com"]},
        "Action": ["sqs:SendMessage"],
        "Resource": [f"arn:aws:sqs:eu-central-1:123456789012:{queue['name']}"],
        "Condition": {"ArnEquals": {"aws:SourceArn": [f"arn:aws:events:eu-central-1:123456789012:rule/{rule}"]}},
    }


def test_either_trigger_alone(run_program: Any, placement: Placement) -> None:
    clock = run_program(lambda: make("RetrainTrigger", placement, on_drift=False))
    assert not clock.has("aws:cloudwatch/eventRule:EventRule")
    assert "policy" not in clock.one("aws:sqs/queue:Queue").inputs
    drift = run_program(lambda: make("RetrainTrigger", placement, schedule=None))
    assert not drift.has("aws:scheduler/schedule:Schedule")
    with pytest.raises(ValidationError, match="nothing would ever start the pipeline"):
        run_program(lambda: make("RetrainTrigger", placement, on_drift=False, schedule=None))


# -- dashboard --


def widgets(run: Any) -> list[dict[str, Any]]:
    body = run.one("aws:cloudwatch/dashboard:Dashboard").inputs["dashboardBody"]
    return json.loads(body)["widgets"]  # type: ignore[no-any-return]


def test_the_dashboard_shows_endpoint_drift_and_alarms(run_program: Any, placement: Placement) -> None:
    shown = widgets(run_program(lambda: make("ModelDashboard", placement)))
    by_title = {item["properties"].get("title"): item["properties"] for item in shown}
    assert by_title["Requests"]["metrics"] == [
        [
            {
                "expression": "SEARCH('{AWS/SageMaker,EndpointName,VariantName} "
                'EndpointName="flight-delays" MetricName="Invocations"\', \'Sum\', 300)',
                "id": "invocations",
            }
        ]
    ]
    assert by_title["Violations of the baseline"]["metrics"] == [
        ["Penstock/Drift", "Violations", "Model", "flight-delays"]
    ]
    assert [metric[1] for metric in by_title["Distance from the baseline"]["metrics"]] == [
        "feature_baseline_drift_distance",
        "feature_baseline_drift_prediction",
    ]
    assert by_title["Alarms"]["alarms"] == list(EXAMPLES["ModelDashboard"]["alarm_arns"])
    assert all(item["properties"]["region"] == "eu-central-1" for item in shown if item["type"] == "metric")


def test_widgets_lie_beside_and_below_each_other(run_program: Any, placement: Placement) -> None:
    shown = widgets(run_program(lambda: make("ModelDashboard", placement, features=(), alarm_arns=())))
    assert not any(item["type"] == "alarm" for item in shown)
    taken: set[tuple[int, int]] = set()
    for item in shown:
        assert item["x"] + item["width"] <= 24
        cells = {
            (x, y)
            for x in range(item["x"], item["x"] + item["width"])
            for y in range(item["y"], item["y"] + item["height"])
        }
        assert not cells & taken
        taken |= cells
