"""A local cloud with a platform in it, through the death of its gateway, of everything, and through a snapshot."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from penstock_cloud import cloud, processes, snapshots
from penstock_cloud.errors import CloudError
from penstock_cloud.state import StateFolder
from penstock_deploy import Deployment

pytestmark = [pytest.mark.cloud]

FOUNDATION = Path(__file__).parents[3] / "infra/projects/foundation"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/survivor:v1"
ROLE = "arn:aws:iam::000000000000:role/processing"


class Cloud:
    """One state folder and the cloud that runs on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.info = cloud.up(folder, 0)

    def client(self, service: str) -> Any:
        return boto3.client(
            service, endpoint_url=self.info.endpoint, region_name=self.info.region,
            aws_access_key_id=self.info.account, aws_secret_access_key="test",
        )  # fmt: skip

    def foundation(self) -> Deployment:
        variables = {**cloud.environment(self.info), "PATH": os.environ["PATH"], "HOME": str(self.folder)}
        return Deployment(FOUNDATION, "local", environment=variables, python=Path(sys.executable))

    def pid(self, name: str) -> int:
        (found,) = [each["pid"] for each in cloud.status(self.folder)["processes"] if each["name"] == name]
        return int(found)

    def run_job(self, name: str, command: str) -> None:
        """Start a processing job of one shell command, in an image that is nothing but a record."""
        record: dict[str, Any] = {
            "repository": IMAGE.split(":")[0], "digest": "sha256:" + "b" * 64, "tags": ["v1"], "python": sys.executable,
            "path": ["/usr/bin", "/bin"], "environment": {}, "entrypoint": None,
        }  # fmt: skip
        (self.folder / "images" / f"{'b' * 64}.json").write_text(json.dumps(record))
        self.client("sagemaker").create_processing_job(
            ProcessingJobName=name, RoleArn=ROLE,
            AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["/bin/sh", "-c", command]},
            ProcessingResources={
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
            },
        )  # fmt: skip

    def job(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client("sagemaker").describe_processing_job(ProcessingJobName=name)
        return found


def until(true: Callable[[], Any], seconds: float = 120) -> None:
    limit = time.monotonic() + seconds
    while True:
        try:
            if true():
                return
        except Exception:  # noqa: BLE001 - it may not be there yet
            pass
        assert time.monotonic() < limit
        time.sleep(0.1)


def unchanged(deployment: Deployment) -> None:
    """The program wants what there is, and the cloud has what the stack says."""
    for operation in (deployment.up, deployment.refresh):
        result = operation()
        assert result.ok, result.errors
        assert not result.has_changes, result.changes


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("survival")
    patch = pytest.MonkeyPatch()
    patch.setenv("PENSTOCK_SNAPSHOTS_DIR", str(folder / "snapshots"))
    yield folder
    patch.undo()


@pytest.fixture(scope="module")
def survivor(place: Path) -> Iterator[Cloud]:
    made = Cloud(place / "state")
    try:
        result = made.foundation().up()
        assert result.ok, result.errors
        yield made
    finally:
        cloud.reset(made.folder)


def test_jobs_go_on_while_the_gateway_dies_and_comes_back(survivor: Cloud) -> None:
    survivor.run_job("goes-on", "echo before; sleep 4; echo after")
    until(lambda: survivor.job("goes-on").get("ProcessingStartTime"))
    os.kill(survivor.pid("gateway"), signal.SIGKILL)
    until(lambda: survivor.job("goes-on")["ProcessingJobStatus"] != "InProgress")
    job = survivor.job("goes-on")
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")

    def messages() -> list[str]:
        found = survivor.client("logs").filter_log_events(logGroupName="/aws/sagemaker/ProcessingJobs")["events"]
        return [event["message"] for event in found]

    until(lambda: messages() == ["before", "after"])
    unchanged(survivor.foundation())
    assert "gateway ended with exit code -9" in (survivor.folder / "logs/supervisor.log").read_text()


def test_everything_is_there_after_a_kill_of_the_supervisor(survivor: Cloud) -> None:
    endpoint = survivor.info.endpoint
    survivor.run_job("cut-off", "sleep 60")
    until(lambda: survivor.job("cut-off").get("ProcessingStartTime"))
    os.kill(survivor.info.pid, signal.SIGKILL)
    until(lambda: not cloud.is_running(StateFolder(survivor.folder)))
    survivor.info = cloud.up(survivor.folder, 0)
    taken = not processes.port_is_free(int(endpoint.rpartition(":")[2]))
    assert survivor.info.endpoint == endpoint or taken  # by a connection of another test that runs now
    job = survivor.job("cut-off")
    assert job["ProcessingJobStatus"] == "Failed"
    assert "the local cloud" in job["FailureReason"]
    unchanged(survivor.foundation())


def test_a_running_cloud_is_saved_and_loaded_beside_it(survivor: Cloud, place: Path) -> None:
    s3 = survivor.client("s3")
    s3.create_bucket(Bucket="in-the-snapshot")
    s3.put_object(Bucket="in-the-snapshot", Key="k", Body=b"then")
    survivor.run_job("saved-running", "sleep 60")
    until(lambda: survivor.job("saved-running").get("ProcessingStartTime"))
    saved = snapshots.save(survivor.folder, "with-a-platform")
    assert saved.file == place / "snapshots/with-a-platform.tar.gz"
    assert saved.file.stat().st_mode & 0o077 == 0
    assert [each.name for each in snapshots.known()] == ["with-a-platform"]
    assert not list(survivor.folder.glob(".saving-*"))
    s3.put_object(Bucket="in-the-snapshot", Key="k", Body=b"later")
    assert survivor.job("saved-running")["ProcessingJobStatus"] == "InProgress"
    for process in psutil.Process(survivor.info.pid).children(recursive=True):
        assert process.status() != psutil.STATUS_STOPPED
    survivor.client("sagemaker").stop_processing_job(ProcessingJobName="saved-running")

    loaded = snapshots.load(place / "other/state", "with-a-platform")
    assert loaded.name == "with-a-platform"
    other = Cloud(place / "other/state")
    try:
        assert other.info.endpoint != survivor.info.endpoint
        assert other.client("s3").get_object(Bucket="in-the-snapshot", Key="k")["Body"].read() == b"then"
        job = other.job("saved-running")
        assert (job["ProcessingJobStatus"], "the local cloud" in job["FailureReason"]) == ("Failed", True)
        unchanged(other.foundation())
        assert cloud.environment(other.info)["GITHUB_TOKEN"] == cloud.environment(survivor.info)["GITHUB_TOKEN"]
    finally:
        cloud.reset(other.folder)


def test_a_snapshot_replaces_a_state_only_when_told(survivor: Cloud) -> None:
    bucket = survivor.client("s3")
    bucket.create_bucket(Bucket="before")
    snapshots.save(survivor.folder, "before")
    with pytest.raises(CloudError, match=r"there is a snapshot .*before.tar.gz already"):
        snapshots.save(survivor.folder, "before")
    survivor.client("s3").create_bucket(Bucket="after")
    with pytest.raises(CloudError, match="there is a local cloud's state in") as error:
        snapshots.load(survivor.folder, "before")
    assert "--yes" in error.value.fix
    assert cloud.info(survivor.folder)
    snapshots.load(survivor.folder, "before", replace=True)
    assert cloud.info(survivor.folder) is None
    saved_stopped = snapshots.save(survivor.folder, "stopped")
    assert saved_stopped.size > 0
    survivor.info = cloud.up(survivor.folder, 0)
    names = {each["Name"] for each in survivor.client("s3").list_buckets()["Buckets"]}
    assert ("before" in names, "after" in names) == (True, False)
