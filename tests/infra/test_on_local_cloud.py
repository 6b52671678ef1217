"""The programs on the local cloud: up, unchanged, changed and mended, heard by GitHub, and wholly gone again."""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from cookiecutter.main import cookiecutter
from tests.local_cloud import running

from penstock_deploy import Deployment, Result

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PLATFORM = ("foundation", "datalake", "featurestore", "training", "operations")
ORDER = tuple(ROOT / "infra" / "projects" / name for name in PLATFORM)
SMALL = "operations"
"""Off by default on the local stack, but for its dashboard: its functions are shown in test_operations.py."""
TOKEN = "a-token-of-nobody"


class GitHub(ThreadingHTTPServer):
    """What GitHub's API hears."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.heard: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Request(BaseHTTPRequestHandler):
    server: GitHub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.heard.put({"path": self.path, "body": json.loads(body), "headers": headers})

    def log_message(self, format: str, *arguments: object) -> None:
        """Keeps quiet."""


@pytest.fixture(scope="module")
def github() -> Iterator[GitHub]:
    server = GitHub()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, github: GitHub) -> Iterator[dict[str, str]]:
    """The variables of a local cloud that lives as long as these tests."""
    from penstock_cloud import cloud

    state = tmp_path_factory.mktemp("cloud")
    with running(state) as info:
        yield {
            **cloud.environment(info),
            "PATH": os.environ["PATH"],
            "HOME": str(state),
            "GITHUB_API_URL": github.url,
            "GITHUB_TOKEN": TOKEN,
        }


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """The platform's projects and a model repository's, in the order in which they come up."""
    folder = tmp_path_factory.mktemp("baked")
    repository = Path(cookiecutter(str(ROOT / "templates/model"), no_input=True, output_dir=str(folder)))
    if not (repository / "pipeline.json").exists():
        steps = [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "nothing to do"}}]
        (repository / "pipeline.json").write_text(json.dumps({"Version": "2020-12-01", "Steps": steps}))
    return (*ORDER, repository / "infra")


def client(environment: dict[str, str], service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def succeeded(result: Result) -> Result:
    assert result.ok, "\n".join(result.diagnostics)
    return result


@pytest.fixture(scope="module")
def up(environment: dict[str, str], projects: tuple[Path, ...]) -> dict[str, Deployment]:
    """Everything up, each preview promising what then happened."""
    deployments = {}
    for project in projects:
        deployment = Deployment(project, "local", environment=environment)
        promised = succeeded(deployment.preview()).counts
        assert promised["create"] > (2 if project.name == SMALL else 10)
        assert succeeded(deployment.up()).counts == promised
        deployments[project.name] = deployment
    return deployments


def test_unchanged_after_up_and_refresh(up: dict[str, Deployment]) -> None:
    for deployment in up.values():
        assert succeeded(deployment.preview()).changes == []
        assert succeeded(deployment.refresh()).changes == []


def test_a_change_by_hand_is_found_and_mended(up: dict[str, Deployment], environment: dict[str, str]) -> None:
    s3 = client(environment, "s3")
    bucket = up["datalake"].outputs()["rawBucket"]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert succeeded(up["datalake"].refresh()).counts["update"] == 1
    assert succeeded(up["datalake"].up()).counts["update"] == 1
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_an_approval_reaches_the_repository(
    up: dict[str, Deployment], environment: dict[str, str], github: GitHub
) -> None:
    """By plain boto3, with nothing of Penstock running but the local cloud."""
    sagemaker = client(environment, "sagemaker")
    group = up["infra"].outputs()["modelPackageGroup"]
    package = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification={
            "Containers": [{"Image": "x", "ModelDataUrl": "s3://x/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        ModelApprovalStatus="PendingManualApproval",
    )["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    heard = github.heard.get(timeout=30)
    assert heard["path"] == "/repos/acme/flight-delays/dispatches"
    assert heard["headers"]["authorization"] == f"Bearer {TOKEN}"
    assert heard["headers"]["accept"] == "application/vnd.github+json"
    assert heard["body"] == {
        "event_type": "model-approved",
        "client_payload": {"model_package_arn": package, "model_package_group": group, "version": 1},
    }
    sagemaker.delete_model_package(ModelPackageName=package)


def test_a_drift_alarm_reaches_the_repository(
    up: dict[str, Deployment], environment: dict[str, str], github: GitHub
) -> None:
    cloudwatch = client(environment, "cloudwatch")
    assert up["infra"].outputs()["pipeline"] == "flight-delays-local"
    reason = 'two features "shifted"'
    cloudwatch.set_alarm_state(
        AlarmName="penstock-drift-flight-delays-local", StateValue="ALARM", StateReason=reason, StateReasonData="{}"
    )
    heard = github.heard.get(timeout=30)
    assert heard["body"] == {
        "event_type": "model-drift",
        "client_payload": {"alarm": "penstock-drift-flight-delays-local", "reason": reason},
    }


def test_destroy_leaves_nothing(up: dict[str, Deployment], environment: dict[str, str]) -> None:
    """Not even objects with several versions keep it from going."""
    s3 = client(environment, "s3")
    bucket = up["datalake"].outputs()["rawBucket"]
    for version in range(3):
        s3.put_object(Bucket=bucket, Key="flights/part-0.parquet", Body=str(version).encode())
    s3.delete_object(Bucket=bucket, Key="flights/part-0.parquet")
    for deployment in reversed(up.values()):
        succeeded(deployment.destroy())
        assert deployment.resources() == []
    left = {
        "buckets": s3.list_buckets()["Buckets"],
        "roles": client(environment, "iam").list_roles()["Roles"],
        "rules": client(environment, "events").list_rules()["Rules"],
        "connections": client(environment, "events").list_connections()["Connections"],
        "alarms": client(environment, "cloudwatch").describe_alarms()["MetricAlarms"],
        "topics": client(environment, "sns").list_topics()["Topics"],
        "queues": client(environment, "sqs").list_queues().get("QueueUrls", []),
        "repositories": client(environment, "ecr").describe_repositories()["repositories"],
        "feature groups": client(environment, "sagemaker").list_feature_groups()["FeatureGroupSummaries"],
        "pipelines": client(environment, "sagemaker").list_pipelines()["PipelineSummaries"],
    }
    assert {kind: found for kind, found in left.items() if found} == {}
    kms = client(environment, "kms")
    states = {kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] for key in kms.list_keys()["Keys"]}
    assert states <= {"PendingDeletion"}
