"""Model quality, bias and explainability by the clock: their job definitions, role and alarm."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest
from pydantic import ValidationError

from penstock_infra.components.model_bias_monitor import ModelBiasMonitor, ModelBiasMonitorArguments
from penstock_infra.components.model_explainability_monitor import (
    ModelExplainabilityMonitor,
    ModelExplainabilityMonitorArguments,
)
from penstock_infra.components.model_quality_alarm import ModelQualityAlarm, ModelQualityAlarmArguments
from penstock_infra.components.model_quality_monitor import ModelQualityMonitor, ModelQualityMonitorArguments
from penstock_infra.components.monitoring_role import MonitoringRole, MonitoringRoleArguments
from penstock_infra.errors import ConfigurationError
from penstock_infra.placement import Placement

KEY = "arn:aws:kms:eu-central-1:123456789012:key/data"
ARTIFACT_KEY = "arn:aws:kms:eu-central-1:123456789012:key/artifacts"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
ROLE = "arn:aws:iam::123456789012:role/penstock-prod-monitoring-1"
DEFINITION = "pulumi-python:dynamic/penstock:MonitoringJobDefinition"
SCHEDULE = "aws:sagemaker/monitoringSchedule:MonitoringSchedule"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMMON: dict[str, Any] = {
    "model": "flight-delays-prod",
    "endpoint_name": "flight-delays-prod",
    "report_bucket": "artifacts",
    "role_arn": ROLE,
    "data_key_arn": KEY,
    "artifact_key_arn": ARTIFACT_KEY,
}
LABELLED: dict[str, Any] = {
    **COMMON,
    "ground_truth_uri": "s3://curated/labels/flight-delays",
    "constraints_uri": "s3://artifacts/baseline/constraints.json",
    "probability_attribute": "0",
    "probability_threshold": 0.5,
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "ModelBiasMonitor": {**LABELLED, "config_uri": "s3://artifacts/bias/analysis_config.json"},
    "ModelExplainabilityMonitor": {
        **COMMON,
        "config_uri": "s3://artifacts/shap/analysis_config.json",
        "constraints_uri": "s3://artifacts/shap/analysis.json",
    },
    "ModelQualityAlarm": {
        "model": "flight-delays-prod",
        "endpoint_name": "flight-delays-prod",
        "schedule_name": "penstock-prod-model-quality-flight-delays-prod",
        "metric": "auc",
        "bound": 0.6,
        "topic_arn": "arn:aws:sns:eu-central-1:123456789012:alarms",
    },
    "ModelQualityMonitor": {**LABELLED, "problem_type": "BinaryClassification"},
    "MonitoringRole": {
        "permissions_boundary_arn": BOUNDARY,
        "report_bucket": "artifacts",
        "label_buckets": ("curated",),
        "key_arns": (KEY, ARTIFACT_KEY),
    },
}
MONITORS = ("ModelQualityMonitor", "ModelBiasMonitor", "ModelExplainabilityMonitor")


def make(name: str, placement: Placement, **changes: Any) -> object:
    component, arguments = {
        "ModelBiasMonitor": (ModelBiasMonitor, ModelBiasMonitorArguments),
        "ModelExplainabilityMonitor": (ModelExplainabilityMonitor, ModelExplainabilityMonitorArguments),
        "ModelQualityAlarm": (ModelQualityAlarm, ModelQualityAlarmArguments),
        "ModelQualityMonitor": (ModelQualityMonitor, ModelQualityMonitorArguments),
        "MonitoringRole": (MonitoringRole, MonitoringRoleArguments),
    }[name]
    return component("example", arguments(placement=placement, **{**EXAMPLES[name], **changes}))  # type: ignore[arg-type]


def request(run: Any) -> dict[str, Any]:
    found: dict[str, Any] = run.one(DEFINITION).inputs["request"]
    return found


# -- what the jobs look at --


def test_model_quality_joins_answers_with_labels(run_program: Any, placement: Placement) -> None:
    asked = request(run_program(lambda: make("ModelQualityMonitor", placement, hours=24, label_delay_hours=48)))
    assert asked["ModelQualityAppSpecification"] == {
        "ImageUri": "048819808253.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-model-monitor-analyzer",
        "ProblemType": "BinaryClassification",
        "Environment": {"publish_cloudwatch_metrics": "Enabled"},
    }
    assert asked["ModelQualityJobInput"] == {
        "EndpointInput": {
            "EndpointName": "flight-delays-prod",
            "LocalPath": "/opt/ml/processing/input/endpoint",
            "ProbabilityAttribute": "0",
            "ProbabilityThresholdAttribute": 0.5,
            "StartTimeOffset": "-PT72H",
            "EndTimeOffset": "-PT48H",
        },
        "GroundTruthS3Input": {"S3Uri": "s3://curated/labels/flight-delays"},
    }
    assert asked["ModelQualityBaselineConfig"] == {
        "ConstraintsResource": {"S3Uri": "s3://artifacts/baseline/constraints.json"}
    }
    assert asked["RoleArn"] == ROLE


def test_without_constraints_quality_is_measured_alone(run_program: Any, placement: Placement) -> None:
    asked = request(run_program(lambda: make("ModelQualityMonitor", placement, constraints_uri=None)))
    assert "ModelQualityBaselineConfig" not in asked


def test_bias_is_clarifys_of_labelled_answers(run_program: Any, placement: Placement) -> None:
    asked = request(run_program(lambda: make("ModelBiasMonitor", placement, features_attribute="features")))
    assert asked["ModelBiasAppSpecification"] == {
        "ImageUri": "017069133835.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-clarify-processing:1.0",
        "ConfigUri": "s3://artifacts/bias/analysis_config.json",
        "Environment": {"publish_cloudwatch_metrics": "Enabled"},
    }
    given = asked["ModelBiasJobInput"]
    assert given["GroundTruthS3Input"] == {"S3Uri": "s3://curated/labels/flight-delays"}
    assert given["EndpointInput"]["FeaturesAttribute"] == "features"
    assert given["EndpointInput"]["StartTimeOffset"] == "-PT1H"


def test_explanations_need_no_labels_and_the_network(run_program: Any, placement: Placement) -> None:
    asked = request(run_program(lambda: make("ModelExplainabilityMonitor", placement, inference_attribute="0")))
    assert asked["ModelExplainabilityJobInput"] == {
        "EndpointInput": {
            "EndpointName": "flight-delays-prod",
            "LocalPath": "/opt/ml/processing/input/endpoint",
            "InferenceAttribute": "0",
        }
    }
    assert asked["ModelExplainabilityBaselineConfig"] == {
        "ConstraintsResource": {"S3Uri": "s3://artifacts/shap/analysis.json"}
    }
    with pytest.raises(ValidationError, match="the job asks the model, over the network"):
        run_program(lambda: make("ModelExplainabilityMonitor", placement, network_isolation=True))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probability_attribute": None, "probability_threshold": None}, "set inference_attribute or"),
        ({"probability_attribute": None, "inference_attribute": "0"}, "probability_threshold is for"),
        ({"problem_type": "Regression"}, "Regression is measured by inference_attribute"),
        ({"subnet_ids": ("subnet-1",)}, "need a security_group_id"),
        ({"hours": 25}, "less than or equal to 24"),
    ],
)
def test_what_could_not_run_is_refused(
    run_program: Any, placement: Placement, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        run_program(lambda: make("ModelQualityMonitor", placement, **changes))


# -- how they run --


@pytest.mark.parametrize("name", MONITORS)
def test_jobs_and_reports_are_encrypted(run_program: Any, placement: Placement, name: str) -> None:
    asked = request(run_program(lambda: make(name, placement)))
    kind = name.removesuffix("Monitor")
    assert asked["JobResources"]["ClusterConfig"]["VolumeKmsKeyId"] == KEY
    output = asked[f"{kind}JobOutputConfig"]
    assert output["KmsKeyId"] == ARTIFACT_KEY
    (reports,) = output["MonitoringOutputs"]
    slug = {"ModelQuality": "model-quality", "ModelBias": "model-bias"}.get(kind, "model-explainability")
    assert reports["S3Output"] == {
        "S3Uri": f"s3://artifacts/monitoring/flight-delays-prod/{slug}",
        "LocalPath": "/opt/ml/processing/output",
    }


@pytest.mark.parametrize("name", MONITORS)
def test_a_schedule_runs_the_definition(run_program: Any, placement: Placement, name: str) -> None:
    run = run_program(lambda: make(name, placement, schedule="cron(0 3 ? * * *)"))
    definition, schedule = run.one(DEFINITION), run.one(SCHEDULE)
    assert schedule.inputs["monitoringScheduleConfig"] == {
        "monitoringType": definition.inputs["kind"],
        "monitoringJobDefinitionName": definition.inputs["name"],
        "scheduleConfig": {"scheduleExpression": "cron(0 3 ? * * *)"},
    }
    assert definition.urn in schedule.dependencies
    assert definition.inputs["kind"] == name.removesuffix("Monitor")


def test_networks(run_program: Any, placement: Placement) -> None:
    def network(**changes: Any) -> Any:
        return request(run_program(lambda: make("ModelQualityMonitor", placement, **changes))).get("NetworkConfig")

    assert network() is None
    assert network(network_isolation=True) == {"EnableNetworkIsolation": True}
    joined = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
    assert network(subnet_ids=("subnet-1",), security_group_id="sg-1") == {
        "EnableNetworkIsolation": False,
        "VpcConfig": joined,
    }

    def of_the_platform(subnets: list[str]) -> Any:
        asked = run_program(
            lambda: make(
                "ModelQualityMonitor",
                placement,
                subnet_ids=pulumi.Output.from_input(subnets),
                security_group_id=pulumi.Output.from_input("sg-1"),
            )
        )
        return request(asked).get("NetworkConfig")

    assert of_the_platform(["subnet-1"])["VpcConfig"] == joined
    assert of_the_platform([]) is None


@pytest.mark.parametrize("name", MONITORS)
def test_a_changed_definition_has_another_name_and_the_schedule_its_own(
    run_program: Any, placement: Placement, name: str
) -> None:
    """So that the next definition is there before the schedule moves to it and the old one goes."""

    def names(placement: Placement = placement, **changes: Any) -> tuple[str, str]:
        run = run_program(lambda: make(name, placement, **changes))
        found = run.one(DEFINITION).inputs["name"], run.one(SCHEDULE).inputs["name"]
        assert all(len(each) <= 63 for each in found)
        return found

    tagged = placement.model_copy(update={"tags": placement.tags.model_copy(update={"owner": "somebody else"})})
    before = names()
    changed = [names(instance_type="ml.m5.xlarge"), names(data_key_arn="k"), names(tagged)]
    assert len({before[0], *(each for each, _ in changed)}) == 4
    assert {each for _, each in changed} == {before[1]}
    assert names() == before


def test_a_region_without_aws_images_needs_one_of_its_own(run_program: Any, placement: Placement) -> None:
    nowhere = placement.model_copy(update={"region": "mx-central-1"})
    with pytest.raises(ConfigurationError, match="mx-central-1 have no sagemaker-model-monitor-analyzer"):
        run_program(lambda: make("ModelQualityMonitor", nowhere))
    asked = request(run_program(lambda: make("ModelQualityMonitor", nowhere, image_uri="own/image")))
    assert asked["ModelQualityAppSpecification"]["ImageUri"] == "own/image"
    china = placement.model_copy(update={"region": "cn-north-1", "partition": "aws-cn"})
    asked = request(run_program(lambda: make("ModelBiasMonitor", china)))
    assert asked["ModelBiasAppSpecification"]["ImageUri"].startswith(
        "122526803553.dkr.ecr.cn-north-1.amazonaws.com.cn/"
    )


# -- the role --


def test_the_jobs_role(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("MonitoringRole", placement))
    (trust,) = json.loads(run.one("aws:iam/role:Role").inputs["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": ["sagemaker.amazonaws.com"]}
    found = {
        item["Sid"]: item for item in json.loads(run.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])["Statement"]
    }
    assert found["ReadCaptures"]["Resource"] == ["arn:aws:s3:::artifacts/*", "arn:aws:s3:::curated/*"]
    assert found["WriteReports"]["Resource"] == ["arn:aws:s3:::artifacts/monitoring/*"]
    assert found["PullImages"]["Resource"] == [
        "arn:aws:ecr:eu-central-1:048819808253:repository/sagemaker-model-monitor-analyzer",
        "arn:aws:ecr:eu-central-1:048819808253:repository/sagemaker-model-monitor-groundtruth-merger",
        "arn:aws:ecr:eu-central-1:017069133835:repository/sagemaker-clarify-processing",
    ]
    arn = "arn:aws:sagemaker:eu-central-1:123456789012:{}".format
    assert found["AskAnEndpointOfItsOwn"]["Resource"] == [
        arn("endpoint/sagemaker-clarify-endpoint-*"),
        arn("endpoint-config/sagemaker-clarify-endpoint-*"),
    ]
    assert found["FindTheModel"]["Action"] == ["sagemaker:DescribeModel"]
    namespaces = found["AnyResourceMetricsHaveNoArn"]["Condition"]["StringEquals"]["cloudwatch:namespace"]
    assert "aws/sagemaker/Endpoints/model-metrics" in namespaces


# -- the alarm --


@pytest.mark.parametrize(
    ("metric", "operator", "statistic"),
    [("auc", "LessThanThreshold", "Minimum"), ("rmse", "GreaterThanThreshold", "Maximum")],
)
def test_the_alarm_watches_one_metric_of_the_schedule(
    run_program: Any, placement: Placement, metric: str, operator: str, statistic: str
) -> None:
    run = run_program(lambda: make("ModelQualityAlarm", placement, metric=metric, hours=26))
    alarm = run.one(ALARM).inputs
    assert (alarm["namespace"], alarm["metricName"]) == ("aws/sagemaker/Endpoints/model-metrics", metric)
    assert alarm["dimensions"] == {
        "Endpoint": "flight-delays-prod",
        "MonitoringSchedule": "penstock-prod-model-quality-flight-delays-prod",
    }
    assert (alarm["comparisonOperator"], alarm["statistic"], alarm["threshold"]) == (operator, statistic, 0.6)
    assert (alarm["period"], alarm["evaluationPeriods"], alarm["datapointsToAlarm"]) == (3600, 26, 1)
    assert alarm["treatMissingData"] == "notBreaching"
    assert alarm["alarmActions"] == [EXAMPLES["ModelQualityAlarm"]["topic_arn"]]


def test_an_alarm_on_what_is_never_computed_is_refused(run_program: Any, placement: Placement) -> None:
    with pytest.raises(ValidationError, match="computes no 'AUC'"):
        run_program(lambda: make("ModelQualityAlarm", placement, metric="AUC"))


def test_the_alarm_starts_the_retraining_unless_it_is_told_not_to(run_program: Any, placement: Placement) -> None:
    def name(**changes: Any) -> str:
        return str(run_program(lambda: make("ModelQualityAlarm", placement, **changes)).one(ALARM).inputs["name"])

    assert name() == "penstock-drift-quality-flight-delays-prod"
    assert name(retrains=False) == "penstock-quality-flight-delays-prod"
