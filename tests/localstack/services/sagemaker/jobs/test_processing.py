"""Processing jobs that really run: several instances, both ways of upload, isolation, messages."""

from __future__ import annotations

import gzip
import json
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.waiting import until

pytestmark = pytest.mark.cloud

ROLE = "arn:aws:iam::000000000000:role/processing"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:v1"
DONE = ("Completed", "Failed", "Stopped")

PROCESS = """
import json, os, socket, sys, time
base = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
def config(name):
    with open(f"{base}/config/{name}.json") as file:
        return json.load(file)
job, resources = config("processingjobconfig"), config("resourceconfig")
host = resources["current_host"]
out = f"{base}/processing/output"
seen = {}
for where, _, names in os.walk(f"{base}/processing/input"):
    for name in names:
        with open(os.path.join(where, name)) as file:
            seen[os.path.relpath(os.path.join(where, name), f"{base}/processing/input")] = file.read()
reach = "no"
try:
    with socket.create_connection(("127.0.0.1", int(os.environ.get("PORT", "9"))), 2):
        reach = "yes"
except OSError:
    pass
report = {"seen": seen, "job": job, "resources": resources, "reach": reach,
          "addresses": [socket.gethostbyname(each) for each in resources["hosts"]]}
with open(f"{out}/{host}.json", "w") as file:
    json.dump(report, file)
mode = sys.argv[1] if len(sys.argv) > 1 else ""
if mode:
    with open(f"{base}/output/message", "w") as file:
        file.write(f"mode {mode} " + "x" * 2000)
print("ready", flush=True)
if mode == "fail":
    sys.exit("no such column")
if mode == "sleep" or (mode == "second fails" and host == "algo-1"):
    time.sleep(300)
if mode == "second fails":
    sys.exit("the second host has no data")
"""


class Run:
    """One job with a place of its own on S3."""

    def __init__(self, serving: Any) -> None:
        self.s3 = serving.aws("s3")
        self.sagemaker = serving.client()
        self.name = f"process-{uuid.uuid4().hex[:8]}"

    def put(self, **objects: bytes) -> Run:
        for name, content in objects.items():
            self.s3.put_object(Bucket="job-data", Key=f"{self.name}/in/{name.replace('__', '/')}", Body=content)
        return self

    def input(self, **more: Any) -> dict[str, Any]:
        return {
            "InputName": "data",
            "S3Input": {
                "S3Uri": f"s3://job-data/{self.name}/in/",
                "LocalPath": "/opt/ml/processing/input",
                "S3DataType": "S3Prefix",
                "S3InputMode": "File",
                **more,
            },
        }

    def output(self, mode: str = "EndOfJob") -> dict[str, Any]:
        place = {
            "S3Uri": f"s3://job-data/{self.name}/out",
            "LocalPath": "/opt/ml/processing/output",
            "S3UploadMode": mode,
        }
        return {"OutputName": "report", "S3Output": place}

    def start(self, mode: str = "", count: int = 1, **more: Any) -> Run:
        cluster = {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        asked: dict[str, Any] = {
            "ProcessingJobName": self.name,
            "RoleArn": ROLE,
            "ProcessingResources": {"ClusterConfig": cluster},
            "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["process"]},
            "ProcessingOutputConfig": {"Outputs": [self.output()]},
            **more,
        }
        if mode:
            asked["AppSpecification"]["ContainerArguments"] = [mode]
        self.sagemaker.create_processing_job(**asked)
        return self

    def describe(self) -> Any:
        return self.sagemaker.describe_processing_job(ProcessingJobName=self.name)

    def finished(self) -> Any:
        return until(self.describe, lambda job: job["ProcessingJobStatus"] in DONE)

    def reports(self) -> dict[str, Any]:
        found = self.s3.list_objects_v2(Bucket="job-data", Prefix=f"{self.name}/out/").get("Contents", [])
        return {
            item["Key"].rsplit("/", 1)[-1]: json.loads(
                self.s3.get_object(Bucket="job-data", Key=item["Key"])["Body"].read()
            )
            for item in found
        }


@pytest.fixture
def run(serving: Any) -> Run:
    serving.image(process=PROCESS)
    return Run(serving)


def test_one_instance_and_its_configuration(run: Run) -> None:
    experiment = {"ExperimentName": "processed", "TrialName": "first"}
    run.sagemaker.create_experiment(ExperimentName="processed")
    run.sagemaker.create_trial(ExperimentName="processed", TrialName="first")
    run.put(a=b"1", b__c=b"2").start(
        ProcessingInputs=[run.input()], Environment={"X": "1"}, ExperimentConfig=experiment, Tags=[]
    )
    job = run.finished()
    assert job["ProcessingJobStatus"] == "Completed", job
    assert job["ExperimentConfig"] == experiment
    assert "ExitMessage" not in job
    report = run.reports()["algo-1.json"]
    assert report["seen"] == {"a": "1", "b/c": "2"}
    described = report["job"]
    assert described["ProcessingJobArn"] == job["ProcessingJobArn"]
    assert described["ProcessingInputs"][0]["S3Input"]["S3Uri"] == f"s3://job-data/{run.name}/in/"
    assert described["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 1
    assert described["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400}
    assert described["Environment"] == {"X": "1"}
    assert report["resources"]["hosts"] == ["algo-1"]
    assert report["resources"]["current_instance_type"] == "ml.m5.large"


def test_several_instances_and_sharded_data(run: Run) -> None:
    run.put(a=b"1", b=b"2", c=b"3").start(
        count=2, ProcessingInputs=[run.input(S3DataDistributionType="ShardedByS3Key")]
    )
    job = run.finished()
    assert job["ProcessingJobStatus"] == "Completed", job
    reports = run.reports()
    assert set(reports) == {"algo-1.json", "algo-2.json"}
    seen = [set(report["seen"]) for report in reports.values()]
    assert seen[0] | seen[1] == {"a", "b", "c"}
    assert not seen[0] & seen[1]
    for name, report in reports.items():
        assert report["resources"]["hosts"] == ["algo-1", "algo-2"]
        assert report["resources"]["current_host"] + ".json" == name
        assert len(set(report["addresses"])) == 2


def test_a_failing_host_fails_the_job(run: Run) -> None:
    run.start("second fails", count=2)
    job = run.finished()
    assert job["ProcessingJobStatus"] == "Failed"
    assert "the second host has no data" in job["FailureReason"]
    assert run.reports() == {}


def test_gzip_and_a_manifest(run: Run) -> None:
    manifest = [{"prefix": f"s3://job-data/{run.name}/in/"}, "a.gz"]
    run.put(**{"a.gz": gzip.compress(b"unpacked"), "b": b"not listed", "list": json.dumps(manifest).encode()})
    source = run.input(S3DataType="ManifestFile", S3Uri=f"s3://job-data/{run.name}/in/list", S3CompressionType="Gzip")
    run.start(ProcessingInputs=[source])
    assert run.finished()["ProcessingJobStatus"] == "Completed"
    assert run.reports()["algo-1.json"]["seen"] == {"a": "unpacked"}


def test_continuous_upload_while_the_job_runs(run: Run) -> None:
    run.start("sleep", ProcessingOutputConfig={"Outputs": [run.output("Continuous")]})
    reports = until(run.reports, bool)
    assert "algo-1.json" in reports
    assert run.describe()["ProcessingJobStatus"] == "InProgress"
    run.sagemaker.stop_processing_job(ProcessingJobName=run.name)
    job = run.finished()
    assert job["ProcessingJobStatus"] == "Stopped"
    assert job["ExitMessage"].startswith("mode sleep")
    assert "FailureReason" not in job


def test_a_stopped_job_uploads_nothing_at_its_end(run: Run, serving: Any) -> None:
    run.start("sleep")
    log = serving.state_dir / "jobs" / run.name / "log.txt"
    until(lambda: log.read_text() if log.exists() else "", lambda text: "ready" in text)
    run.sagemaker.stop_processing_job(ProcessingJobName=run.name)
    assert run.finished()["ProcessingJobStatus"] == "Stopped"
    assert run.reports() == {}


@pytest.mark.parametrize("delay", [0.0, 0.03, 0.1, 0.3])
def test_stop_at_any_moment(run: Run, delay: float) -> None:
    run.put(**{str(number): b"1" for number in range(10)}).start("sleep", ProcessingInputs=[run.input()])
    time.sleep(delay)
    run.sagemaker.stop_processing_job(ProcessingJobName=run.name)
    job = run.finished()
    assert job["ProcessingJobStatus"] == "Stopped", job
    assert "FailureReason" not in job
    assert run.reports() == {}


def test_a_failure_with_an_exit_message(run: Run) -> None:
    run.start("fail", ProcessingOutputConfig={"Outputs": [run.output("Continuous")]})
    job = run.finished()
    assert job["ProcessingJobStatus"] == "Failed"
    assert "no such column" in job["FailureReason"]
    assert job["ExitMessage"].startswith("mode fail xxx")
    assert len(job["ExitMessage"]) == 1024
    assert "algo-1.json" in run.reports(), "what is uploaded continuously is uploaded however the job ends"


def test_time_is_limited(run: Run) -> None:
    run.start("sleep", StoppingCondition={"MaxRuntimeInSeconds": 1})
    job = run.finished()
    assert job["ProcessingJobStatus"] == "Failed"
    assert "MaxRuntimeInSeconds of 1 seconds" in job["FailureReason"]


def test_network_isolation(run: Run, serving: Any) -> None:
    environment = {"PORT": str(serving.port)}
    run.start(Environment=environment)
    assert run.finished()["ProcessingJobStatus"] == "Completed"
    assert run.reports()["algo-1.json"]["reach"] == "yes"
    isolated = Run(serving).start(Environment=environment, NetworkConfig={"EnableNetworkIsolation": True})
    assert isolated.finished()["ProcessingJobStatus"] == "Completed"
    assert isolated.reports()["algo-1.json"]["reach"] == "no"


def test_what_the_application_manages_itself(run: Run) -> None:
    outputs = [
        run.output(),
        {"OutputName": "features", "AppManaged": True, "FeatureStoreOutput": {"FeatureGroupName": "g"}},
        {**run.output(), "OutputName": "own", "AppManaged": True},
    ]
    given = {
        "InputName": "own",
        "AppManaged": True,
        "S3Input": {"S3Uri": "s3://nothing/at/all", "S3DataType": "S3Prefix"},
    }
    run.start(ProcessingInputs=[given], ProcessingOutputConfig={"Outputs": outputs})
    job = run.finished()
    assert job["ProcessingJobStatus"] == "Completed", job
    assert job["ProcessingOutputConfig"]["Outputs"] == outputs


def test_missing_input_fails_the_job(run: Run) -> None:
    run.start(ProcessingInputs=[run.input()])
    assert "No S3 objects found" in run.finished()["FailureReason"]


ATHENA = {
    "Catalog": "c", "Database": "d", "QueryString": "select 1", "OutputS3Uri": "s3://job-data/x", "OutputFormat": "PARQUET",
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "output", "text"),
    [
        ({"S3InputMode": "Pipe"}, {}, "Pipe"),
        ({"LocalPath": "/tmp/x"}, {}, "must be below"),
        ({"LocalPath": "/opt/ml/processing/../x"}, {}, "must be below"),
        ({}, {"FeatureStoreOutput": {"FeatureGroupName": "g"}}, "AppManaged"),
        ({}, {"S3Output": {"S3Uri": "s3://job-data/x", "S3UploadMode": "EndOfJob"}}, "must be below"),
    ],
)
def test_what_is_refused(run: Run, given: dict[str, Any], output: dict[str, Any], text: str) -> None:
    outputs = [{"OutputName": "o", **output}] if output else []
    with pytest.raises(ClientError, match=text):
        run.start(ProcessingInputs=[run.input(**given)], ProcessingOutputConfig={"Outputs": outputs})
    with pytest.raises(ClientError, match="Could not find"):
        run.describe()


def test_queries_as_inputs_are_refused_by_name(run: Run) -> None:
    given = {
        "InputName": "q",
        "DatasetDefinition": {"AthenaDatasetDefinition": ATHENA, "LocalPath": "/opt/ml/processing/q"},
    }
    with pytest.raises(ClientError, match="AthenaDatasetDefinition"):
        run.start(ProcessingInputs=[given])
    with pytest.raises(ClientError, match="unique"):
        run.start(ProcessingInputs=[run.input(), run.input()])
