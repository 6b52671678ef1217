"""QualityCheck and ClarifyCheck steps on a whole local cloud: AWS's image names, real analyses, a model that is asked."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import numpy as np
import pandas as pd
import pytest
from tests.local_cloud import end

from penstock_cloud import cloud

ROLE = "arn:aws:iam::000000000000:role/training"
MONITOR = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
CLARIFY = "205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0"
REPOSITORY = "000000000000.dkr.ecr.us-east-1.amazonaws.com/checked"
# A model of two features: the first counts when SCALE is first, the second when it is second.
SERVE = """
import http.server, math, os
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.answer("")
    def do_POST(self):
        rows = self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines()
        place = 0 if os.environ["FEATURE"] == "first" else 1
        self.answer("\\n".join(str(1 / (1 + math.exp(-3 * float(row.split(",")[place])))) for row in rows))
    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


class Platform:
    """The clients, and how a pipeline is run."""

    def __init__(self, info: cloud.CloudInfo) -> None:
        options: dict[str, Any] = {
            "endpoint_url": info.endpoint, "region_name": "us-east-1",
            "aws_access_key_id": "000000000000", "aws_secret_access_key": "test",
        }  # fmt: skip
        self.s3 = boto3.client("s3", **options)
        self.sagemaker = boto3.client("sagemaker", **options)
        self.cloudwatch = boto3.client("cloudwatch", **options)
        self.s3.create_bucket(Bucket="checks")
        self._count = 0

    def put(self, key: str, text: str) -> str:
        self.s3.put_object(Bucket="checks", Key=key, Body=text.encode())
        return f"s3://checks/{key}"

    def document(self, uri: str) -> Any:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return json.loads(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def run(self, steps: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Run a pipeline of these steps to its end; the steps by name."""
        self._count += 1
        name = f"checks-{self._count}"
        self.sagemaker.create_pipeline(
            PipelineName=name,
            RoleArn=ROLE,
            PipelineDefinition=json.dumps({"Version": "2020-12-01", "Steps": steps}),
            ClientRequestToken=name * 8,
        )
        arn = self.sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            described = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
            if described["PipelineExecutionStatus"] not in ("Executing", "Stopping"):
                break
            time.sleep(0.1)
        listed = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
        return {step["StepName"]: step for step in listed}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    state = tmp_path_factory.mktemp("checks") / "state"
    info = cloud.up(state, 0)
    try:
        commands = state / "commands"
        commands.mkdir()
        (commands / "serve").write_text(f"#!{sys.executable}\n{SERVE}")
        (commands / "serve").chmod(0o755)
        record = {
            "repository": REPOSITORY, "digest": "sha256:" + "c" * 64, "tags": ["v1"], "python": sys.executable,
            "path": [str(commands)], "environment": {}, "entrypoint": None,
        }  # fmt: skip
        (state / "images").mkdir(exist_ok=True)
        (state / "images" / ("c" * 64 + ".json")).write_text(json.dumps(record))
        yield Platform(info)
    finally:
        end(state)
        cloud.reset(state)


def processing(image: str, inputs: dict[str, tuple[str, str]], output: str, **environment: str) -> dict[str, Any]:
    """The arguments that the SDK writes for a check step: inputs are name to (URI, path in the container)."""
    return {
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": image},
        "Environment": environment,
        "ProcessingInputs": [
            {
                "InputName": name,
                "S3Input": {
                    "S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File",
                    "S3DataDistributionType": "FullyReplicated",
                },
            }
            for name, (uri, path) in inputs.items()
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "result",
                    "S3Output": {"S3Uri": output, "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"},
                }
            ]
        },
        "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}},
    }  # fmt: skip


def step(name: str, kind: str, check_type: str, arguments: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A check step as the SDK writes it, with every member there."""
    written = {
        "Name": name, "Type": kind, "Arguments": arguments, "CheckType": check_type, "ModelPackageGroupName": None,
        "SkipCheck": False, "FailOnViolation": True, "RegisterNewBaseline": False, "SuppliedBaselineConstraints": None,
    }  # fmt: skip
    if kind == "QualityCheck":
        written["SuppliedBaselineStatistics"] = None
    return {**written, **members}


def table(shift: float = 0.0, seed: int = 0, rows: int = 200) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    first = random.normal(loc=shift, size=rows)
    return pd.DataFrame(
        {
            "label": (first + random.normal(size=rows) > 0).astype(int),
            "first": first.round(4),
            "second": random.normal(size=rows).round(4),
            "group": random.integers(0, 2, rows),
        }
    )


def quality(name: str, data: str, **members: Any) -> dict[str, Any]:
    arguments = processing(
        MONITOR,
        {"baseline_dataset_input": (data, "/opt/ml/processing/input/baseline_dataset_input")},
        f"s3://checks/out/{name}",
        output_path="/opt/ml/processing/output",
        publish_cloudwatch_metrics="Disabled",
        dataset_format='{"csv": {"header": true}}',
        dataset_source="/opt/ml/processing/input/baseline_dataset_input",
    )
    return step(name, "QualityCheck", "DATA_QUALITY", arguments, **members)


SUPPLIED = {
    "SuppliedBaselineStatistics": {"Get": "Steps.Baseline.CalculatedBaselineStatistics"},
    "SuppliedBaselineConstraints": {"Get": "Steps.Baseline.CalculatedBaselineConstraints"},
}


def test_shifted_data_fail_the_step_and_a_report_says_why(platform: Platform) -> None:
    good = platform.put("good/data.csv", table().to_csv(index=False)).rpartition("/")[0]
    bad = platform.put("bad/data.csv", table(shift=4).to_csv(index=False)).rpartition("/")[0]
    steps = platform.run(
        [
            quality("Baseline", good, SkipCheck=True, RegisterNewBaseline=True),
            quality("Same", good, **SUPPLIED),
            quality("Shifted", bad, **SUPPLIED),
            quality("Tolerated", bad, FailOnViolation=False, **SUPPLIED),
        ]
    )
    assert {name: each["StepStatus"] for name, each in steps.items()} == {
        "Baseline": "Succeeded", "Same": "Succeeded", "Shifted": "Failed", "Tolerated": "Succeeded",
    }  # fmt: skip
    baseline = steps["Baseline"]["Metadata"]["QualityCheck"]
    assert baseline["BaselineUsedForDriftCheckConstraints"] == baseline["CalculatedBaselineConstraints"]
    same = steps["Same"]["Metadata"]["QualityCheck"]
    assert same["BaselineUsedForDriftCheckStatistics"] == baseline["CalculatedBaselineStatistics"]
    assert "ViolationReport" not in same
    report = steps["Tolerated"]["Metadata"]["QualityCheck"]["ViolationReport"]
    broken = {each["feature_name"] for each in platform.document(report)["violations"]}
    assert "first" in broken
    assert "second" not in broken
    assert "first" in steps["Shifted"]["FailureReason"]


def test_the_baseline_of_the_latest_approved_version_is_used(platform: Platform) -> None:
    good = platform.put("group/data.csv", table().to_csv(index=False)).rpartition("/")[0]
    first = platform.run([quality("Only", good, ModelPackageGroupName="checked")])
    metadata = first["Only"]["Metadata"]["QualityCheck"]
    assert first["Only"]["StepStatus"] == "Succeeded"
    platform.sagemaker.create_model_package_group(ModelPackageGroupName="checked")
    files = {
        what: {"ContentType": "application/json", "S3Uri": metadata[f"CalculatedBaseline{what}"]}
        for what in ("Statistics", "Constraints")
    }
    for status in ("Approved", "Rejected"):
        platform.sagemaker.create_model_package(
            ModelPackageGroupName="checked",
            ModelApprovalStatus=status,
            DriftCheckBaselines={"ModelDataQuality": files} if status == "Approved" else {},
        )
    bad = platform.put("group-bad/data.csv", table(shift=4).to_csv(index=False)).rpartition("/")[0]
    second = platform.run([quality("Only", bad, ModelPackageGroupName="checked")])
    assert second["Only"]["StepStatus"] == "Failed"
    used = second["Only"]["Metadata"]["QualityCheck"]["BaselineUsedForDriftCheckConstraints"]
    assert used == metadata["CalculatedBaselineConstraints"]


def clarify(platform: Platform, name: str, check_type: str, methods: dict[str, Any], **members: Any) -> dict[str, Any]:
    analysis = {
        "dataset_type": "text/csv",
        "headers": ["label", "first", "second", "group"],
        "label": "label",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "group", "value_or_threshold": [1]}],
        "predictor": {"instance_type": "ml.m5.large", "initial_instance_count": 1, "content_type": "text/csv"},
        "methods": {**methods, "report": {"name": "report", "title": "Analysis Report"}},
    }
    config = platform.put(f"config/{name}/analysis_config.json", json.dumps(analysis))
    data = platform.put("clarified/data.csv", table(rows=50).to_csv(index=False, header=False)).rpartition("/")[0]
    arguments = processing(
        CLARIFY,
        {
            "analysis_config": (config, "/opt/ml/processing/input/config"),
            "dataset": (data, "/opt/ml/processing/input/data"),
        },
        f"s3://checks/results/{name}",
    )
    return step(name, "ClarifyCheck", check_type, arguments, **members)


def test_bias_of_data_and_of_a_model_and_a_changed_explanation(platform: Platform) -> None:
    for feature in ("first", "second"):
        platform.sagemaker.create_model(
            ModelName=f"uses-{feature}",
            ExecutionRoleArn=ROLE,
            PrimaryContainer={"Image": f"{REPOSITORY}:v1", "Environment": {"FEATURE": feature}},
        )
    shap = {"shap": {"num_samples": 30, "agg_method": "mean_abs", "seed": 1, "baseline": [[0, 0, 0]]}}
    earlier = {"SuppliedBaselineConstraints": {"Get": "Steps.Before.CalculatedBaselineConstraints"}}
    steps = platform.run(
        [
            clarify(platform, "Data", "DATA_BIAS", {"pre_training_bias": {"methods": "all"}}),
            clarify(platform, "Model", "MODEL_BIAS", {"post_training_bias": {"methods": ["DPPL", "DI"]}}, ModelName="uses-first"),
            clarify(platform, "Before", "MODEL_EXPLAINABILITY", shap, ModelName="uses-first"),
            clarify(platform, "Same", "MODEL_EXPLAINABILITY", shap, ModelName="uses-first", **earlier),
            clarify(platform, "After", "MODEL_EXPLAINABILITY", shap, ModelName="uses-second", **earlier),
        ]
    )  # fmt: skip
    assert {name: each["StepStatus"] for name, each in steps.items()} == {
        "Data": "Succeeded", "Model": "Succeeded", "Before": "Succeeded", "Same": "Succeeded", "After": "Failed",
    }, {name: each.get("FailureReason") for name, each in steps.items()}  # fmt: skip

    def analysis(name: str) -> Any:
        return platform.document(steps[name]["Metadata"]["ClarifyCheck"]["CalculatedBaselineConstraints"])

    frame = table(rows=50)
    shares = [(frame.group == group).mean() for group in (0, 1)]
    (entry,) = analysis("Data")["pre_training_bias_metrics"]["facets"]["group"]
    metrics = {metric["name"]: metric["value"] for metric in entry["metrics"]}
    assert metrics["CI"] == pytest.approx(shares[0] - shares[1])
    (entry,) = analysis("Model")["post_training_bias_metrics"]["facets"]["group"]
    predicted = (frame["first"] > 0).astype(int)
    expected = predicted[frame.group == 0].mean() - predicted[frame.group == 1].mean()
    assert {m["name"]: m["value"] for m in entry["metrics"]}["DPPL"] == pytest.approx(expected)
    for name, leading in (("Before", "first"), ("After", "second")):
        values = analysis(name)["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
        assert max(values, key=lambda each: values[each]) == leading
        assert values["group"] == pytest.approx(0, abs=0.01)
    report = platform.document(steps["After"]["Metadata"]["ClarifyCheck"]["ViolationReport"])
    assert report["violations"][0]["constraint_check_type"] == "feature_attribution_drift_check"
    assert platform.sagemaker.list_endpoints()["Endpoints"] == []


def test_a_schedule_over_batch_transform_jobs_finds_drift_of_explanations(platform: Platform) -> None:
    """The whole of a monitoring schedule of the fourth kind: the manifests of captured jobs, a model that is asked."""
    moment = datetime.now(UTC) - timedelta(minutes=1)
    platform.put("transformed/a.csv", table(rows=30)[["first", "second"]].to_csv(index=False, header=False))
    manifest = json.dumps([{"prefix": "s3://checks/transformed/"}, "a.csv"])
    platform.put(f"captured/input/{moment:%Y/%m/%d/%H}/one.json", manifest)
    config = {
        "headers": ["first", "second"],
        "methods": {"shap": {"num_samples": 8, "agg_method": "mean_abs", "seed": 1, "baseline": [[0, 0]]}},
        "predictor": {"model_name": "monitored", "instance_type": "ml.m5.large", "initial_instance_count": 1},
    }
    before = {"explanations": {"kernel_shap": {"label0": {"global_shap_values": {"first": 0.1, "second": 9.0}}}}}
    client = platform.sagemaker
    image = {"Image": f"{REPOSITORY}:v1", "Environment": {"FEATURE": "first"}}
    client.create_model(ModelName="monitored", ExecutionRoleArn=ROLE, PrimaryContainer=image)
    client.create_model_explainability_job_definition(
        JobDefinitionName="why",
        ModelExplainabilityAppSpecification={
            "ImageUri": CLARIFY, "ConfigUri": platform.put("why/analysis_config.json", json.dumps(config)),
        },
        ModelExplainabilityBaselineConfig={
            "ConstraintsResource": {"S3Uri": platform.put("why/analysis.json", json.dumps(before))}
        },
        ModelExplainabilityJobInput={
            "BatchTransformInput": {
                "DataCapturedDestinationS3Uri": "s3://checks/captured", "DatasetFormat": {"Csv": {"Header": False}},
                "LocalPath": "/opt/ml/processing/transformed",
            }
        },
        ModelExplainabilityJobOutputConfig={
            "MonitoringOutputs": [
                {"S3Output": {"S3Uri": "s3://checks/reports", "LocalPath": "/opt/ml/processing/output"}}
            ]
        },
        JobResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
        RoleArn=ROLE,
    )  # fmt: skip
    once = {"ScheduleExpression": "NOW", "DataAnalysisStartTime": "-PT1H", "DataAnalysisEndTime": "-PT0H"}
    client.create_monitoring_schedule(
        MonitoringScheduleName="why",
        MonitoringScheduleConfig={
            "ScheduleConfig": once, "MonitoringJobDefinitionName": "why", "MonitoringType": "ModelExplainability",
        },
    )  # fmt: skip
    last: dict[str, Any] = {}
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and last.get("MonitoringExecutionStatus") not in (
        "Completed", "CompletedWithViolations", "Failed",
    ):  # fmt: skip
        described = client.describe_monitoring_schedule(MonitoringScheduleName="why")
        last = described.get("LastMonitoringExecutionSummary", {})
        time.sleep(0.1)
    assert last["MonitoringExecutionStatus"] == "CompletedWithViolations", last.get("FailureReason")
    folder = f"s3://checks/reports/why/{last['ScheduledTime']:%Y/%m/%d/%H}"
    values = platform.document(f"{folder}/analysis.json")["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    assert values["first"] > 0.1
    assert values["second"] == pytest.approx(0, abs=0.01)
    found = platform.document(f"{folder}/constraint_violations.json")["violations"]
    assert found[0]["constraint_check_type"] == "feature_attribution_drift_check"
    namespace = "aws/sagemaker/ModelMonitoring/explainability-metrics"
    (metric,) = platform.cloudwatch.list_metrics(Namespace=namespace, MetricName="feature_first")["Metrics"]
    assert {"Name": "MonitoringSchedule", "Value": "why"} in metric["Dimensions"]
    assert client.list_endpoints()["Endpoints"] == []


def test_an_analysis_that_cannot_be_made_fails_with_its_reason(platform: Platform) -> None:
    steps = platform.run(
        [clarify(platform, "Text", "MODEL_EXPLAINABILITY", {"shap": {"text_config": {}}}, ModelName="m")]
    )
    assert steps["Text"]["StepStatus"] == "Failed"
    assert "explanations of text are not implemented" in steps["Text"]["FailureReason"]
