"""The Pulumi program of a generated model repository."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest
from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parents[2]
STACKS = {
    "organization/penstock-foundation/dev": {
        "account": "123456789012",
        "region": "eu-central-1",
        "messageKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/messages",
        "costTopicArn": "arn:aws:sns:eu-central-1:123456789012:costs",
        "ciRoleArns": {},
        "registryStack": "dev",
        "registryAccount": "123456789012",
        "registryBucket": "artifacts",
        "registryKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/artifacts",
        "vpcId": "",
        "privateSubnetIds": [],
        "securityGroupId": "",
        "dataKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/data",
        "artifactKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/artifacts",
        "artifactBucket": "artifacts",
        "logBucket": "logs",
        "alarmTopicArn": "arn:aws:sns:eu-central-1:123456789012:alarms",
        "permissionsBoundaryArn": "arn:boundary",
        "oidcProviderArn": "arn:oidc",
        "planRoleArn": "arn:plan",
        "trainRoleArn": "arn:train",
        "deployRoleArn": "arn:deploy",
    },
    "organization/penstock-datalake/dev": {
        "rawBucket": "raw",
        "cleanBucket": "clean",
        "curatedBucket": "curated",
        "glueDatabase": "lake",
        "queryWorkgroup": "lake",
        "queryResultsBucket": "queries",
        "landingQueueUrl": "https://sqs/landing",
    },
    "organization/penstock-featurestore/dev": {
        "offlineStoreUri": "s3://features/offline-store",
        "featureStoreRoleArn": "arn:features",
    },
    "organization/penstock-training/dev": {
        "trainingRoleArn": "arn:training",
        "servingRoleArn": "arn:serving",
        "transformScheduleRoleArn": "arn:aws:iam::123456789012:role/transform-schedule",
        "monitoringRoleArn": "arn:aws:iam::123456789012:role/monitoring",
        "imageRepositoryUrl": "models",
        "trackingServerArn": "",
        "jobSubnetIds": [],
        "jobSecurityGroupId": "",
        "studioDomainId": "",
        "sparkApplicationId": "",
        "sparkRoleArn": "",
        "approvalRuleArn": "arn:approval",
        "driftRuleArn": "arn:drift",
    },
}
PACKAGE = "arn:aws:sagemaker:eu-central-1:123456789012:model-package/flight-delays/1"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository from the template, with a small compiled definition."""
    folder = tmp_path_factory.mktemp("baked")
    made = Path(cookiecutter(str(ROOT / "templates/model"), no_input=True, output_dir=str(folder)))
    definition = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": name, "Type": "String"} for name in ("ModelName", "RoleArn", "RawBucket", "GitCommit")],
        "Steps": [],
    }
    (made / "pipeline.json").write_text(json.dumps(definition))
    return made


def bring_up(run_program: Any, repository: Path, parameters: dict[str, str] | None = None) -> Any:
    return run_program(
        lambda: runpy.run_path(str(repository / "infra"), run_name="__main__"),
        project="flight-delays",
        stacks=STACKS,
        config={"flight-delays:protect": "false", "flight-delays:forceDestroy": "true"},
        parameters=parameters or {},
    )


def test_an_empty_registry_is_green(run_program: Any, repository: Path) -> None:
    run = bring_up(run_program, repository)
    assert not run.has("aws:sagemaker/endpoint:Endpoint")
    groups = sorted(path.stem for path in (repository / "features").glob("*.yaml"))
    assert run.exports == {
        "endpointName": "",
        "modelName": "",
        "transformRequest": "",
        "modelPackageGroup": "flight-delays-dev",
        "pipeline": "flight-delays-dev",
        "featureGroups": [f"flight-delays-dev-{name}" for name in groups],
    }


def test_the_live_version_is_served(run_program: Any, repository: Path) -> None:
    parameters = {
        "/penstock/dev/flight-delays-dev/model-package-arn": PACKAGE,
        "/penstock/dev/flight-delays-dev/history": "[]",
        "/penstock/dev/flight-delays-dev/evaluation": '{"report": "s3://a/evaluation.json", "metrics": {"auc": 0.7}}',
        "/penstock/dev/flight-delays-two-dev/model-package-arn": "arn:other",
    }
    run = bring_up(run_program, repository, parameters)
    assert run.one("aws:sagemaker/model:Model").inputs["primaryContainer"] == {"modelPackageName": PACKAGE}
    assert run.exports["endpointName"] == "flight-delays-dev"
    card = json.loads(run.one("aws:sagemaker/modelCard:ModelCard").inputs["content"])
    (evaluated,) = card["evaluation_details"]
    assert evaluated["metric_groups"][0]["metric_data"] == [{"name": "auc", "type": "number", "value": 0.7}]


QUALITY = """
quality:
  problem_type: BinaryClassification
  probability_attribute: "0"
  metric: auc
  bound: 0.6
  label_delay_hours: 24
"""


def test_quality_is_measured_where_it_is_asked_for_and_something_is_live(
    run_program: Any, repository: Path, tmp_path: Path
) -> None:
    asking = Path(shutil.copytree(repository, tmp_path / "asking"))
    with (asking / "penstock.yaml").open("a") as file:
        file.write(QUALITY)
    schedule = "aws:sagemaker/monitoringSchedule:MonitoringSchedule"
    assert not bring_up(run_program, asking).has(schedule)
    live = {"/penstock/dev/flight-delays-dev/model-package-arn": PACKAGE}
    assert not bring_up(run_program, repository, live).has(schedule)
    run = bring_up(run_program, asking, live)
    endpoint = run.one("aws:sagemaker/endpoint:Endpoint")
    assert endpoint.urn in run.one(schedule).dependencies
    definition = run.one("pulumi-python:dynamic/penstock:MonitoringJobDefinition").inputs["request"]
    assert definition["RoleArn"] == "arn:aws:iam::123456789012:role/monitoring"
    given = definition["ModelQualityJobInput"]
    assert given["EndpointInput"]["EndpointName"] == "flight-delays-dev"
    assert given["GroundTruthS3Input"] == {"S3Uri": "s3://artifacts/labels/flight-delays-dev"}
    alarms = {item.inputs["name"]: item.inputs for item in run.of("aws:cloudwatch/metricAlarm:MetricAlarm")}
    alarm = alarms["penstock-drift-quality-flight-delays-dev"]
    assert (alarm["metricName"], alarm["threshold"], alarm["evaluationPeriods"]) == ("auc", 0.6, 28)


def test_the_pipeline_knows_the_platform(run_program: Any, repository: Path) -> None:
    pipeline = bring_up(run_program, repository).one("aws:sagemaker/pipeline:Pipeline")
    definition = json.loads(pipeline.inputs["pipelineDefinition"])
    assert definition["Parameters"] == [
        {"Name": "ModelName", "Type": "String", "DefaultValue": "flight-delays-dev"},
        {"Name": "RoleArn", "Type": "String", "DefaultValue": "arn:training"},
        {"Name": "RawBucket", "Type": "String", "DefaultValue": "raw"},
        {"Name": "GitCommit", "Type": "String"},
    ]
    assert pipeline.inputs["roleArn"] == "arn:training"


def test_tagged_with_the_model_and_its_owner(run_program: Any, repository: Path) -> None:
    run = bring_up(run_program, repository)
    for resource in run.resources:
        if resource.custom and not resource.type.startswith("pulumi-python:"):
            assert resource.inputs["tags"] == {
                "Project": "flight-delays",
                "Environment": "dev",
                "Owner": "data-science",
                "CostCenter": "ml-platform",
                "ManagedBy": "penstock",
            }
