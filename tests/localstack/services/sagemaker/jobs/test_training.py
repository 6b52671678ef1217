"""Training jobs: channels, hosts, checkpoints, spot, metrics, retries. What jobs of all kinds share: ../../test_jobs.py."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import struct
import tarfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.cloud

ROLE = "arn:aws:iam::000000000000:role/training"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:v1"

PRELUDE = """
import json, os, signal, socket, sys, time
base = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
def read(name):
    with open(f"{base}/input/config/{name}.json") as file:
        return json.load(file)
def write(name, text):
    os.makedirs(os.path.dirname(f"{base}/{name}"), exist_ok=True)
    with open(f"{base}/{name}", "w") as file:
        file.write(text)
hosts, host = read("resourceconfig")["hosts"], read("resourceconfig")["current_host"]
first = host == hosts[0]
number = hosts.index(host) + 1
def files(channel):
    found = {}
    for where, _, names in os.walk(f"{base}/input/data/{channel}"):
        for name in names:
            with open(os.path.join(where, name)) as file:
                found[os.path.relpath(os.path.join(where, name), f"{base}/input/data/{channel}")] = file.read()
    return found
"""


@pytest.fixture(scope="module", params=["own", "no-namespaces"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def sagemaker(jobs: Any) -> Any:
    jobs.image(train=PRELUDE + 'exec(json.loads(read("hyperparameters")["code"]))')
    s3 = jobs.aws("s3")
    for number in range(4):
        s3.put_object(Bucket="work", Key=f"channels/train/{number}.csv", Body=f"row {number}\n".encode())
    return jobs.client()


def request(code: str, **more: Any) -> dict[str, Any]:
    asked = {
        "TrainingJobName": f"training-{uuid.uuid4().hex[:8]}",
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {"code": json.dumps(code)},
        "OutputDataConfig": {"S3OutputPath": "s3://work/trained"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    return {**asked, **more}


def resources(count: int) -> dict[str, Any]:
    return {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}


def channel(name: str, prefix: str = "channels/train", **more: Any) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://work/{prefix}", **more.pop("source", {})}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **more}


def until(function: Callable[[], Any], wanted: Callable[[Any], bool], seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        value = function()
        if wanted(value):
            return value
        assert time.monotonic() < deadline, value
        time.sleep(0.05)


def describe(sagemaker: Any, asked: dict[str, Any]) -> Any:
    return sagemaker.describe_training_job(TrainingJobName=asked["TrainingJobName"])


def ended(sagemaker: Any, asked: dict[str, Any]) -> Any:
    running = ("InProgress", "Stopping")
    return until(lambda: describe(sagemaker, asked), lambda job: job["TrainingJobStatus"] not in running, 60)


def run(sagemaker: Any, asked: dict[str, Any]) -> Any:
    sagemaker.create_training_job(**asked)
    return ended(sagemaker, asked)


def completed(sagemaker: Any, asked: dict[str, Any]) -> Any:
    job = run(sagemaker, asked)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    return job


def model(jobs: Any, job: Any, archive: str = "model.tar.gz") -> dict[str, str]:
    uri = job["ModelArtifacts"]["S3ModelArtifacts"].replace("model.tar.gz", archive)
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    content = jobs.aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {member.name: tar.extractfile(member).read().decode() for member in tar if member.isfile()}  # type: ignore[union-attr]


def statuses(job: Any) -> list[str]:
    return [each["Status"] for each in job["SecondaryStatusTransitions"] if each["Status"] != "Pending"]


def log(jobs: Any, name: str, host: int = 1) -> str:
    folder = jobs.state_dir / "jobs" / name
    path = (folder if host == 1 else folder / f"algo-{host}") / "log.txt"
    return path.read_text() if path.exists() else ""


def test_channels_as_files(jobs: Any, sagemaker: Any) -> None:
    manifest = [{"prefix": "s3://work/channels/"}, "train/1.csv", "train/3.csv"]
    jobs.aws("s3").put_object(Bucket="work", Key="channels/some.manifest", Body=json.dumps(manifest).encode())
    asked = request(
        "write('model/seen.json', json.dumps([files('fast'), files('listed'), read('inputdataconfig')]))",
        InputDataConfig=[
            channel("fast", InputMode="FastFile", ContentType="text/csv", ShuffleConfig={"Seed": 3}),
            channel("listed", "channels/some.manifest", source={"S3DataType": "ManifestFile"}),
        ],
    )
    fast, listed, configuration = json.loads(model(jobs, completed(sagemaker, asked))["seen.json"])
    assert fast == {f"{number}.csv": f"row {number}\n" for number in range(4)}
    assert listed == {"train/1.csv": "row 1\n", "train/3.csv": "row 3\n"}
    assert configuration["fast"] == {
        "TrainingInputMode": "FastFile",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
        "ContentType": "text/csv",
    }


def test_channels_as_pipes(jobs: Any, sagemaker: Any) -> None:
    s3 = jobs.aws("s3")
    s3.put_object(Bucket="work", Key="channels/packed/a.gz", Body=gzip.compress(b"packed ") + gzip.compress(b"twice"))
    s3.put_object(Bucket="work", Key="channels/big/a", Body=b"0123456789" * 300_000)
    lines = [{"source-ref": f"s3://work/channels/train/{number}.csv", "label": number} for number in range(2)]
    body = "\n".join(json.dumps(line) for line in lines).encode()
    s3.put_object(Bucket="work", Key="channels/augmented.jsonl", Body=body)
    code = """
def pipe(name, epoch, most=-1):
    with open(f"{base}/input/data/{name}_{epoch}", "rb") as file:
        return file.read(most).decode("latin-1")
found = {"plain": [pipe("plain", epoch) for epoch in range(3)], "packed": pipe("packed", 0),
         "wrapped": pipe("wrapped", 0), "augmented": pipe("augmented", 0),
         "shuffled": [pipe("shuffled", epoch) for epoch in range(4)],
         "big": [len(pipe("big", 0, 10)), len(pipe("big", 1))]}
write("model/seen.json", json.dumps(found))
"""
    wanted = {"S3DataType": "AugmentedManifestFile", "AttributeNames": ["source-ref", "label"]}
    asked = request(
        code,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "Pipe"},
        InputDataConfig=[
            channel("plain"),
            channel("packed", "channels/packed/", CompressionType="Gzip"),
            channel("wrapped", RecordWrapperType="RecordIO"),
            channel("augmented", "channels/augmented.jsonl", source=wanted, RecordWrapperType="RecordIO"),
            channel("shuffled", ShuffleConfig={"Seed": 7}),
            channel("big", "channels/big/"),
            channel("nobody-reads-this"),
        ],
    )
    seen = json.loads(model(jobs, completed(sagemaker, asked))["seen.json"])
    rows = [f"row {number}\n" for number in range(4)]
    assert seen["plain"] == ["".join(rows)] * 3
    assert seen["packed"] == "packed twice"
    assert records(seen["wrapped"]) == rows
    assert records(seen["augmented"]) == [rows[0], "0", rows[1], "1"]
    assert all(sorted(each.splitlines(keepends=True)) == rows for each in seen["shuffled"])
    assert len(set(seen["shuffled"])) > 1, "each epoch has an order of its own"
    assert seen["big"] == [10, 3_000_000], "a reader may have enough of an epoch"


def records(text: str) -> list[str]:
    content, found = text.encode("latin-1"), []
    while content:
        magic, length = struct.unpack("<II", content[:8])
        assert magic == 0xCED7230A
        found.append(content[8 : 8 + length].decode())
        content = content[8 + length + (-length % 4) :]
    return found


def test_hosts_that_find_one_another(jobs: Any, sagemaker: Any, flavour: str) -> None:
    code = """
if first:
    server = socket.create_server((hosts[0], 7771))
    server.settimeout(20)
    got = sorted(server.accept()[0].recv(100).decode() for _ in hosts[1:])
    write("model/got.json", json.dumps(got))
else:
    for _ in range(200):
        try:
            with socket.create_connection((hosts[0], 7771), 5, (host, 0)) as peer:
                peer.sendall(f"from {number}".encode())
            break
        except OSError:
            time.sleep(0.1)
write(f"model/host-{number}.json", json.dumps([files("all"), files("part"), files("own"), read("resourceconfig")]))
write("model/same.txt", f"host {number}")
write(f"output/data/{number}.txt", "notes")
print(f"this is host {number}", flush=True)
"""
    groups = [
        {"InstanceType": "ml.m5.large", "InstanceCount": 2, "InstanceGroupName": "many"},
        {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "InstanceGroupName": "one"},
    ]
    asked = request(
        code,
        ResourceConfig={"InstanceGroups": groups, "VolumeSizeInGB": 1},
        InputDataConfig=[
            channel("all"),
            channel("part", source={"S3DataDistributionType": "ShardedByS3Key", "InstanceGroupNames": ["many"]}),
            channel("own", source={"InstanceGroupNames": ["one"]}),
        ],
    )
    job = completed(sagemaker, asked)
    found = model(jobs, job)
    assert json.loads(found["got.json"]) == ["from 2", "from 3"]
    assert found["same.txt"] == "host 1"
    everything, parts = {f"{number}.csv": f"row {number}\n" for number in range(4)}, []
    names = ["127.0.0.1", "127.0.0.2", "127.0.0.3"] if flavour == "no-namespaces" else ["algo-1", "algo-2", "algo-3"]
    for number in (1, 2, 3):
        every, part, own, configuration = json.loads(found[f"host-{number}.json"])
        assert every == everything
        assert own == (everything if number == 3 else {})
        parts.append(part)
        assert configuration["hosts"] == names
        assert configuration["current_host"] == names[number - 1]
        assert configuration["current_instance_type"] == ("ml.c5.xlarge" if number == 3 else "ml.m5.large")
        assert configuration["current_group_name"] == ("one" if number == 3 else "many")
        assert [group["hosts"] for group in configuration["instance_groups"]] == [names[:2], names[2:]]
    assert parts[0] | parts[1] == everything
    assert [len(part) for part in parts] == [2, 2, 0]
    assert set(model(jobs, job, "output.tar.gz")) == {"1.txt", "2.txt", "3.txt"}
    logs, group = jobs.aws("logs"), "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=job["TrainingJobName"] + "/")
    told = {}
    for stream in streams["logStreams"]:
        name = stream["logStreamName"]
        events = logs.get_log_events(logGroupName=group, logStreamName=name)["events"]
        told[name.split("/")[1].rsplit("-", 1)[0]] = [event["message"] for event in events]
    assert told == {f"algo-{number}": [f"this is host {number}"] for number in (1, 2, 3)}


def test_a_host_that_fails_fails_the_job(jobs: Any, sagemaker: Any) -> None:
    code = """
if first:
    time.sleep(300)
write("output/failure", "no memory on the second host")
sys.exit(9)
"""
    job = run(sagemaker, request(code, ResourceConfig=resources(2)))
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: no memory on the second host, exit code: 9"


def test_jobs_of_several_hosts_wait_for_one_another(sagemaker: Any) -> None:
    asked = [request("socket.create_server(('', 7772)) if first else None; time.sleep(0.4)") for _ in range(3)]
    for each in asked:
        sagemaker.create_training_job(**{**each, "ResourceConfig": resources(2)})
    stopped = request("time.sleep(60)", ResourceConfig=resources(2))
    sagemaker.create_training_job(**stopped)
    sagemaker.stop_training_job(TrainingJobName=stopped["TrainingJobName"])
    assert describe(sagemaker, stopped)["TrainingJobStatus"] == "Stopped"
    found = [ended(sagemaker, each) for each in asked]
    assert [job["TrainingJobStatus"] for job in found] == ["Completed"] * 3, [job.get("FailureReason") for job in found]
    assert "Pending" in [each["Status"] for each in found[-1]["SecondaryStatusTransitions"]]


def test_checkpoints_are_copied_while_the_job_runs(jobs: Any, sagemaker: Any) -> None:
    s3 = jobs.aws("s3")
    where = f"checkpoints/{uuid.uuid4().hex}"
    s3.put_object(Bucket="work", Key=f"{where}/epoch-1", Body=b"from before")
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
        CheckpointConfig={"S3Uri": f"s3://work/{where}/", "LocalPath": "/opt/ml/checkpoints/own"},
        TensorBoardOutputConfig={"S3OutputPath": "s3://work/boards"},
    )
    sagemaker.create_training_job(**asked)
    keys = until(
        lambda: [item["Key"] for item in s3.list_objects_v2(Bucket="work", Prefix=where)["Contents"]],
        lambda found: len(found) == 2 or describe(sagemaker, asked)["TrainingJobStatus"] != "InProgress",
    )
    assert keys == [f"{where}/deep/epoch-2", f"{where}/epoch-1"], describe(sagemaker, asked).get("FailureReason")
    assert describe(sagemaker, asked)["SecondaryStatus"] == "Training"
    sagemaker.stop_training_job(TrainingJobName=asked["TrainingJobName"])
    assert ended(sagemaker, asked)["TrainingJobStatus"] == "Stopped"
    board = f"boards/{asked['TrainingJobName']}/tensorboard-output/events"
    assert s3.get_object(Bucket="work", Key=board)["Body"].read() == b"board"


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
        "CheckpointConfig": {"S3Uri": f"s3://work/checkpoints/{uuid.uuid4().hex}"},
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
    asked = request("print('ready', flush=True); time.sleep(1.5)", RetryStrategy={"MaximumRetryAttempts": 1})
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


def test_network_isolation(jobs: Any, sagemaker: Any, flavour: str) -> None:
    code = """
from urllib.parse import urlsplit
parts = urlsplit(os.environ["AWS_ENDPOINT_URL"])
try:
    socket.create_connection((parts.hostname, parts.port), 2)
    reached = True
except OSError:
    reached = False
if first:
    server = socket.create_server((hosts[0], 7773))
    server.settimeout(20)
    server.accept()
else:
    for _ in range(200):
        try:
            socket.create_connection((hosts[0], 7773), 5)
            break
        except OSError:
            time.sleep(0.1)
write(f"model/{number}", str(reached))
"""
    job = completed(sagemaker, request(code, EnableNetworkIsolation=True, ResourceConfig=resources(2)))
    assert job["EnableNetworkIsolation"] is True
    assert model(jobs, job) == {"1": str(flavour == "no-namespaces"), "2": str(flavour == "no-namespaces")}
    assert ("EnableNetworkIsolation is not enforced" in log(jobs, job["TrainingJobName"])) == (
        flavour == "no-namespaces"
    )


def test_limits_are_those_of_the_instance(jobs: Any, sagemaker: Any) -> None:
    job = completed(sagemaker, request("pass", ResourceConfig={**resources(1), "InstanceType": "ml.t3.medium"}))
    spec = json.loads((jobs.state_dir / "jobs" / job["TrainingJobName"] / "launch.json").read_text())
    assert (spec["memory"], spec["volume"]) == (min(4 << 30, int(psutil.virtual_memory().total * 0.8)), 1 << 30)


def test_a_model_that_is_not_packed(jobs: Any, sagemaker: Any) -> None:
    asked = request("write('model/deep/weights', '1')")
    asked["OutputDataConfig"] = {"S3OutputPath": "s3://work/trained", "CompressionType": "NONE"}
    job = completed(sagemaker, asked)
    uri = f"s3://work/trained/{asked['TrainingJobName']}/output/model"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == uri
    key = f"trained/{asked['TrainingJobName']}/output/model/deep/weights"
    assert jobs.aws("s3").get_object(Bucket="work", Key=key)["Body"].read() == b"1"


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
        ({"CheckpointConfig": {"S3Uri": "s3://work/x", "LocalPath": "/etc"}}, "outside of /opt/ml"),
        ({"CheckpointConfig": {"S3Uri": "s3://work/x", "LocalPath": "/opt/ml/../../etc"}}, "outside of /opt/ml"),
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
