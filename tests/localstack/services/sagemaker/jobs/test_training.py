"""Training jobs: checkpoints, spot, metrics, retries. What jobs of all kinds share: ../../test_jobs.py."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
import uuid
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.sagemaker.jobs.training_jobs import (
    IMAGE,
    channel,
    completed,
    describe,
    ended,
    log,
    model,
    prepare,
    request,
    resources,
    run,
    statuses,
)
from tests.localstack.services.waiting import until

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module", params=["own", "no-namespaces"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def sagemaker(jobs: Any) -> Any:
    return prepare(jobs)


def test_checkpoints_are_copied_while_the_job_runs(jobs: Any, sagemaker: Any) -> None:
    s3 = jobs.aws("s3")
    where = f"checkpoints/{uuid.uuid4().hex}"
    s3.put_object(Bucket="job-data", Key=f"{where}/epoch-1", Body=b"from before")
    code = """
assert read("checkpointconfig")["LocalPath"] == "/opt/ml/checkpoints/own" or base != "/opt/ml"
with open(f"{base}/checkpoints/own/epoch-1") as file:
    assert file.read() == "from before"
write("checkpoints/own/deep/epoch-2", "new")
write("output/tensorboard/events", "board")
print("ready", flush=True)
time.sleep(300)
"""
    asked = request(
        code,
        CheckpointConfig={"S3Uri": f"s3://job-data/{where}/", "LocalPath": "/opt/ml/checkpoints/own"},
        TensorBoardOutputConfig={"S3OutputPath": "s3://job-data/boards"},
    )
    sagemaker.create_training_job(**asked)
    keys = until(
        lambda: [item["Key"] for item in s3.list_objects_v2(Bucket="job-data", Prefix=where)["Contents"]],
        lambda found: len(found) == 2 or describe(sagemaker, asked)["TrainingJobStatus"] != "InProgress",
    )
    assert keys == [f"{where}/deep/epoch-2", f"{where}/epoch-1"], describe(sagemaker, asked).get("FailureReason")
    assert describe(sagemaker, asked)["SecondaryStatus"] == "Training"
    sagemaker.stop_training_job(TrainingJobName=asked["TrainingJobName"])
    assert ended(sagemaker, asked)["TrainingJobStatus"] == "Stopped"
    board = f"boards/{asked['TrainingJobName']}/tensorboard-output/events"
    assert s3.get_object(Bucket="job-data", Key=board)["Body"].read() == b"board"


def interrupt(jobs: Any, name: str) -> int:
    url = f"{jobs.url}/_penstock/training-jobs/{name}/interrupt"
    with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=10) as answer:
        return int(answer.status)


def test_managed_spot_training_is_interrupted_on_request(jobs: Any, sagemaker: Any) -> None:
    code = """
def done():
    try:
        with open(f"{base}/checkpoints/done") as file:
            return int(file.read())
    except OSError:
        return 0
def save(*_):
    write("checkpoints/done", str(done() + 1))
    write("model/left-behind", "by an attempt that was interrupted")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print(f"attempt {done()}", flush=True)
if done() < 2:
    time.sleep(300)
time.sleep(1)
write("model/model", f"after {done()} interruptions")
"""
    spot = {
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
        "CheckpointConfig": {"S3Uri": f"s3://job-data/checkpoints/{uuid.uuid4().hex}"},
    }
    asked = request(code, **spot)
    name = asked["TrainingJobName"]
    sagemaker.create_training_job(**asked)
    for attempt in range(2):
        until(lambda: log(jobs, name), lambda text, number=attempt: f"attempt {number}" in text)  # type: ignore[misc]
        assert interrupt(jobs, name) == 202
    job = ended(sagemaker, asked)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    again = ["Interrupted", "Starting", "Downloading", "Training"]
    assert statuses(job) == ["Starting", "Downloading", "Training", *again, *again, "Uploading", "Completed"]
    assert model(jobs, job) == {"model": "after 2 interruptions"}
    assert job["BillableTimeInSeconds"] < job["TrainingTimeInSeconds"]
    with pytest.raises(urllib.error.HTTPError, match="400"):
        interrupt(jobs, name)


def test_spot_training_waits_only_so_long(jobs: Any, sagemaker: Any) -> None:
    limits = {"MaxRuntimeInSeconds": 2, "MaxWaitTimeInSeconds": 2}
    asked = request("time.sleep(300)", EnableManagedSpotTraining=True, StoppingCondition=limits)
    job = run(sagemaker, asked)
    assert job["TrainingJobStatus"] == "Stopped"
    assert job["SecondaryStatus"] == "MaxWaitTimeExceeded"
    for wrong in ({"MaxRuntimeInSeconds": 5}, {"MaxRuntimeInSeconds": 5, "MaxWaitTimeInSeconds": 4}):
        with pytest.raises(ClientError, match="Invalid MaxWaitTimeInSeconds"):
            sagemaker.create_training_job(**request("", EnableManagedSpotTraining=True, StoppingCondition=wrong))
    with pytest.raises(ClientError, match="only allowed when EnableManagedSpotTraining"):
        sagemaker.create_training_job(**request("", StoppingCondition=limits))


def test_metrics(jobs: Any, sagemaker: Any) -> None:
    definitions = [
        {"Name": "loss", "Regex": "loss=([0-9.eE+-]+)"},
        {"Name": "accuracy", "Regex": "accuracy: (.*?);"},
        {"Name": "broken", "Regex": "("},
    ]
    algorithm = {"TrainingImage": IMAGE, "TrainingInputMode": "File", "MetricDefinitions": definitions}
    code = "print('loss=0.5 loss=2.5e-1'); print('accuracy: high;'); print('accuracy: 0.75;')"
    job = completed(sagemaker, request(code, AlgorithmSpecification=algorithm))
    assert {each["MetricName"]: each["Value"] for each in job["FinalMetricDataList"]} == {
        "loss": 0.25,
        "accuracy": 0.75,
    }
    cloudwatch, name = jobs.aws("cloudwatch"), job["TrainingJobName"]
    for dimension in ({"Name": "TrainingJobName", "Value": name}, {"Name": "Host", "Value": f"{name}/algo-1"}):
        until(
            lambda which=dimension: cloudwatch.list_metrics(  # type: ignore[misc]
                Namespace="/aws/sagemaker/TrainingJobs", Dimensions=[which]
            )["Metrics"],
            lambda found: {each["MetricName"] for each in found} == {"loss", "accuracy"},
        )


def test_internal_errors_are_tried_again(jobs: Any, sagemaker: Any) -> None:
    key = f"attempts/{uuid.uuid4().hex}"
    code = f"""
import boto3
from botocore.exceptions import ClientError
where = dict(Bucket="job-data", Key="{key}")
s3 = boto3.client("s3")
try:
    s3.head_object(**where)
except ClientError:
    s3.put_object(**where)
    print("ready", flush=True)
    time.sleep(300)
"""
    asked = request(code, RetryStrategy={"MaximumRetryAttempts": 1})
    name = asked["TrainingJobName"]
    sagemaker.create_training_job(**asked)
    until(lambda: log(jobs, name), lambda text: "ready" in text)
    for process in psutil.Process(jobs.process.pid).children():
        with contextlib.suppress(psutil.Error):
            if any(name in word for word in process.cmdline()):
                process.kill()
    job = ended(sagemaker, asked)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert "Restarting" in statuses(job)


def test_limits_are_those_of_the_instance(jobs: Any, sagemaker: Any) -> None:
    job = completed(sagemaker, request("pass", ResourceConfig={**resources(1), "InstanceType": "ml.t3.medium"}))
    spec = json.loads((jobs.state_dir / "jobs" / job["TrainingJobName"] / "launch.json").read_text())
    assert (spec["memory"], spec["volume"]) == (min(4 << 30, int(psutil.virtual_memory().total * 0.8)), 1 << 30)


def test_a_model_that_is_not_packed(jobs: Any, sagemaker: Any) -> None:
    asked = request("write('model/deep/weights', '1')")
    asked["OutputDataConfig"] = {"S3OutputPath": "s3://job-data/trained", "CompressionType": "NONE"}
    job = completed(sagemaker, asked)
    uri = f"s3://job-data/trained/{asked['TrainingJobName']}/output/model"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == uri
    key = f"trained/{asked['TrainingJobName']}/output/model/deep/weights"
    assert jobs.aws("s3").get_object(Bucket="job-data", Key=key)["Body"].read() == b"1"


def test_the_reason_of_a_failure_is_short(sagemaker: Any) -> None:
    job = run(sagemaker, request("write('output/failure', 'x' * 5000); sys.exit(5)"))
    assert len(job["FailureReason"]) == 1024
    assert job["FailureReason"].endswith(", exit code: 5")


def test_an_algorithm_resource(jobs: Any, sagemaker: Any) -> None:
    name = f"algorithm-{uuid.uuid4().hex[:8]}"
    sagemaker.create_algorithm(
        AlgorithmName=name,
        TrainingSpecification={
            "TrainingImage": IMAGE,
            "SupportedTrainingInstanceTypes": ["ml.m5.large"],
            "TrainingChannels": [
                {"Name": "train", "SupportedContentTypes": ["text/csv"], "SupportedInputModes": ["File"]}
            ],
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
            "SupportedHyperParameters": [
                {"Name": "depth", "Type": "Integer", "DefaultValue": "6"},
                {"Name": "code", "Type": "FreeText", "IsRequired": True},
            ],
        },
    )
    asked = request(
        "print('loss=0.5'); write('model/depth', read('hyperparameters')['depth'])",
        AlgorithmSpecification={"AlgorithmName": name, "TrainingInputMode": "File"},
    )
    job = completed(sagemaker, asked)
    assert model(jobs, job) == {"depth": "6"}
    assert [each["MetricName"] for each in job["FinalMetricDataList"]] == ["loss"]
    assert job["HyperParameters"] == asked["HyperParameters"]
    with pytest.raises(ClientError, match="requires the hyperparameters code"):
        sagemaker.create_training_job(**{**asked, "TrainingJobName": "no-code", "HyperParameters": {}})


def test_updates_and_warm_pools(sagemaker: Any) -> None:
    asked = request("pass", ResourceConfig={**resources(1), "KeepAlivePeriodInSeconds": 600})
    job = completed(sagemaker, asked)
    name = asked["TrainingJobName"]
    assert job["WarmPoolStatus"] == {"Status": "Available"}
    with pytest.raises(ClientError, match="warm pool"):
        sagemaker.delete_training_job(TrainingJobName=name)
    with pytest.raises(ClientError, match="Completed"):
        sagemaker.update_training_job(TrainingJobName=name, ProfilerConfig={"DisableProfiler": True})
    sagemaker.update_training_job(TrainingJobName=name, ResourceConfig={"KeepAlivePeriodInSeconds": 0})
    job = until(lambda: describe(sagemaker, asked), lambda found: found["WarmPoolStatus"]["Status"] == "Terminated")
    assert job["ResourceConfig"] == {**resources(1), "KeepAlivePeriodInSeconds": 0}
    sagemaker.delete_training_job(TrainingJobName=name)
    with pytest.raises(ClientError, match="not found"):
        describe(sagemaker, asked)


def wrong_channel(**more: Any) -> dict[str, Any]:
    return {"InputDataConfig": [channel("train", **more)]}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"AlgorithmSpecification": {"TrainingInputMode": "File"}}, "Either AlgorithmSpecification.TrainingImage"),
        ({"InputDataConfig": [channel("a"), channel("a")]}, "there twice"),
        (wrong_channel(source={"S3DataType": "AugmentedManifestFile"}), "input mode is Pipe"),
        (wrong_channel(InputMode="Pipe", source={"S3DataType": "AugmentedManifestFile"}), "AttributeNames"),
        (wrong_channel(source={"InstanceGroupNames": ["none"]}), "does not have"),
        (wrong_channel(RecordWrapperType="RecordIO"), "input mode is Pipe"),
        ({"CheckpointConfig": {"S3Uri": "s3://job-data/x", "LocalPath": "/etc"}}, "outside of /opt/ml"),
        ({"CheckpointConfig": {"S3Uri": "s3://job-data/x", "LocalPath": "/opt/ml/../../etc"}}, "outside of /opt/ml"),
        (
            {"ResourceConfig": {**resources(1), "InstanceGroups": [
                {"InstanceType": "ml.m5.large", "InstanceCount": 1, "InstanceGroupName": "g"}]}},
            "either InstanceGroups or",
        ),
        ({"ResourceConfig": resources(0)}, "at least 1"),
    ],
)  # fmt: skip
def test_what_is_refused(sagemaker: Any, more: dict[str, Any], message: str) -> None:
    asked = request("pass", **more)
    with pytest.raises(ClientError, match=message):
        sagemaker.create_training_job(**asked)
    with pytest.raises(ClientError):
        describe(sagemaker, asked)
