"""Training jobs on several hosts: they find one another, share their data, and are shut off from the network."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.localstack.services.sagemaker.jobs.training_jobs import (
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
)

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module", params=["own", "no-namespaces"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def sagemaker(jobs: Any) -> Any:
    return prepare(jobs)


def test_hosts_that_find_one_another(jobs: Any, sagemaker: Any, flavour: str) -> None:
    code = """
if first:
    server = socket.create_server((hosts[0], 7771))
    server.settimeout(60)
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
    server.settimeout(60)
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
