"""Training and processing jobs that really run: as they are, with namespaces denied, and as an ordinary user."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tarfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.waiting import until

pytestmark = pytest.mark.cloud

ROLE = "arn:aws:iam::000000000000:role/training"
REPOSITORY = "000000000000.dkr.ecr.us-east-1.amazonaws.com/models"

TRAIN = """
import json, os, signal, subprocess, sys, time
base = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
def read(name):
    with open(f"{base}/input/config/{name}.json") as file:
        return json.load(file)
parameters, channels, resources = read("hyperparameters"), read("inputdataconfig"), read("resourceconfig")
print("loss=0.5;", flush=True)
print("loss=0.25;", flush=True)
seen = {}
for channel in channels:
    folder = f"{base}/input/data/{channel}"
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            with open(path) as file:
                seen[os.path.relpath(path, base)] = file.read()
with open(f"{base}/model/model.json", "w") as file:
    json.dump({"seen": seen, "parameters": parameters, "host": resources["current_host"], "args": sys.argv[1:],
               "environment": dict(os.environ)}, file)
os.makedirs(f"{base}/output/data", exist_ok=True)
with open(f"{base}/output/data/notes.txt", "w") as file:
    file.write("notes")
mode = parameters.get("mode")
if mode == "raise":
    raise ValueError("the data has no label")
if mode == "failure file":
    with open(f"{base}/output/failure", "w") as file:
        file.write("the label column is missing")
    sys.exit(3)
if mode == "ignore":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if mode == "graceful":
    def stop(*_):
        with open(f"{base}/model/stopped.txt", "w") as file:
            file.write("saved in time")
        sys.exit(0)
    signal.signal(signal.SIGTERM, stop)
if mode in ("sleep", "ignore", "graceful"):
    marker = parameters["marker"]
    subprocess.Popen(["sh", "-c", f"sleep 300; : {marker}"], start_new_session=True)
    print("ready", flush=True)
    time.sleep(300)
"""


@pytest.fixture(scope="module")
def sagemaker(jobs: Any) -> Any:
    jobs.image(train=TRAIN)
    s3 = jobs.aws("s3")
    s3.put_object(Bucket="job-data", Key="data/train/a.csv", Body=b"1,2")
    s3.put_object(Bucket="job-data", Key="data/train/more/b.csv", Body=b"3,4")
    return jobs.client()


def request(image: str = "v1", seconds: int = 60, **parameters: str) -> dict[str, Any]:
    return {
        "TrainingJobName": f"train-{uuid.uuid4().hex[:8]}",
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": f"{REPOSITORY}:{image}",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": r"loss=([0-9.]+);"}],
        },
        "HyperParameters": parameters,
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://job-data/data/train"}},
            }
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://job-data/models"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds},
        "Environment": {"OWN": "value"},
    }


def finished(sagemaker: Any, name: str, seconds: float = 40) -> Any:
    return until(lambda: sagemaker.describe_training_job(TrainingJobName=name), lambda job: job["TrainingJobStatus"]
                 not in ("InProgress", "Stopping"), seconds)  # fmt: skip


def run(sagemaker: Any, asked: dict[str, Any]) -> Any:
    sagemaker.create_training_job(**asked)
    return finished(sagemaker, asked["TrainingJobName"])


def read_archive(jobs: Any, uri: str) -> dict[str, bytes]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    content = jobs.aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]


def processes_with(text: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if text in " ".join(process.cmdline()):
                found.append(process.pid)
    return found


def start_and_wait_until_ready(jobs: Any, sagemaker: Any, mode: str, seconds: int = 60) -> tuple[str, str]:
    marker = f"marker-{uuid.uuid4().hex}"
    asked = request(mode=mode, marker=marker, seconds=seconds)
    name = asked["TrainingJobName"]
    sagemaker.create_training_job(**asked)
    log = jobs.state_dir / "jobs" / name / "log.txt"
    until(lambda: log.read_text() if log.exists() else "", lambda text: "ready" in text)
    return name, marker


def test_a_training_job(jobs: Any, sagemaker: Any, flavour: str) -> None:
    asked = request(mode="fine")
    job = run(sagemaker, asked)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["SecondaryStatus"] == "Completed"
    states = [each["Status"] for each in job["SecondaryStatusTransitions"]]
    assert states == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert all(each["EndTime"] >= each["StartTime"] for each in job["SecondaryStatusTransitions"])
    assert [(each["MetricName"], each["Value"]) for each in job["FinalMetricDataList"]] == [("loss", 0.25)]
    artifact = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert artifact == f"s3://job-data/models/{asked['TrainingJobName']}/output/model.tar.gz"
    model = json.loads(read_archive(jobs, artifact)["model.json"])
    assert model["seen"] == {"input/data/train/a.csv": "1,2", "input/data/train/more/b.csv": "3,4"}
    assert model["parameters"] == {"mode": "fine"}
    assert model["args"] == ["train"] or model["args"] == []
    environment = model["environment"]
    assert environment["TRAINING_JOB_NAME"] == asked["TrainingJobName"]
    assert environment["TRAINING_JOB_ARN"] == job["TrainingJobArn"]
    assert environment["AWS_REGION"] == "us-east-1"
    assert environment["AWS_ENDPOINT_URL"] == jobs.gateway_url
    assert environment["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"] == jobs.url
    assert (environment["OWN"], environment["FROM_IMAGE"]) == ("value", "yes")
    assert ("SAGEMAKER_BASE_DIR" in environment) == (flavour == "no-namespaces")
    assert "PENSTOCK_STEP_SECONDS" not in environment, "nothing of our own process leaks into the job"
    output = artifact.replace("model.tar.gz", "output.tar.gz")
    assert read_archive(jobs, output) == {"notes.txt": b"notes"}
    assert not Path("/opt/ml/model").exists(), "the machine's /opt is untouched"


def test_logs_reach_cloudwatch(jobs: Any, sagemaker: Any) -> None:
    name = run(sagemaker, request(mode="fine"))["TrainingJobName"]
    logs = jobs.aws("logs")
    group = "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=name)["logStreams"]
    assert len(streams) == 1
    assert streams[0]["logStreamName"].startswith(f"{name}/algo-1-")
    events = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"])["events"]
    assert [event["message"] for event in events] == ["loss=0.5;", "loss=0.25;"]
    assert (jobs.state_dir / "jobs" / name / "log.txt").read_text() == "loss=0.5;\nloss=0.25;\n"


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("raise", "AlgorithmError: ValueError: the data has no label, exit code: 1"),
        ("failure file", "AlgorithmError: the label column is missing, exit code: 3"),
    ],
)
def test_a_script_that_fails(jobs: Any, sagemaker: Any, mode: str, reason: str) -> None:
    job = run(sagemaker, request(mode=mode))
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"] == reason
    with pytest.raises(ClientError):
        read_archive(jobs, job["ModelArtifacts"]["S3ModelArtifacts"])


def test_what_a_job_cannot_find(sagemaker: Any) -> None:
    job = run(sagemaker, request(image="v9"))
    assert job["TrainingJobStatus"] == "Failed"
    assert f"{REPOSITORY}:v9" in job["FailureReason"]
    assert "penstock build" in job["FailureReason"]
    asked = request()
    asked["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = "s3://job-data/nothing-here"
    job = run(sagemaker, asked)
    assert job["TrainingJobStatus"] == "Failed"
    assert 'No S3 objects found under S3 URL "s3://job-data/nothing-here"' in job["FailureReason"]


@pytest.mark.parametrize("mode", ["graceful", "sleep", "ignore"])
def test_stop(jobs: Any, sagemaker: Any, mode: str) -> None:
    name, marker = start_and_wait_until_ready(jobs, sagemaker, mode)
    sagemaker.stop_training_job(TrainingJobName=name)
    assert sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] in ("Stopping", "Stopped")
    job = finished(sagemaker, name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    model = read_archive(jobs, job["ModelArtifacts"]["S3ModelArtifacts"])
    assert ("stopped.txt" in model) == (mode == "graceful"), "what the script saves on SIGTERM is uploaded"
    assert processes_with(marker) == [], "children do not outlive the job"
    with pytest.raises(ClientError, match="Stopped"):
        sagemaker.stop_training_job(TrainingJobName=name)


def test_a_job_that_runs_too_long(jobs: Any, sagemaker: Any) -> None:
    name, marker = start_and_wait_until_ready(jobs, sagemaker, "sleep", seconds=2)
    job = finished(sagemaker, name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert processes_with(marker) == []


@pytest.mark.parametrize("signal", [9, 15])
def test_a_job_killed_from_outside_is_failed(jobs: Any, sagemaker: Any, signal: int) -> None:
    name, marker = start_and_wait_until_ready(jobs, sagemaker, "sleep")
    for process in psutil.Process(jobs.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any(word.endswith("image-bin/train") for word in process.cmdline()):
                process.send_signal(signal)
    job = finished(sagemaker, name)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"]
    assert processes_with(marker) == []


def test_a_killed_launcher_fails_the_job(jobs: Any, sagemaker: Any) -> None:
    name, _ = start_and_wait_until_ready(jobs, sagemaker, "graceful")
    launchers = [
        process
        for process in psutil.Process(jobs.process.pid).children()
        if any("launch.py" in word for word in process.cmdline())
    ]
    for process in launchers:
        process.terminate()
    job = finished(sagemaker, name)
    assert job["TrainingJobStatus"] == "Failed", "a SIGTERM that we did not send is no success"
    assert "terminated from outside" in job["FailureReason"]


def processing(command: str, **more: Any) -> dict[str, Any]:
    name = f"process-{uuid.uuid4().hex[:8]}"
    return {
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "AppSpecification": {
            "ImageUri": f"{REPOSITORY}@sha256:{'a' * 64}",
            "ContainerEntrypoint": ["sh", "-ec"],
            "ContainerArguments": [command],
        },
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
        "ProcessingInputs": [
            {
                "InputName": "in",
                "S3Input": {
                    "S3Uri": "s3://job-data/data/train/",
                    "LocalPath": "/opt/ml/processing/input",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "out",
                    "S3Output": {
                        "S3Uri": f"s3://job-data/processed/{name}",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        **more,
    }


def run_processing(sagemaker: Any, asked: dict[str, Any]) -> Any:
    sagemaker.create_processing_job(**asked)
    name = asked["ProcessingJobName"]
    return until(
        lambda: sagemaker.describe_processing_job(ProcessingJobName=name),
        lambda job: job["ProcessingJobStatus"] not in ("InProgress", "Stopping"),
        40,
    )


def test_a_processing_job(jobs: Any, sagemaker: Any) -> None:
    command = (
        "cp -r /opt/ml/processing/input/. /opt/ml/processing/output; mkdir -p /opt/ml/processing/output/deep; "
        "cp /opt/ml/config/processingjobconfig.json /opt/ml/processing/output/deep; "
        'echo "$WORD" > /opt/ml/output/message'
    )
    job = run_processing(sagemaker, processing(command, Environment={"WORD": "done well"}))
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["ExitMessage"].strip() == "done well"
    s3, prefix = jobs.aws("s3"), f"processed/{job['ProcessingJobName']}/"
    keys = [
        item["Key"].removeprefix(prefix) for item in s3.list_objects_v2(Bucket="job-data", Prefix=prefix)["Contents"]
    ]
    assert keys == ["a.csv", "deep/processingjobconfig.json", "more/b.csv"]
    body = s3.get_object(Bucket="job-data", Key=prefix + "deep/processingjobconfig.json")["Body"].read()
    assert json.loads(body)["ProcessingJobArn"] == job["ProcessingJobArn"]


def test_a_processing_job_that_fails(jobs: Any, sagemaker: Any) -> None:
    job = run_processing(sagemaker, processing("touch /opt/ml/processing/output/x; echo no such column >&2; exit 4"))
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: no such column, exit code: 4"
    found = jobs.aws("s3").list_objects_v2(Bucket="job-data", Prefix=f"processed/{job['ProcessingJobName']}/")
    assert found["KeyCount"] == 0
    late = processing("sleep 60", StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert "MaxRuntimeInSeconds of 1" in run_processing(sagemaker, late)["FailureReason"]


def test_stopping_a_processing_job(sagemaker: Any) -> None:
    asked = processing("sleep 60")
    sagemaker.create_processing_job(**asked)
    sagemaker.stop_processing_job(ProcessingJobName=asked["ProcessingJobName"])
    job = until(
        lambda: sagemaker.describe_processing_job(ProcessingJobName=asked["ProcessingJobName"]),
        lambda each: each["ProcessingJobStatus"] not in ("InProgress", "Stopping"),
    )
    assert job["ProcessingJobStatus"] == "Stopped"


def test_what_would_not_run_is_refused(sagemaker: Any) -> None:
    rules = request()
    rules["DebugRuleConfigurations"] = [{"RuleConfigurationName": "overfit", "RuleEvaluatorImage": "rules:1"}]
    with pytest.raises(ClientError, match="does not run Debugger's rules"):
        sagemaker.create_training_job(**rules)
    outside = processing("true")
    outside["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["LocalPath"] = "/opt/ml/processing/../../../etc"
    with pytest.raises(ClientError, match="must be below /opt/ml/processing"):
        sagemaker.create_processing_job(**outside)


def test_a_queue_of_jobs(sagemaker: Any) -> None:
    asked = [processing("sleep 0.2") for _ in range(2 * (os.cpu_count() or 1) + 4)]
    for each in asked:
        sagemaker.create_processing_job(**each)
    for each in asked:
        name = each["ProcessingJobName"]
        job = until(
            lambda name=name: sagemaker.describe_processing_job(ProcessingJobName=name),  # type: ignore[misc]
            lambda found: found["ProcessingJobStatus"] not in ("InProgress", "Stopping"),
            60,
        )
        assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")


SERVE = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
with open(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml") + "/model/model.txt") as file:
    model = file.read()
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        self.do_GET()
        self.wfile.write(model.encode())
HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


def test_an_endpoint(jobs: Any, sagemaker: Any, archive: Callable[..., bytes]) -> None:
    """Serving in every flavour; what endpoints do besides is in test_endpoints.py."""
    jobs.image(serve=SERVE)
    jobs.aws("s3").put_object(Bucket="job-data", Key="served/flavour.tar.gz", Body=archive(model__txt="weights"))
    container = {"Image": f"{REPOSITORY}:v1", "ModelDataUrl": "s3://job-data/served/flavour.tar.gz"}
    sagemaker.create_model(ModelName="served", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "one", "ModelName": "served", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName="served", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="served", EndpointConfigName="served")
    found = until(
        lambda: sagemaker.describe_endpoint(EndpointName="served"),
        lambda endpoint: endpoint["EndpointStatus"] != "Creating",
    )
    assert found["EndpointStatus"] == "InService", found.get("FailureReason")
    answer = jobs.client("sagemaker-runtime").invoke_endpoint(EndpointName="served", Body=b"x")
    assert answer["Body"].read() == b"weights"
    sagemaker.delete_endpoint(EndpointName="served")
    until(lambda: processes_with(f"{jobs.state_dir}/image-bin/serve"), lambda left: left == [])


def test_a_job_that_waits_for_its_place_is_stopped_at_once(sagemaker: Any) -> None:
    asked = [processing("sleep 30") for _ in range((os.cpu_count() or 1) + 2)]
    names = [each["ProcessingJobName"] for each in asked]
    for each in asked:
        sagemaker.create_processing_job(**each)
    sagemaker.stop_processing_job(ProcessingJobName=names[-1])
    assert sagemaker.describe_processing_job(ProcessingJobName=names[-1])["ProcessingJobStatus"] == "Stopped"
    for name in names[:-1]:
        sagemaker.stop_processing_job(ProcessingJobName=name)
    for name in names[:-1]:
        until(
            lambda name=name: sagemaker.describe_processing_job(ProcessingJobName=name),  # type: ignore[misc]
            lambda job: job["ProcessingJobStatus"] == "Stopped",
        )


def test_jobs_die_with_the_services_process_and_are_failed(jobs: Any, sagemaker: Any) -> None:
    """Last of this file's tests: it restarts the process."""
    name, marker = start_and_wait_until_ready(jobs, sagemaker, "ignore")
    jobs.kill()
    until(lambda: processes_with(marker), lambda left: left == [], 10)
    jobs.start()
    job = sagemaker.describe_training_job(TrainingJobName=name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert "stopped while this job was running" in job["FailureReason"]
    name, marker = start_and_wait_until_ready(jobs, sagemaker, "sleep")
    jobs.stop()
    assert processes_with(marker) == []
    jobs.start()
    job = sagemaker.describe_training_job(TrainingJobName=name)
    assert job["TrainingJobStatus"] == "Failed"
    assert "stopped while this job was running" in job["FailureReason"]
