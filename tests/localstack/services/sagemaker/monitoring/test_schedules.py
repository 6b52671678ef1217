"""Monitoring schedules that really run: captured data on S3, AWS's analyzer images, violations, metrics, alerts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.conftest import IMAGE, ROLE, Services
from tests.localstack.services.waiting import until

from penstock_services.containers.model_monitor import data_quality

CLARIFY = "205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0"
ANALYZER = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
LOCAL = "/opt/ml/processing/input/endpoint"
ENDED = ("Completed", "CompletedWithViolations", "Failed", "Stopped")
SERVE = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""
RESOURCES = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}}
ONCE = {"ScheduleExpression": "NOW", "DataAnalysisStartTime": "-PT1H", "DataAnalysisEndTime": "-PT0H"}


def output(name: str) -> dict[str, Any]:
    path = "/opt/ml/processing/output"
    return {"MonitoringOutputs": [{"S3Output": {"S3Uri": f"s3://job-data/reports/{name}", "LocalPath": path}}]}


def frame(rows: int, shift: float = 0.0) -> pd.DataFrame:
    random = np.random.default_rng(0)
    price = random.normal(loc=shift, size=rows).round(4)
    return pd.DataFrame({"sold": (price > 0).astype(int), "price": price, "size": random.normal(size=rows).round(4)})


def event(number: int, row: Any, moment: datetime) -> str:
    def side(text: str, mode: str) -> dict[str, str]:
        return {"observedContentType": "text/csv", "mode": mode, "data": text, "encoding": "CSV"}

    return json.dumps(
        {
            "captureData": {
                "endpointInput": side(f"{row.price},{row.size_}", "INPUT"),
                "endpointOutput": side(str(row.sold), "OUTPUT"),
            },
            "eventMetadata": {"eventId": f"event-{number}", "inferenceTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}"},
            "eventVersion": "0",
        }
    )


class Shop:
    """An endpoint whose captured data the tests write, and its schedules."""

    def __init__(self, services: Services) -> None:
        self.sagemaker = services.client()
        self.s3, self.cloudwatch = services.aws("s3"), services.aws("cloudwatch")
        self.moment = datetime.now(UTC) - timedelta(minutes=1)

    def put(self, key: str, text: str) -> str:
        self.s3.put_object(Bucket="job-data", Key=key, Body=text.encode())
        return f"s3://job-data/{key}"

    def document(self, key: str) -> Any:
        return json.loads(self.s3.get_object(Bucket="job-data", Key=key)["Body"].read())

    def folder(self) -> str:
        return f"{self.moment:%Y/%m/%d/%H}"

    def schedule(self, name: str, kind: str, config: dict[str, Any] | None = None) -> None:
        self.sagemaker.create_monitoring_schedule(
            MonitoringScheduleName=name,
            MonitoringScheduleConfig={
                "ScheduleConfig": config or ONCE, "MonitoringJobDefinitionName": name, "MonitoringType": kind,
            },
        )  # fmt: skip

    def executed(self, name: str, seconds: float = 120) -> dict[str, Any]:
        """The schedule's last execution, when it has ended."""
        deadline = time.monotonic() + seconds
        found: dict[str, Any] = {}
        while time.monotonic() < deadline:
            described = self.sagemaker.describe_monitoring_schedule(MonitoringScheduleName=name)
            found = described.get("LastMonitoringExecutionSummary", {})
            if found.get("MonitoringExecutionStatus") in ENDED:
                return found
            time.sleep(0.1)
        pytest.fail(f"{name} has not run: {found}")

    def job(self, execution: dict[str, Any]) -> dict[str, Any]:
        name = execution["ProcessingJobArn"].rpartition("/")[2]
        described: dict[str, Any] = self.sagemaker.describe_processing_job(ProcessingJobName=name)
        return described


@pytest.fixture(scope="module")
def shop(serving: Services) -> Shop:
    serving.image(serve=SERVE)
    found = Shop(serving)
    sagemaker = found.sagemaker
    sagemaker.create_model(ModelName="shop", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE})
    sagemaker.create_endpoint_config(
        EndpointConfigName="shop",
        ProductionVariants=[
            {"VariantName": "All", "ModelName": "shop", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        ],
        DataCaptureConfig={
            "EnableCapture": True, "InitialSamplingPercentage": 100, "DestinationS3Uri": "s3://job-data/captured",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        },
    )  # fmt: skip
    sagemaker.create_endpoint(EndpointName="shop", EndpointConfigName="shop")
    table = frame(60, shift=4).rename(columns={"size": "size_"})
    lines = [event(number, row, found.moment) for number, row in enumerate(table.itertuples())]
    lines.append(event(1000, next(table.itertuples()), found.moment - timedelta(hours=2)))
    found.put(f"captured/shop/All/{found.folder()}/a.jsonl", "\n".join(lines))
    truth = [
        {
            # Every third prediction was wrong.
            "groundTruthData": {"data": str(row.sold if number % 3 else 1 - int(str(row.sold))), "encoding": "CSV"},
            "eventMetadata": {"eventId": f"event-{number}"},
            "eventVersion": "0",
        }
        for number, row in enumerate(table.itertuples())
    ]
    found.put(f"truth/{found.folder()}/a.jsonl", "\n".join(map(json.dumps, truth)))
    return found


@pytest.fixture(scope="module")
def execution(shop: Shop) -> dict[str, Any]:
    """The end of a run of data quality over data that have moved."""
    statistics, constraints = data_quality.suggested(frame(200))
    baseline = {
        "ConstraintsResource": {"S3Uri": shop.put("baseline/constraints.json", json.dumps(constraints))},
        "StatisticsResource": {"S3Uri": shop.put("baseline/statistics.json", json.dumps(statistics))},
    }
    shop.sagemaker.create_data_quality_job_definition(
        JobDefinitionName="quality",
        DataQualityAppSpecification={"ImageUri": ANALYZER},
        DataQualityBaselineConfig=baseline,
        DataQualityJobInput={"EndpointInput": {"EndpointName": "shop", "LocalPath": LOCAL}},
        DataQualityJobOutputConfig=output("quality"),
        JobResources=RESOURCES,
        RoleArn=ROLE,
    )
    shop.schedule("quality", "DataQuality")
    return shop.executed("quality")


def test_moved_data_are_violations(shop: Shop, execution: dict[str, Any]) -> None:
    assert execution["MonitoringExecutionStatus"] == "CompletedWithViolations", execution.get("FailureReason")
    assert execution["EndpointName"] == "shop"
    assert execution["MonitoringType"] == "DataQuality"
    described = shop.sagemaker.describe_monitoring_schedule(MonitoringScheduleName="quality")
    job = shop.job(execution)
    assert job["MonitoringScheduleArn"] == described["MonitoringScheduleArn"]
    assert job["ProcessingJobName"].startswith(f"model-monitoring-{execution['ScheduledTime']:%Y%m%d%H%M}-")
    assert job["ExitMessage"].startswith("CompletedWithViolations")
    folder = f"reports/quality/shop/quality/{execution['ScheduledTime']:%Y/%m/%d/%H}"
    found = {each["feature_name"] for each in shop.document(f"{folder}/constraint_violations.json")["violations"]}
    assert "price" in found
    assert "size" not in found
    # The captured event of two hours ago lies in the same folder and is outside the window.
    assert shop.document(f"{folder}/statistics.json")["dataset"]["item_count"] == 60
    listed = shop.sagemaker.list_monitoring_executions(MonitoringScheduleName="quality")["MonitoringExecutionSummaries"]
    assert listed == [execution]
    (summary,) = shop.sagemaker.list_monitoring_schedules(
        EndpointName="shop",
        MonitoringTypeEquals="DataQuality",
        MonitoringJobDefinitionName="quality",
        StatusEquals="Scheduled",
    )["MonitoringScheduleSummaries"]
    assert summary["MonitoringScheduleArn"] == described["MonitoringScheduleArn"]
    assert (summary["EndpointName"], summary["MonitoringJobDefinitionName"]) == ("shop", "quality")


def test_metrics_are_in_cloudwatch(shop: Shop, execution: dict[str, Any]) -> None:
    assert execution["MonitoringExecutionStatus"] == "CompletedWithViolations"
    dimensions = [{"Name": "Endpoint", "Value": "shop"}, {"Name": "MonitoringSchedule", "Value": "quality"}]
    found = shop.cloudwatch.get_metric_statistics(
        Namespace="aws/sagemaker/Endpoints/data-metrics",
        MetricName="feature_baseline_drift_price",
        Dimensions=dimensions,
        StartTime=shop.moment - timedelta(hours=3),
        EndTime=shop.moment + timedelta(hours=3),
        Period=3600,
        Statistics=["Maximum"],
    )["Datapoints"]
    assert found[0]["Maximum"] > 0.5
    by_feature = shop.cloudwatch.list_metrics(
        Namespace="aws/sagemaker/Endpoints/data-metrics",
        MetricName="feature_data_size",
        Dimensions=[*dimensions, {"Name": "Feature", "Value": "size"}],
    )
    assert by_feature["Metrics"]


def test_the_alert_tells_of_it(shop: Shop, execution: dict[str, Any]) -> None:
    assert execution["MonitoringExecutionStatus"] == "CompletedWithViolations"
    client = shop.sagemaker
    (alert,) = client.list_monitoring_alerts(MonitoringScheduleName="quality")["MonitoringAlertSummaries"]
    assert alert["AlertStatus"] == "InAlert"
    name = alert["MonitoringAlertName"]
    history = client.list_monitoring_alert_history(MonitoringScheduleName="quality")["MonitoringAlertHistory"]
    assert [(each["MonitoringAlertName"], each["AlertStatus"]) for each in history] == [(name, "InAlert")]
    for points, code in ((3, "ValidationException"), (2, None)):
        asked = {"MonitoringScheduleName": "quality", "DatapointsToAlert": points, "EvaluationPeriod": 2}
        if code is None:
            client.update_monitoring_alert(MonitoringAlertName=name, **asked)
            continue
        with pytest.raises(ClientError) as raised:
            client.update_monitoring_alert(MonitoringAlertName=name, **asked)
        assert raised.value.response["Error"]["Code"] == code
    with pytest.raises(ClientError) as raised:
        client.update_monitoring_alert(MonitoringAlertName="other", **asked)
    assert raised.value.response["Error"]["Code"] == "ResourceNotFound"
    # One of two executions is not enough any more: the next good one, or this one's next judgement, says OK.
    (alert,) = client.list_monitoring_alerts(MonitoringScheduleName="quality")["MonitoringAlertSummaries"]
    assert (alert["DatapointsToAlert"], alert["EvaluationPeriod"]) == (2, 2)


def test_quality_of_the_model_after_a_merge(shop: Shop) -> None:
    constraint = {"accuracy": {"threshold": 0.9, "comparison_operator": "LessThanThreshold"}}
    constraints = {"version": 0.0, "binary_classification_constraints": constraint}
    uri = shop.put("baseline/quality/constraints.json", json.dumps(constraints))
    shop.sagemaker.create_model_quality_job_definition(
        JobDefinitionName="model",
        ModelQualityAppSpecification={"ImageUri": ANALYZER, "ProblemType": "BinaryClassification"},
        ModelQualityBaselineConfig={"ConstraintsResource": {"S3Uri": uri}},
        ModelQualityJobInput={
            "EndpointInput": {"EndpointName": "shop", "LocalPath": LOCAL, "InferenceAttribute": "0"},
            "GroundTruthS3Input": {"S3Uri": "s3://job-data/truth"},
        },
        ModelQualityJobOutputConfig=output("model"),
        JobResources=RESOURCES,
        RoleArn=ROLE,
    )
    shop.schedule("model", "ModelQuality")
    execution = shop.executed("model")
    assert execution["MonitoringExecutionStatus"] == "CompletedWithViolations", execution.get("FailureReason")
    job = shop.job(execution)
    assert job["ProcessingJobName"].startswith("model-quality-monitoring-")
    merge = job["ProcessingJobName"].replace("model-quality-monitoring", "groundtruth-merge")
    merged = shop.sagemaker.describe_processing_job(ProcessingJobName=merge)
    assert merged["ExitMessage"] == "Completed: 60 of 60 captured events were merged with their labels."
    assert merged["MonitoringScheduleArn"] == job["MonitoringScheduleArn"]
    folder = f"reports/model/shop/model/{execution['ScheduledTime']:%Y/%m/%d/%H}"
    statistics = shop.document(f"{folder}/statistics.json")
    assert statistics["binary_classification_metrics"]["accuracy"]["value"] == pytest.approx(40 / 60)
    metrics = shop.cloudwatch.list_metrics(Namespace="aws/sagemaker/Endpoints/model-metrics", MetricName="accuracy")
    assert metrics["Metrics"][0]["Dimensions"][1] == {"Name": "MonitoringSchedule", "Value": "model"}


def test_bias_by_the_captured_predictions(shop: Shop) -> None:
    config = {
        "headers": ["sold", "price", "size"],
        "label": "sold",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "size", "value_or_threshold": [0]}],
    }
    shop.sagemaker.create_model_bias_job_definition(
        JobDefinitionName="bias",
        ModelBiasAppSpecification={
            "ImageUri": CLARIFY,
            "ConfigUri": shop.put("bias/analysis_config.json", json.dumps(config)),
        },
        ModelBiasJobInput={
            "EndpointInput": {"EndpointName": "shop", "LocalPath": LOCAL, "InferenceAttribute": "0"},
            "GroundTruthS3Input": {"S3Uri": "s3://job-data/truth"},
        },
        ModelBiasJobOutputConfig=output("bias"),
        JobResources=RESOURCES,
        RoleArn=ROLE,
    )
    shop.schedule("bias", "ModelBias")
    execution = shop.executed("bias")
    assert execution["MonitoringExecutionStatus"] == "Completed", execution.get("FailureReason")
    document = shop.document(f"reports/bias/shop/bias/{execution['ScheduledTime']:%Y/%m/%d/%H}/analysis.json")
    (entry,) = document["post_training_bias_metrics"]["facets"]["size"]
    values = {each["name"]: each["value"] for each in entry["metrics"]}
    # Every captured prediction is 1: no group is preferred by them, though the labels differ.
    assert values["DPPL"] == pytest.approx(0)
    found = shop.cloudwatch.list_metrics(
        Namespace="aws/sagemaker/Endpoints/bias-metrics", MetricName="bias_metric_DPPL"
    )
    dimensions = {each["Name"]: each["Value"] for each in found["Metrics"][0]["Dimensions"]}
    assert dimensions["BiasStage"] == "Post-Training"
    assert dimensions["Facet"] == "size"


def test_no_data_in_the_window(shop: Shop, execution: dict[str, Any]) -> None:
    assert execution
    earlier = {"ScheduleExpression": "NOW", "DataAnalysisStartTime": "-PT9H", "DataAnalysisEndTime": "-PT8H"}
    shop.sagemaker.create_monitoring_schedule(
        MonitoringScheduleName="empty",
        MonitoringScheduleConfig={
            "ScheduleConfig": earlier, "MonitoringJobDefinitionName": "quality", "MonitoringType": "DataQuality",
        },
    )  # fmt: skip
    found = shop.executed("empty")
    assert (found["MonitoringExecutionStatus"], found["FailureReason"]) == ("Failed", "Job inputs had no data")
    assert "ProcessingJobArn" not in found
    shop.sagemaker.delete_monitoring_schedule(MonitoringScheduleName="empty")
    with pytest.raises(ClientError) as raised:
        shop.sagemaker.describe_monitoring_schedule(MonitoringScheduleName="empty")
    assert raised.value.response["Error"]["Code"] == "ResourceNotFound"
    # AWS: "This does not delete the job execution history of the monitoring schedule."
    kept = shop.sagemaker.list_monitoring_executions(MonitoringScheduleName="empty", StatusEquals="Failed")
    assert len(kept["MonitoringExecutionSummaries"]) == 1


@pytest.mark.parametrize(
    ("expression", "more", "said"),
    [
        ("cron(5 * ? * * *)", {}, "is not supported"),
        ("cron(0 24 ? * * *)", {}, "is not supported"),
        ("rate(1 hour)", {}, "is not supported"),
        ("NOW", {}, "must be given when ScheduleExpression is NOW"),
        ("NOW", {"DataAnalysisStartTime": "-PT1H", "DataAnalysisEndTime": "-PT2H"}, "must precede"),
        ("NOW", {"DataAnalysisStartTime": "5 hours", "DataAnalysisEndTime": "-PT2H"}, "is not an offset"),
        ("cron(0 * ? * * *)", {"DataAnalysisStartTime": "-P2D", "DataAnalysisEndTime": "-PT2H"}, "24 hours"),
    ],
)  # fmt: skip
def test_what_cannot_be_scheduled(
    shop: Shop, execution: dict[str, Any], expression: str, more: dict[str, str], said: str
) -> None:
    assert execution
    with pytest.raises(ClientError, match=said) as raised:
        shop.sagemaker.create_monitoring_schedule(
            MonitoringScheduleName="wrong",
            MonitoringScheduleConfig={
                "ScheduleConfig": {"ScheduleExpression": expression, **more},
                "MonitoringJobDefinitionName": "quality",
                "MonitoringType": "DataQuality",
            },
        )
    assert raised.value.response["Error"]["Code"] == "ValidationException"
    names = [
        each["MonitoringScheduleName"]
        for each in shop.sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"]
    ]
    assert "wrong" not in names


def inline(start: str = "cron(0 * ? * * *)") -> dict[str, Any]:
    """A configuration with its definition in it, over batch transform jobs that there are none of."""
    return {
        "ScheduleConfig": {"ScheduleExpression": start},
        "MonitoringJobDefinition": {
            "MonitoringInputs": [
                {
                    "BatchTransformInput": {
                        "DataCapturedDestinationS3Uri": "s3://job-data/batches",
                        "DatasetFormat": {"Csv": {"Header": True}},
                        "LocalPath": LOCAL,
                    }
                }
            ],
            "MonitoringOutputConfig": output("batches"),
            "MonitoringResources": RESOURCES,
            "MonitoringAppSpecification": {"ImageUri": ANALYZER},
            "RoleArn": ROLE,
        },
    }


@pytest.fixture
def before_the_hour(tmp_path: Path, gateway_url: str) -> Iterator[tuple[Services, datetime]]:
    """A services process for whose schedules it is ten minutes before a full hour, and that hour."""
    hour = (time.time() // 3600 + 2) * 3600
    running = Services(tmp_path, gateway_url, environment=clock(hour - 600))
    yield running.start(), datetime.fromtimestamp(hour, UTC)
    running.stop()


def clock(moment: float) -> dict[str, str]:
    """The variable by which it is that moment for the schedules of a process that is started now."""
    return {"PENSTOCK_MONITORING_AHEAD_SECONDS": str(moment - time.time())}


def test_an_hourly_run_is_done_once_though_the_process_was_killed(
    before_the_hour: tuple[Services, datetime],
) -> None:
    services, hour = before_the_hour
    client = services.client()
    client.create_monitoring_schedule(MonitoringScheduleName="hourly", MonitoringScheduleConfig=inline())
    described = until(
        lambda: client.describe_monitoring_schedule(MonitoringScheduleName="hourly"),
        lambda found: found["MonitoringScheduleStatus"] == "Scheduled",
    )
    assert described["MonitoringType"] == "DataQuality"
    assert "LastMonitoringExecutionSummary" not in described
    services.kill()
    services.environment = clock(hour.timestamp() + 1)

    def ended() -> list[Any]:
        listed = client.list_monitoring_executions(MonitoringScheduleName="hourly")["MonitoringExecutionSummaries"]
        return [each for each in listed if each["MonitoringExecutionStatus"] in ENDED]

    for _ in range(2):
        services.start()
        executions = until(ended)
        assert [each["ScheduledTime"] for each in executions] == [hour]
        assert executions[0]["FailureReason"] == "Job inputs had no data"
        services.stop()


def test_an_execution_is_stopped_with_its_job_and_fails_with_the_process(
    before_the_hour: tuple[Services, datetime],
) -> None:
    services, _ = before_the_hour
    services.image(wait="import time; time.sleep(60)")
    client, s3 = services.client(), services.aws("s3")
    moment = datetime.now(UTC) + timedelta(seconds=float(services.environment["PENSTOCK_MONITORING_AHEAD_SECONDS"]))
    s3.put_object(Bucket="job-data", Key="slow/data/a.csv", Body=b"a\n1\n")
    manifest = json.dumps([{"prefix": "s3://job-data/slow/data/"}, "a.csv"]).encode()
    s3.put_object(Bucket="job-data", Key=f"slow/captured/input/{moment:%Y/%m/%d/%H}/a.json", Body=manifest)
    config = inline()
    config["ScheduleConfig"] = ONCE
    definition = config["MonitoringJobDefinition"]
    definition["MonitoringInputs"][0]["BatchTransformInput"]["DataCapturedDestinationS3Uri"] = (
        "s3://job-data/slow/captured"
    )
    definition["MonitoringAppSpecification"] = {"ImageUri": IMAGE, "ContainerEntrypoint": ["wait"]}
    shop = Shop(services)
    for name in ("stopped", "killed"):
        client.create_monitoring_schedule(MonitoringScheduleName=name, MonitoringScheduleConfig=config)
        last = until(
            lambda which=name: client.describe_monitoring_schedule(  # type: ignore[misc]
                MonitoringScheduleName=which
            ).get("LastMonitoringExecutionSummary", {}),
            lambda found: "ProcessingJobArn" in found,
        )
        assert last["MonitoringExecutionStatus"] == "InProgress", last
        if name == "stopped":
            client.stop_processing_job(ProcessingJobName=last["ProcessingJobArn"].rpartition("/")[2])
            assert shop.executed(name)["MonitoringExecutionStatus"] == "Stopped"
    services.kill()
    services.start()
    execution = shop.executed("killed")
    assert execution["MonitoringExecutionStatus"] == "Failed"
    assert "the local cloud stopped" in execution["FailureReason"]
    (alert,) = client.list_monitoring_alerts(MonitoringScheduleName="killed")["MonitoringAlertSummaries"]
    assert alert["AlertStatus"] == "InAlert"


def test_stop_start_and_update(shop: Shop) -> None:
    client, name = shop.sagemaker, "changed"

    def settled() -> dict[str, Any]:
        described: dict[str, Any] = until(
            lambda: client.describe_monitoring_schedule(MonitoringScheduleName=name),
            lambda found: found["MonitoringScheduleStatus"] != "Pending",
        )
        return described

    created = client.create_monitoring_schedule(MonitoringScheduleName=name, MonitoringScheduleConfig=inline())
    assert settled()["MonitoringScheduleStatus"] == "Scheduled"
    client.stop_monitoring_schedule(MonitoringScheduleName=name)
    assert settled()["MonitoringScheduleStatus"] == "Stopped"
    daily = inline("cron(0 12 ? * * *)")
    updated = client.update_monitoring_schedule(MonitoringScheduleName=name, MonitoringScheduleConfig=daily)
    assert updated["MonitoringScheduleArn"] == created["MonitoringScheduleArn"]
    described = settled()
    assert described["MonitoringScheduleStatus"] == "Stopped"
    assert described["MonitoringScheduleConfig"]["ScheduleConfig"] == {"ScheduleExpression": "cron(0 12 ? * * *)"}
    client.start_monitoring_schedule(MonitoringScheduleName=name)
    assert settled()["MonitoringScheduleStatus"] == "Scheduled"
    client.delete_monitoring_schedule(MonitoringScheduleName=name)
    for call in (client.start_monitoring_schedule, client.stop_monitoring_schedule, client.list_monitoring_alerts):
        with pytest.raises(ClientError) as raised:
            call(MonitoringScheduleName=name)
        assert raised.value.response["Error"]["Code"] == "ResourceNotFound"
