"""Managed MLflow against a local cloud, which runs it for real (an app's whole life is in tests/infra)."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest
from tests.localstack.deploy.round_trip import client, project, round_trip

from penstock_deploy import Deployment
from penstock_deploy.plugins.interface import Subject
from penstock_deploy.provider.core import AwsProvider
from penstock_deploy.target import from_environment

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

ROLE = "arn:aws:iam::000000000000:role/tracking"
SERVER = f"""
    server = aws.sagemaker.MlflowTrackingServer("server", tracking_server_name="types-server", role_arn="{ROLE}",
        artifact_store_uri="s3://artifacts/mlflow", tracking_server_size="Small" if one else "Medium", tags={{"v": v}},
        weekly_maintenance_window_start="Sun:03:00" if one else "Mon:03:00")
    pulumi.export("url", server.tracking_server_url)
    pulumi.export("version", server.mlflow_version)
"""


def test_a_tracking_server_serves_and_changes_in_place(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    sagemaker = client(cloud_environment, "sagemaker")

    def between(deployment: Deployment) -> None:
        outputs = deployment.outputs()
        with urllib.request.urlopen(f"{outputs['url']}/version", timeout=30) as answer:
            assert answer.read().decode() == outputs["version"]
        for before, after in ((ROLE, f"{ROLE}-2"), ("types-server", "types-other")):
            changed = project(tmp_path, cloud_environment, "server", SERVER.replace(before, after)).preview()
            assert changed.counts["replace"] == 1, after

    round_trip(tmp_path, cloud_environment, "server", SERVER, update=1, between=between)
    assert sagemaker.list_mlflow_tracking_servers()["TrackingServerSummaries"] == []


def test_an_app_is_found_by_its_name(cloud_environment: dict[str, str]) -> None:
    """AWS chooses its ARN; one that a cut-off creation left is not made a second time."""
    sagemaker = client(cloud_environment, "sagemaker")
    inputs = {"Name": "types-app", "ArtifactStoreUri": "s3://artifacts/mlflow", "RoleArn": ROLE}
    arn = sagemaker.create_mlflow_app(**inputs)["Arn"]
    try:
        provider = AwsProvider(from_environment(cloud_environment), {})
        subject = Subject(
            "urn:pulumi:s::p::aws:sagemaker/mlflowApp:MlflowApp::a", "aws:sagemaker/mlflowApp:MlflowApp", "a"
        )
        given = {"name": "types-app", "artifactStoreUri": "s3://artifacts/mlflow", "roleArn": ROLE}
        found = provider.find(subject, provider.check(subject, {}, given, b"seed"))
        assert found is not None
        assert (found.id, found.outputs["arn"]) == (arn, arn)
    finally:
        sagemaker.delete_mlflow_app(Arn=arn)
    assert provider.find(subject, provider.check(subject, {}, {**given, "name": "types-none"}, b"seed")) is None
