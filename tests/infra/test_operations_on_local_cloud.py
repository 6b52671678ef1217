"""What watches over a stack, on a local cloud: endpoints that really go off and come back, by functions that really run."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
import pytest
from tests.local_cloud import running

from penstock_deploy import Deployment, Result
from penstock_infra.functions import idle_endpoints

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

REPOSITORY = "000000000000.dkr.ecr.us-east-1.amazonaws.com/toy"
ROLE = "arn:aws:iam::000000000000:role/toy"
VARIANT = {
    "VariantName": "AllTraffic",
    "ModelName": "toy",
    "InstanceType": "ml.m5.large",
    "InitialInstanceCount": 1,
}
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://artifacts/capture/toy",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
}
SERVE = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.end_headers()
        self.wfile.write(b"0.5")
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""
PROGRAM = """
import pulumi
from penstock_infra.components.data_key import DataKey, DataKeyArguments
from penstock_infra.components.data_quality_monitor import DataQualityMonitor, DataQualityMonitorArguments
from penstock_infra.components.drift_alarm import DriftAlarm, DriftAlarmArguments
from penstock_infra.components.drift_monitor import DriftMonitor, DriftMonitorArguments
from penstock_infra.components.idle_endpoints import IdleEndpoints, IdleEndpointsArguments
from penstock_infra.components.model_dashboard import ModelDashboard, ModelDashboardArguments
from penstock_infra.components.nightly_off import NightlyOff, NightlyOffArguments
from penstock_infra.components.notification_topic import NotificationTopic, NotificationTopicArguments
from penstock_infra.components.operations_dashboard import OperationsDashboard, OperationsDashboardArguments
from penstock_infra.components.permissions_boundary import PermissionsBoundary, PermissionsBoundaryArguments
from penstock_infra.components.retrain_trigger import RetrainTrigger, RetrainTriggerArguments
from penstock_infra.components.ttl_cleaner import TtlCleaner, TtlCleanerArguments
from penstock_infra.placement import Placement
from penstock_infra.tags import Tags

config = pulumi.Config()
placement = Placement(account="000000000000", region="us-east-1", stack="dev", protect=False, force_destroy=True,
    tags=Tags(project="toy", environment="dev", owner="ana", cost_center=config.get("costCenter") or "1"))
key = DataKey("messages", DataKeyArguments(placement=placement, purpose="messages", description="Messages",
    publishers=("cloudwatch.amazonaws.com",)))
topic = NotificationTopic("alarms", NotificationTopicArguments(placement=placement, purpose="alarms",
    publishers=("cloudwatch",), key_arn=key.arn))
boundary = PermissionsBoundary("boundary", PermissionsBoundaryArguments(placement=placement))
common = {"placement": placement, "topic_arn": topic.arn, "permissions_boundary_arn": boundary.arn}
nightly = NightlyOff("nightly-off", NightlyOffArguments(**common, key_arn=key.arn,
    off=config.get("off") or "cron(0 20 * * ? *)", on=config.get("on") or "cron(0 7 ? * MON-FRI *)",
    timezone=config.get("zone") or "Europe/Berlin"))
idle = IdleEndpoints("idle", IdleEndpointsArguments(**common, key_arn=key.arn, hours=int(config.get("hours") or 24)))
cleaner = TtlCleaner("cleaner", TtlCleanerArguments(**common, key_arn=key.arn, stacks=("dev",)))
drift = DriftMonitor("toy", DriftMonitorArguments(**common, model="toy", artifact_bucket="artifacts",
    version_arns=placement.arn("sagemaker", "model-package/toy/*"),
    job_role_arn="arn:aws:iam::000000000000:role/toy", data_key_arn=key.arn, artifact_key_arn=key.arn, minimum_rows=1))
alarm = DriftAlarm("toy", DriftAlarmArguments(placement=placement, model="toy", topic_arn=topic.arn))
RetrainTrigger("toy", RetrainTriggerArguments(placement=placement, model="toy", parameters={"Rounds": "7"},
    schedule="cron(0 3 1 * ? *)", permissions_boundary_arn=boundary.arn))
ModelDashboard("toy", ModelDashboardArguments(placement=placement, model="toy", endpoint_name="toy",
    features=("distance",), alarm_arns=(alarm.arn,)))
if config.get("watched"):
    DataQualityMonitor("toy", DataQualityMonitorArguments(placement=placement, model="toy",
        endpoint_name=config.require("watched"), constraints_uri="s3://artifacts/baseline/constraints.json",
        statistics_uri=config.get("statistics") or "s3://artifacts/baseline/statistics.json",
        image_uri="156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer",
        report_bucket="artifacts", role_arn="arn:aws:iam::000000000000:role/toy", data_key_arn=key.arn,
        artifact_key_arn=key.arn))
functions = (nightly.function_name, idle.function_name, cleaner.function_name)
OperationsDashboard("operations", OperationsDashboardArguments(placement=placement, function_names=functions))
pulumi.export("topic", topic.arn)
pulumi.export("key", key.arn)
pulumi.export("functions", dict(zip(("nightly", "idle", "cleaner", "drift"), (*functions, drift.function_name))))
"""


class Cloud:
    """A local cloud with a toy image and one stack of operations."""

    def __init__(self, state: Path, environment: dict[str, str]) -> None:
        self.environment = environment
        self.folder = state / "program"
        self.folder.mkdir()
        (self.folder / "Pulumi.yaml").write_text("name: operations\nruntime: python\n")
        (self.folder / "__main__.py").write_text(PROGRAM)
        programs = state / "toy"
        programs.mkdir()
        (programs / "serve").write_text(f"#!{sys.executable}\n{SERVE}")
        (programs / "serve").chmod(0o755)
        digest = "b" * 64
        record = {
            "repository": REPOSITORY,
            "digest": f"sha256:{digest}",
            "tags": ["v1"],
            "python": sys.executable,
            "path": [str(programs), str(Path(sys.executable).parent)],
            "environment": {},
            "entrypoint": None,
        }
        images = state / "images"
        images.mkdir(exist_ok=True)
        (images / f"{digest}.json").write_text(json.dumps(record))

    def stack(self, **configuration: str) -> Deployment:
        return Deployment(self.folder, "dev", environment=self.environment, configuration=configuration)

    def client(self, service: str) -> Any:
        runtime = self.environment["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"]
        return boto3.client(
            service,
            endpoint_url=runtime if service == "sagemaker-runtime" else self.environment["AWS_ENDPOINT_URL"],
            region_name="us-east-1",
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )

    def endpoint(self, name: str, configuration: str = "toy-configuration", **tags: str) -> None:
        """An endpoint of the toy model, being made."""
        self.client("sagemaker").create_endpoint(
            EndpointName=name,
            EndpointConfigName=configuration,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )

    def endpoints(self) -> dict[str, str]:
        """The status of every endpoint."""
        listed = self.client("sagemaker").list_endpoints()["Endpoints"]
        return {item["EndpointName"]: item["EndpointStatus"] for item in listed}

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """What a function answers; its error fails the test."""
        answer = self.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        return payload


def until(done: Callable[[], bool], what: str, seconds: float = 120) -> None:
    limit = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < limit, what
        time.sleep(0.1)


def succeeded(result: Result) -> Result:
    assert result.ok, "\n".join(result.diagnostics)
    return result


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    from penstock_cloud import cloud

    state = tmp_path_factory.mktemp("cloud")
    state.chmod(0o755)
    with running(state) as info:
        yield Cloud(state, {**cloud.environment(info), "PATH": os.environ["PATH"], "HOME": str(state)})


@pytest.fixture(scope="module")
def outputs(cloud: Cloud) -> dict[str, Any]:
    """The stack's outputs once it is up, and the toy model's configuration is there."""
    succeeded(cloud.stack().up())
    cloud.client("s3").create_bucket(Bucket="artifacts")
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model(ModelName="toy", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": f"{REPOSITORY}:v1"})
    sagemaker.create_endpoint_config(EndpointConfigName="toy-configuration", ProductionVariants=[VARIANT])
    sagemaker.create_endpoint_config(
        EndpointConfigName="captured", ProductionVariants=[VARIANT], DataCaptureConfig=CAPTURE
    )
    return cloud.stack().outputs()


def test_unchanged_then_changed_in_place(cloud: Cloud, outputs: dict[str, Any]) -> None:
    assert succeeded(cloud.stack().preview()).changes == []
    assert succeeded(cloud.stack().refresh()).changes == []
    change = cloud.stack(hours="48", costCenter="2", zone="UTC")
    promised = succeeded(change.preview()).counts
    assert (promised["create"], promised["replace"], promised["delete"]) == (0, 0, 0)
    assert promised["update"] > 20
    assert succeeded(change.up()).counts == promised
    assert succeeded(change.refresh()).changes == []
    assert cloud.client("lambda").list_tags(Resource=_arn(outputs["functions"]["idle"]))["Tags"]["CostCenter"] == "2"
    succeeded(cloud.stack().up())


def _arn(function: str) -> str:
    return f"arn:aws:lambda:us-east-1:000000000000:function:{function}"


def test_the_night_takes_the_stacks_endpoints_and_the_morning_brings_them_back(
    cloud: Cloud, outputs: dict[str, Any]
) -> None:
    """By EventBridge Scheduler's clock, which invokes the function, which calls SageMaker."""
    own = {"ManagedBy": "penstock", "Environment": "dev", "CostCenter": "1"}
    cloud.endpoint("tired", **own)
    cloud.endpoint("always", **own, AlwaysOn="true")
    cloud.endpoint("prod", ManagedBy="penstock", Environment="prod")
    cloud.endpoint("foreign")
    until(lambda: set(cloud.endpoints().values()) == {"InService"}, "the endpoints are not in service")

    sunset = f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})"
    succeeded(cloud.stack(off=sunset, zone="UTC").up())
    until(lambda: "tired" not in cloud.endpoints(), f"the endpoint is still there: {cloud.endpoints()}")
    assert set(cloud.endpoints()) == {"always", "prod", "foreign"}

    sunrise = f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})"
    succeeded(cloud.stack(on=sunrise, zone="UTC").up())
    until(lambda: cloud.endpoints().get("tired") == "InService", f"it is not back: {cloud.endpoints()}")
    described = cloud.client("sagemaker").describe_endpoint(EndpointName="tired")
    assert described["EndpointConfigName"] == "toy-configuration"
    tags = cloud.client("sagemaker").list_tags(ResourceArn=described["EndpointArn"])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == own
    answer = cloud.client("sagemaker-runtime").invoke_endpoint(EndpointName="tired", Body=b"1", ContentType="text/csv")
    assert answer["Body"].read() == b"0.5"
    found = cloud.client("ssm").get_parameters_by_path(Path="/penstock/dev/operations/nightly-off")["Parameters"]
    assert found == []
    succeeded(cloud.stack().up())


def test_an_endpoint_that_scales_is_left_on(cloud: Cloud, outputs: dict[str, Any]) -> None:
    cloud.endpoint("scaled", ManagedBy="penstock", Environment="dev")
    until(lambda: set(cloud.endpoints().values()) == {"InService"}, "the endpoint is not in service")
    cloud.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/scaled/variant/AllTraffic",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=1,
        MaxCapacity=2,
    )
    done = cloud.invoke(outputs["functions"]["nightly"], {"action": "off"})
    assert "scaled" not in done["off"]
    assert "scales automatically" in done["kept"]["scaled"]
    assert cloud.endpoints()["scaled"] == "InService"


def test_an_expired_endpoint_goes_and_nothing_else(cloud: Cloud, outputs: dict[str, Any]) -> None:
    own = {"ManagedBy": "penstock", "Environment": "dev"}
    cloud.endpoint("expired", **own, TTL="2020-01-31")
    cloud.endpoint("alive", **own, TTL="14d")
    cloud.endpoint("prod-expired", ManagedBy="penstock", Environment="prod", TTL="2020-01-31")
    until(lambda: set(cloud.endpoints().values()) == {"InService"}, "the endpoints are not in service")
    queue = cloud.client("sqs").create_queue(QueueName="heard")["QueueUrl"]
    cloud.client("sns").subscribe(
        TopicArn=outputs["topic"],
        Protocol="sqs",
        Endpoint="arn:aws:sqs:us-east-1:000000000000:heard",
        Attributes={"RawMessageDelivery": "true"},
    )
    before = set(cloud.endpoints())
    sagemaker = cloud.client("sagemaker")

    done = cloud.invoke(outputs["functions"]["cleaner"], {})

    assert done["deleted"] == {"expired": "dev"}
    assert set(done["kept"]) == {"alive"}
    until(lambda: "expired" not in cloud.endpoints(), "the expired endpoint is still there")
    assert set(cloud.endpoints()) == before - {"expired"}
    configurations = {item["EndpointConfigName"] for item in sagemaker.list_endpoint_configs()["EndpointConfigs"]}
    assert configurations == {"toy-configuration", "captured"}
    assert [item["ModelName"] for item in sagemaker.list_models()["Models"]] == ["toy"]
    heard = cloud.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    assert "  expired (stack dev)\n" in heard[0]["Body"]
    assert "penstock destroy --stack dev" in heard[0]["Body"]
    cloud.client("sqs").delete_queue(QueueUrl=queue)


def test_an_endpoint_is_idle_until_it_is_asked(cloud: Cloud, outputs: dict[str, Any]) -> None:
    """A day from now, as the cloud's own metrics have it: today all are too young to be idle."""
    sagemaker, cloudwatch = cloud.client("sagemaker"), cloud.client("cloudwatch")
    for name in ("silent", "asked"):
        cloud.endpoint(name, ManagedBy="penstock", Environment="dev")
    until(lambda: set(cloud.endpoints().values()) == {"InService"}, "the endpoints are not in service")
    assert cloud.invoke(outputs["functions"]["idle"], {}) == {"idle": []}
    listed = cloudwatch.list_metrics(Namespace="Penstock/Operations", MetricName="IdleEndpoints")["Metrics"]
    assert listed[0]["Dimensions"] == [{"Name": "Stack", "Value": "dev"}]

    tomorrow = datetime.now(UTC) + timedelta(hours=24)

    def idle() -> set[str]:
        return set(idle_endpoints.idle(sagemaker, cloudwatch, "dev", 24, tomorrow))

    assert {"silent", "asked"} <= idle()
    cloud.client("sagemaker-runtime").invoke_endpoint(EndpointName="asked", Body=b"1", ContentType="text/csv")
    until(lambda: "asked" not in idle(), "the request is not in the metrics")
    assert "silent" in idle()


def test_drift_is_found_by_the_clocks_job_and_starts_the_pipeline(cloud: Cloud, outputs: dict[str, Any]) -> None:
    """Requests are captured, the function starts the model's own job, its violations raise the alarm, that the pipeline."""
    function = outputs["functions"]["drift"]
    nothing = cloud.invoke(function, {"time": "2026-11-20T06:00:00Z"})
    assert nothing == {"started": None, "reason": "nothing of toy is live in the stack dev"}
    sagemaker, s3 = cloud.client("sagemaker"), cloud.client("s3")
    definition = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": "Rounds", "Type": "Integer", "DefaultValue": 1}],
        "Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "nothing to do"}}],
    }
    sagemaker.create_pipeline(
        PipelineName="toy", PipelineDefinition=json.dumps(definition), ClientRequestToken="t" * 32, RoleArn=ROLE
    )
    register(cloud)
    cloud.endpoint("toy", "captured")
    until(lambda: cloud.endpoints()["toy"] == "InService", "the endpoint is not in service")
    silent = cloud.invoke(function, {})
    assert silent["reason"].startswith("nothing was captured")
    for _ in range(5):
        cloud.client("sagemaker-runtime").invoke_endpoint(EndpointName="toy", Body=b"900,0", ContentType="text/csv")
    until(
        lambda: "Contents" in s3.list_objects_v2(Bucket="artifacts", Prefix="capture/toy/toy/AllTraffic/"),
        "nothing was captured",
    )

    end = datetime.now(UTC) + timedelta(minutes=1)
    started = cloud.invoke(function, {"time": f"{end:%Y-%m-%dT%H:%M:%SZ}"})["started"]
    assert started == f"toy-drift-{end:%Y%m%d-%H%M%S}"
    again = cloud.invoke(function, {"time": f"{end:%Y-%m-%dT%H:%M:%SZ}"})
    assert again["reason"] == f"{started} was started before"

    def job() -> dict[str, Any]:
        found: dict[str, Any] = sagemaker.describe_processing_job(ProcessingJobName=started)
        return found

    until(lambda: job()["ProcessingJobStatus"] not in ("InProgress", "Stopping"), "the drift job does not end", 120)
    assert job()["ProcessingJobStatus"] == "Completed", (job().get("FailureReason"), job().get("ExitMessage"))
    assert "with 1 violations" in job()["ExitMessage"]
    report = s3.get_object(Bucket="artifacts", Key=f"drift/toy/{started}/constraint_violations.json")["Body"].read()
    assert [item["feature_name"] for item in json.loads(report)["violations"]] == ["distance"]

    def executions() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = sagemaker.list_pipeline_executions(PipelineName="toy")[
            "PipelineExecutionSummaries"
        ]
        return found

    until(lambda: bool(executions()), "the pipeline was not started", 90)
    arn = executions()[0]["PipelineExecutionArn"]
    parameters = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
    assert parameters == [{"Name": "Rounds", "Value": "7"}]


def register(cloud: Cloud) -> None:
    """A version of the toy model, live, with a baseline of distances around 100."""
    from penstock_pipelines.monitoring import baseline

    frame = pd.DataFrame({"distance": range(50, 150), "delay": [0, 1] * 50, "prediction": [0.5] * 100})
    names = ("statistics", "constraints")
    for name, document in zip(names, baseline(frame, ["distance"], 0.15), strict=True):
        cloud.client("s3").put_object(Bucket="artifacts", Key=f"baseline/{name}.json", Body=json.dumps(document))
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="toy")
    arn = sagemaker.create_model_package(
        ModelPackageGroupName="toy",
        InferenceSpecification={
            "Containers": [{"Image": f"{REPOSITORY}:v1", "ModelDataUrl": "s3://artifacts/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        DriftCheckBaselines={
            "ModelDataQuality": {
                name.capitalize(): {"ContentType": "application/json", "S3Uri": f"s3://artifacts/baseline/{name}.json"}
                for name in names
            }
        },
        ModelApprovalStatus="Approved",
    )["ModelPackageArn"]
    cloud.client("ssm").put_parameter(Name="/penstock/dev/toy/model-package-arn", Value=arn, Type="String")


def test_data_quality_is_scheduled_on_the_endpoint(cloud: Cloud, outputs: dict[str, Any]) -> None:
    cloud.endpoint("watched", "captured")
    until(lambda: cloud.endpoints()["watched"] == "InService", "the endpoint is not in service")
    watched = cloud.stack(watched="watched")
    added = succeeded(watched.up()).counts
    assert (added["create"], added["update"], added["replace"]) == (3, 0, 0)
    assert succeeded(watched.refresh()).changes == []
    sagemaker = cloud.client("sagemaker")
    name = "penstock-dev-data-quality-toy"
    described = sagemaker.describe_monitoring_schedule(MonitoringScheduleName=name)
    assert (described["MonitoringScheduleStatus"], described["EndpointName"]) == ("Scheduled", "watched")
    before = described["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"]

    moved = cloud.stack(watched="watched", statistics="s3://artifacts/next/statistics.json")
    foreseen = succeeded(moved.preview()).counts
    assert succeeded(moved.up()).counts == foreseen
    assert (foreseen["replace"], foreseen["update"]) == (1, 1)
    described = sagemaker.describe_monitoring_schedule(MonitoringScheduleName=name)
    after = described["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"]
    assert after != before
    listed = sagemaker.list_data_quality_job_definitions()["JobDefinitionSummaries"]
    assert [item["MonitoringJobDefinitionName"] for item in listed] == [after]
    succeeded(cloud.stack().up())
    assert sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"] == []
    assert sagemaker.list_data_quality_job_definitions()["JobDefinitionSummaries"] == []


def test_destroy_leaves_nothing(cloud: Cloud, outputs: dict[str, Any]) -> None:
    succeeded(cloud.stack().destroy())
    assert cloud.stack().resources() == []
    left = {
        "functions": cloud.client("lambda").list_functions()["Functions"],
        "schedules": cloud.client("scheduler").list_schedules()["Schedules"],
        "rules": cloud.client("events").list_rules()["Rules"],
        "queues": cloud.client("sqs").list_queues().get("QueueUrls", []),
        "topics": cloud.client("sns").list_topics()["Topics"],
        "roles": cloud.client("iam").list_roles()["Roles"],
        "alarms": cloud.client("cloudwatch").describe_alarms()["MetricAlarms"],
        "dashboards": cloud.client("cloudwatch").list_dashboards().get("DashboardEntries", []),
        "logs": cloud.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"],
    }
    assert {kind: found for kind, found in left.items() if found} == {}
