"""Real MLflow servers behind CreateMlflowTrackingServer and CreateMlflowApp: their life, their data, their ends."""

from __future__ import annotations

import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.localstack.services.conftest import Services

from penstock_pipelines.tracking.client import Client, TrackingError
from penstock_pipelines.tracking.client import server as named

ROLE = "arn:aws:iam::000000000000:role/mlflow"
ARTIFACTS = "s3://artifacts/mlflow"


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A services process that finds the kit's environments. MLflow keeps its runs without a gateway."""
    running = Services(tmp_path_factory.mktemp("mlflow"), "http://127.0.0.1:9")
    running.environment["PENSTOCK_PYTHON"] = sys.executable
    yield running.start()
    running.stop()
    wait_until(lambda: not servers(running), 15)


@pytest.fixture(scope="module")
def sagemaker(mlflow: Services) -> Any:
    return mlflow.client()


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch, mlflow: Services) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "000000000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT", mlflow.url)


def wait_until(look: Callable[[], Any], seconds: float = 200) -> Any:
    limit = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < limit
        time.sleep(0.1)
    return found


def servers(services: Services) -> list[psutil.Process]:
    """The MLflow processes of a state folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or [])
        if "serving.py" in line and str(services.state_dir) in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def settled(sagemaker: Any, name: str, *expected: str) -> dict[str, Any]:
    """A tracking server's description, once its status is one of those expected."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = sagemaker.describe_mlflow_tracking_server(TrackingServerName=name)
        assert not found["TrackingServerStatus"].endswith("Failed")
        return found if found["TrackingServerStatus"] in expected else None

    return dict(wait_until(look))


def experiments(arn: str) -> set[str]:
    """The experiments that a server holds, asked for as a client with its ARN does."""
    found = Client(named(arn)).post("experiments/search", max_results=100)
    return {one["name"] for one in found["experiments"]} - {"Default"}


@pytest.mark.slow
def test_servers_run_keep_their_data_and_go(mlflow: Services, sagemaker: Any) -> None:
    arn = sagemaker.create_mlflow_tracking_server(
        TrackingServerName="runs", ArtifactStoreUri=ARTIFACTS, RoleArn=ROLE, Tags=[{"Key": "Owner", "Value": "us"}]
    )["TrackingServerArn"]
    app = sagemaker.create_mlflow_app(Name="newer", ArtifactStoreUri=ARTIFACTS, RoleArn=ROLE)["Arn"]
    found = sagemaker.describe_mlflow_tracking_server(TrackingServerName="runs")
    assert (found["TrackingServerStatus"], found["IsActive"]) == ("Creating", "Inactive")
    assert "TrackingServerUrl" not in found
    with pytest.raises(sagemaker.exceptions.ClientError, match="not active"):
        sagemaker.create_presigned_mlflow_tracking_server_url(TrackingServerName="runs")
    with pytest.raises(sagemaker.exceptions.ConflictException):
        sagemaker.stop_mlflow_tracking_server(TrackingServerName="runs")

    found = settled(sagemaker, "runs", "Created")
    assert found["IsActive"] == "Active"
    assert found["MlflowVersion"].startswith("3.")
    page = sagemaker.create_presigned_mlflow_tracking_server_url(TrackingServerName="runs")["AuthorizedUrl"]
    with urllib.request.urlopen(page, timeout=20) as answer:
        assert b"<title>MLflow</title>" in answer.read()
    wait_until(lambda: sagemaker.describe_mlflow_app(Arn=app)["Status"] == "Created")
    assert sagemaker.create_presigned_mlflow_app_url(Arn=app)["AuthorizedUrl"] != page

    # By address and by ARN it is the same server; the app is another one.
    Client(named(found["TrackingServerUrl"])).post("experiments/create", name="by address")
    made = Client(named(arn)).post("experiments/create", name="by arn")
    Client(named(app)).post("experiments/create", name="in the app")
    assert experiments(arn) == {"by address", "by arn"}
    assert experiments(app) == {"in the app"}
    experiment = Client(named(arn)).get("experiments/get", experiment_id=made["experiment_id"])["experiment"]
    assert experiment["artifact_location"] == f"{ARTIFACTS}/{made['experiment_id']}"
    with pytest.raises(TrackingError, match="No active MLflow server"):
        experiments(arn + "-not")

    sagemaker.delete_mlflow_app(Arn=app)
    wait_until(lambda: len(servers(mlflow)) == 1)
    wait_until(lambda: not sagemaker.list_mlflow_apps()["Summaries"])

    sagemaker.stop_mlflow_tracking_server(TrackingServerName="runs")
    assert settled(sagemaker, "runs", "Stopped")["IsActive"] == "Inactive"
    assert servers(mlflow) == []
    with pytest.raises(TrackingError):
        experiments(arn)
    sagemaker.start_mlflow_tracking_server(TrackingServerName="runs")
    settled(sagemaker, "runs", "Started")
    assert experiments(arn) == {"by address", "by arn"}

    # Killed, the services leave no MLflow behind; started again, they have it again.
    before = sagemaker.describe_mlflow_tracking_server(TrackingServerName="runs")["TrackingServerUrl"]
    mlflow.kill()
    wait_until(lambda: not servers(mlflow), 15)
    mlflow.start()
    assert experiments(arn) == {"by address", "by arn"}, "the first request waits until MLflow answers"
    found = settled(sagemaker, "runs", "Started")
    assert (found["TrackingServerUrl"], found["IsActive"]) == (before, "Active")

    sagemaker.update_mlflow_tracking_server(TrackingServerName="runs", TrackingServerSize="Large")
    assert settled(sagemaker, "runs", "Updated")["TrackingServerSize"] == "Large"
    sagemaker.delete_mlflow_tracking_server(TrackingServerName="runs")
    wait_until(lambda: not servers(mlflow))
    wait_until(lambda: not list((mlflow.state_dir / "mlflow").iterdir()))
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.describe_mlflow_tracking_server(TrackingServerName="runs")


def test_a_version_that_is_not_run_is_refused(sagemaker: Any) -> None:
    with pytest.raises(sagemaker.exceptions.ClientError, match=r"MlflowVersion 2\.16\.2 is not available"):
        sagemaker.create_mlflow_tracking_server(
            TrackingServerName="old", MlflowVersion="2.16.2", ArtifactStoreUri=ARTIFACTS, RoleArn=ROLE
        )
    assert sagemaker.list_mlflow_tracking_servers()["TrackingServerSummaries"] == []


def test_requests_that_name_no_server_are_refused(mlflow: Services) -> None:
    with pytest.raises(TrackingError, match="not implemented"):
        Client(named(mlflow.url)).post("experiments/search")


def test_without_an_environment_the_creation_fails(tmp_path: Path) -> None:
    running = Services(tmp_path, "http://127.0.0.1:9", environment={"PENSTOCK_PYTHON": "/bin/false"}).start()
    try:
        client = running.client()
        client.create_mlflow_tracking_server(TrackingServerName="never", ArtifactStoreUri=ARTIFACTS, RoleArn=ROLE)

        def status() -> str:
            found = client.describe_mlflow_tracking_server(TrackingServerName="never")
            return str(found["TrackingServerStatus"])

        wait_until(lambda: status() == "CreateFailed", 20)
        assert "environments are not at hand" in running.log.read_text()
        client.delete_mlflow_tracking_server(TrackingServerName="never")
    finally:
        running.stop()
