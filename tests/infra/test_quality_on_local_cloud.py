"""The feedback loop on a local cloud: answers of an endpoint, labels that came later, metrics, alarm, retraining.

The schedules are made by the components; that they run at once, and once, is asked of SageMaker's API.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.infra.test_operations_on_local_cloud import CAPTURE, REPOSITORY, ROLE, VARIANT, Cloud, succeeded
from tests.local_cloud import running
from tests.localstack.services.waiting import until

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

ECHO = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        rows = self.rfile.read(int(self.headers["Content-Length"])).split()
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.end_headers()
        self.wfile.write(b"\\n".join(row.split(b",")[0] for row in rows))
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""
PROGRAM = """
import pulumi
from pulumi_aws import sns
from penstock_infra.components.model_bias_monitor import ModelBiasMonitor, ModelBiasMonitorArguments
from penstock_infra.components.model_explainability_monitor import (
    ModelExplainabilityMonitor, ModelExplainabilityMonitorArguments)
from penstock_infra.components.model_quality_alarm import ModelQualityAlarm, ModelQualityAlarmArguments
from penstock_infra.components.model_quality_monitor import ModelQualityMonitor, ModelQualityMonitorArguments
from penstock_infra.components.monitoring_role import MonitoringRole, MonitoringRoleArguments
from penstock_infra.components.permissions_boundary import PermissionsBoundary, PermissionsBoundaryArguments
from penstock_infra.components.retrain_trigger import RetrainTrigger, RetrainTriggerArguments
from penstock_infra.placement import Placement
from penstock_infra.tags import Tags

config = pulumi.Config()
KEY = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-0000-0000-000000000000"
placement = Placement(account="000000000000", region="us-east-1", stack="dev", protect=False, force_destroy=True,
    tags=Tags(project="toy", environment="dev", owner="ana", cost_center=config.get("costCenter") or "1"))
boundary = PermissionsBoundary("boundary", PermissionsBoundaryArguments(placement=placement))
role = MonitoringRole("monitoring", MonitoringRoleArguments(placement=placement, report_bucket="artifacts",
    permissions_boundary_arn=boundary.arn, key_arns=(KEY,)))
common = {"placement": placement, "model": "toy-dev", "endpoint_name": "toy-dev", "report_bucket": "artifacts",
    "role_arn": role.arn, "data_key_arn": KEY, "artifact_key_arn": KEY,
    "instance_type": config.get("instance") or "ml.m5.large"}
labelled = {**common, "ground_truth_uri": "s3://artifacts/labels/toy", "probability_attribute": "0",
    "constraints_uri": "s3://artifacts/baseline/constraints.json", "probability_threshold": 0.5}
quality = ModelQualityMonitor("toy", ModelQualityMonitorArguments(**labelled, problem_type="BinaryClassification"))
bias = ModelBiasMonitor("toy", ModelBiasMonitorArguments(**labelled, config_uri="s3://artifacts/bias/analysis_config.json"))
explanations = ModelExplainabilityMonitor("toy", ModelExplainabilityMonitorArguments(**common,
    config_uri="s3://artifacts/shap/analysis_config.json"))
ModelQualityAlarm("toy", ModelQualityAlarmArguments(placement=placement, model="toy-dev", endpoint_name="toy-dev",
    schedule_name=quality.schedule_name, metric="accuracy", bound=0.9, topic_arn=sns.Topic("alarms").arn))
RetrainTrigger("toy", RetrainTriggerArguments(placement=placement, model="toy-dev",
    permissions_boundary_arn=boundary.arn))
pulumi.export("schedules", [quality.schedule_name, bias.schedule_name, explanations.schedule_name])
"""
REQUESTS = 60
WRONG = 15
"""How many answers turn out to be wrong: an accuracy of 0.75."""
DOCUMENTS: dict[str, dict[str, Any]] = {
    "baseline/constraints.json": {
        "version": 0,
        "binary_classification_constraints": {
            "accuracy": {"threshold": 0.9, "comparison_operator": "LessThanThreshold"}
        },
    },
    "bias/analysis_config.json": {
        "headers": ["late", "score", "number"],
        "label": "late",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "number", "value_or_threshold": [REQUESTS / 2 - 1]}],
    },
    "shap/analysis_config.json": {
        "headers": ["score", "number"],
        "predictor": {
            "model_name": "toy",
            "instance_type": "ml.m5.large",
            "initial_instance_count": 1,
            "content_type": "text/csv",
            "endpoint_name_prefix": "sagemaker-clarify-endpoint",
        },
        "methods": {"shap": {"baseline": [[0.5, 0]], "num_samples": 10, "agg_method": "mean_abs"}},
    },
}
PATIENCE_SECONDS = 180
ENDED = ("Completed", "CompletedWithViolations", "Failed", "Stopped")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    from penstock_cloud import cloud

    state = tmp_path_factory.mktemp("cloud")
    state.chmod(0o755)
    with running(state) as info:
        made = Cloud(state, {**cloud.environment(info), "PATH": os.environ["PATH"], "HOME": str(state)})
        (made.folder / "__main__.py").write_text(PROGRAM)
        serve = state / "toy" / "serve"
        serve.write_text(serve.read_text().splitlines()[0] + "\n" + ECHO)
        yield made


@pytest.fixture(scope="module")
def endpoint(cloud: Cloud) -> None:
    """An endpoint that captures, asked `REQUESTS` times: it answers 0.9 and 0.1 in turns."""
    sagemaker, runtime = cloud.client("sagemaker"), cloud.client("sagemaker-runtime")
    cloud.client("s3").create_bucket(Bucket="artifacts")
    sagemaker.create_model(ModelName="toy", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": f"{REPOSITORY}:v1"})
    sagemaker.create_endpoint_config(EndpointConfigName="toy", ProductionVariants=[VARIANT], DataCaptureConfig=CAPTURE)
    definition = {
        "Version": "2020-12-01",
        "Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "nothing to do"}}],
    }
    sagemaker.create_pipeline(
        PipelineName="toy-dev", PipelineDefinition=json.dumps(definition), ClientRequestToken="t" * 32, RoleArn=ROLE
    )
    cloud.endpoint("toy-dev", "toy")
    until(lambda: cloud.endpoints().get("toy-dev"), lambda status: status == "InService", PATIENCE_SECONDS)
    for number in range(REQUESTS):
        runtime.invoke_endpoint(
            EndpointName="toy-dev",
            Body=f"{0.1 if number % 2 else 0.9},{number}".encode(),
            ContentType="text/csv",
            InferenceId=f"request-{number}",
        )


def put(cloud: Cloud, key: str, text: str) -> None:
    cloud.client("s3").put_object(Bucket="artifacts", Key=key, Body=text.encode())


def captured(cloud: Cloud) -> int:
    """How many requests are captured."""
    s3 = cloud.client("s3")
    keys = s3.list_objects_v2(Bucket="artifacts", Prefix="capture/").get("Contents", [])
    return sum(s3.get_object(Bucket="artifacts", Key=key["Key"])["Body"].read().count(b"eventId") for key in keys)


def definitions(cloud: Cloud) -> dict[str, list[str]]:
    """The names of the job definitions by their kinds."""
    sagemaker = cloud.client("sagemaker")
    listed = {
        "quality": sagemaker.list_model_quality_job_definitions(),
        "bias": sagemaker.list_model_bias_job_definitions(),
        "explainability": sagemaker.list_model_explainability_job_definitions(),
    }
    return {
        kind: [item["MonitoringJobDefinitionName"] for item in found["JobDefinitionSummaries"]]
        for kind, found in listed.items()
    }


@pytest.fixture(scope="module")
def schedules(cloud: Cloud, endpoint: None) -> list[str]:
    """The names of the schedules of quality, bias and explainability, with their whole stack up."""
    succeeded(cloud.stack().up())
    names: list[str] = cloud.stack().outputs()["schedules"]
    return names


def test_definitions_are_known_replaced_and_made_again(cloud: Cloud, schedules: list[str]) -> None:
    assert succeeded(cloud.stack().preview()).changes == []
    assert succeeded(cloud.stack().refresh()).changes == []
    sagemaker, before = cloud.client("sagemaker"), definitions(cloud)
    described = sagemaker.describe_model_quality_job_definition(JobDefinitionName=before["quality"][0])
    tags = sagemaker.list_tags(ResourceArn=described["JobDefinitionArn"])["Tags"]
    assert {"Key": "CostCenter", "Value": "1"} in tags

    changed = cloud.stack(instance="ml.m5.xlarge")
    foreseen = succeeded(changed.preview()).counts
    assert (foreseen["replace"], foreseen["update"]) == (3, 3)
    assert succeeded(changed.up()).counts == foreseen
    after = definitions(cloud)
    assert all(len(names) == 1 and names != before[kind] for kind, names in after.items())
    found = sagemaker.describe_monitoring_schedule(MonitoringScheduleName=schedules[0])
    assert found["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"] == after["quality"][0]

    sagemaker.delete_model_bias_job_definition(JobDefinitionName=after["bias"][0])
    succeeded(changed.refresh())
    assert succeeded(changed.up()).counts["create"] == 1
    assert definitions(cloud) == after


@pytest.fixture(scope="module")
def reports(cloud: Cloud, schedules: list[str]) -> dict[str, dict[str, Any]]:
    """What one run of each schedule wrote, by the schedules' names and the files'; the run's status beside it."""
    sagemaker, s3 = cloud.client("sagemaker"), cloud.client("s3")
    until(lambda: captured(cloud), lambda count: count == REQUESTS, PATIENCE_SECONDS)
    labels = [
        {
            "groundTruthData": {"data": str(int((number % 2 == 0) != (number < WRONG))), "encoding": "CSV"},
            "eventMetadata": {"eventId": f"request-{number}"},
            "eventVersion": "0",
        }
        for number in range(REQUESTS)
    ]
    put(cloud, f"labels/toy/{datetime.now(UTC):%Y/%m/%d/%H}/labels.jsonl", "\n".join(map(json.dumps, labels)))
    for key, document in DOCUMENTS.items():
        put(cloud, key, json.dumps(document))
    once = {"ScheduleExpression": "NOW", "DataAnalysisStartTime": "-PT1H", "DataAnalysisEndTime": "-PT0H"}
    for name in schedules:
        described = sagemaker.describe_monitoring_schedule(MonitoringScheduleName=name)
        sagemaker.update_monitoring_schedule(
            MonitoringScheduleName=name,
            MonitoringScheduleConfig={**described["MonitoringScheduleConfig"], "ScheduleConfig": once},
        )

    def execution(name: str) -> dict[str, Any]:
        found = sagemaker.describe_monitoring_schedule(MonitoringScheduleName=name)
        summary: dict[str, Any] = found.get("LastMonitoringExecutionSummary", {})
        return summary

    written: dict[str, dict[str, Any]] = {}
    for name, kind in zip(schedules, ("model-quality", "model-bias", "model-explainability"), strict=True):
        done = until(
            lambda name=name: execution(name),
            lambda found: found.get("MonitoringExecutionStatus") in ENDED,
            PATIENCE_SECONDS,
        )
        assert done["MonitoringExecutionStatus"] != "Failed", (kind, done["FailureReason"])
        prefix = f"monitoring/toy-dev/{kind}/toy-dev/{name}/{done['ScheduledTime']:%Y/%m/%d/%H}/"
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket="artifacts", Prefix=prefix)["Contents"]]
        written[kind] = {"status": done["MonitoringExecutionStatus"]}
        for key in keys:
            if key.endswith(".json"):
                body = s3.get_object(Bucket="artifacts", Key=key)["Body"].read()
                written[kind][key.removeprefix(prefix).removesuffix(".json")] = json.loads(body)
    return written


def test_wrong_answers_are_measured_alarm_and_retrain(cloud: Cloud, reports: dict[str, dict[str, Any]]) -> None:
    quality = reports["model-quality"]
    assert quality["status"] == "CompletedWithViolations"
    assert quality["statistics"]["dataset"]["item_count"] == REQUESTS
    assert quality["statistics"]["binary_classification_metrics"]["accuracy"]["value"] == 1 - WRONG / REQUESTS
    assert [item["metric_name"] for item in quality["constraint_violations"]["violations"]] == ["accuracy"]
    alarm = "penstock-drift-quality-toy-dev"
    until(
        lambda: cloud.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"],
        lambda state: state == "ALARM",
        PATIENCE_SECONDS,
    )
    sagemaker = cloud.client("sagemaker")
    until(
        lambda: sagemaker.list_pipeline_executions(PipelineName="toy-dev")["PipelineExecutionSummaries"],
        seconds=PATIENCE_SECONDS,
    )


def test_groups_are_compared_and_answers_explained(reports: dict[str, dict[str, Any]]) -> None:
    (facet,) = reports["model-bias"]["analysis"]["post_training_bias_metrics"]["facets"]["number"]
    values = {item["name"]: item["value"] for item in facet["metrics"]}
    assert values["DPPL"] == pytest.approx(0)
    # All wrong answers are in the first half: the facet's group, the second, is answered better.
    assert values["AD"] == pytest.approx(-WRONG / (REQUESTS / 2))
    shap = next(iter(reports["model-explainability"]["analysis"]["explanations"]["kernel_shap"].values()))
    assert shap["global_shap_values"]["score"] > 0.1
    assert shap["global_shap_values"]["number"] == pytest.approx(0, abs=1e-6)


def test_destroy_leaves_no_definitions(cloud: Cloud, schedules: list[str]) -> None:
    succeeded(cloud.stack().destroy())
    assert definitions(cloud) == {"quality": [], "bias": [], "explainability": []}
    listed = cloud.client("sagemaker").list_monitoring_schedules()["MonitoringScheduleSummaries"]
    assert not {item["MonitoringScheduleName"] for item in listed} & set(schedules)
