"""Transform, tuning and processing on several hosts: as they are, with namespaces denied, and as an ordinary user."""

from __future__ import annotations

import io
import tarfile
import uuid
from typing import Any

import pytest
from tests.localstack.services.waiting import until

pytestmark = pytest.mark.cloud

ROLE = "arn:aws:iam::000000000000:role/jobs"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:v1"
DONE = ("Completed", "Failed", "Stopped")
BASE = 'import json, os, sys\nbase = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")\n'

SERVE = (
    BASE
    + """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
word = open(f"{base}/model/word.txt").read()
class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(b"{}")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer((word + body.decode().strip()).encode())
ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""
)
TRAIN = (
    BASE
    + """
with open(f"{base}/input/config/hyperparameters.json") as file:
    print(f"score={json.load(file)['x']};", flush=True)
"""
)
PROCESS = (
    BASE
    + """
import socket
with open(f"{base}/config/resourceconfig.json") as file:
    resources = json.load(file)
host = resources["current_host"]
place = resources["hosts"].index(host)
if place == 0:
    with socket.create_server((host, int(sys.argv[1]))) as server:
        connection, _ = server.accept()
        text = connection.makefile().readline()
else:
    for _ in range(100):
        try:
            connection = socket.create_connection((resources["hosts"][0], int(sys.argv[1])), 5)
            break
        except OSError:
            import time
            time.sleep(0.1)
    text = "hello from the other host"
    connection.sendall(text.encode() + b"\\n")
    connection.close()
with open(f"{base}/processing/output/{place}.txt", "w") as file:
    file.write(text.strip())
"""
)


@pytest.fixture(scope="module")
def sagemaker(jobs: Any) -> Any:
    jobs.image(serve=SERVE, train=TRAIN, process=PROCESS)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        member = tarfile.TarInfo("word.txt")
        member.size = 1
        tar.addfile(member, io.BytesIO(b"<"))
    jobs.aws("s3").put_object(Bucket="job-data", Key="flavours/model.tar.gz", Body=content.getvalue())
    return jobs.client()


@pytest.fixture
def name() -> str:
    return f"flavour-{uuid.uuid4().hex[:8]}"


def read(jobs: Any, key: str) -> bytes:
    content: bytes = jobs.aws("s3").get_object(Bucket="job-data", Key=key)["Body"].read()
    return content


def test_a_transform_job(jobs: Any, sagemaker: Any, name: str) -> None:
    container = {"Image": IMAGE, "ModelDataUrl": "s3://job-data/flavours/model.tar.gz"}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, Containers=[container, container])
    jobs.aws("s3").put_object(Bucket="job-data", Key=f"{name}/in/a", Body=b"1\n")
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://job-data/{name}/in/"}
    sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=name,
        TransformInput={"DataSource": {"S3DataSource": source}},
        TransformOutput={"S3OutputPath": f"s3://job-data/{name}/out"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    job = until(
        lambda: sagemaker.describe_transform_job(TransformJobName=name), lambda job: job["TransformJobStatus"] in DONE
    )
    assert job["TransformJobStatus"] == "Completed", job
    assert read(jobs, f"{name}/out/a.out") == b"<<1"


def test_a_tuning_job(sagemaker: Any, name: str) -> None:
    definition = {
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "score", "Regex": "score=([0-9.]+);"}],
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://job-data/flavours"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    config = {
        "Strategy": "Grid",
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
        "ResourceLimits": {"MaxParallelTrainingJobs": 2},
        "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "x", "Values": ["1", "2"]}]},
    }
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, HyperParameterTuningJobConfig=config, TrainingJobDefinition=definition
    )
    job = until(
        lambda: sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name),
        lambda job: job["HyperParameterTuningJobStatus"] in DONE,
    )
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"x": "2"}


def test_processing_hosts_find_one_another(jobs: Any, sagemaker: Any, name: str) -> None:
    output = {
        "OutputName": "text",
        "S3Output": {
            "S3Uri": f"s3://job-data/{name}/out",
            "LocalPath": "/opt/ml/processing/output",
            "S3UploadMode": "EndOfJob",
        },
    }
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=ROLE,
        ProcessingResources={"ClusterConfig": {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
        AppSpecification={
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["process"],
            "ContainerArguments": [str(20000 + int(name[-4:], 16) % 20000)],
        },
        ProcessingOutputConfig={"Outputs": [output]},
    )
    job = until(
        lambda: sagemaker.describe_processing_job(ProcessingJobName=name),
        lambda job: job["ProcessingJobStatus"] in DONE,
    )
    assert job["ProcessingJobStatus"] == "Completed", job
    assert {read(jobs, f"{name}/out/{place}.txt") for place in (0, 1)} == {b"hello from the other host"}
