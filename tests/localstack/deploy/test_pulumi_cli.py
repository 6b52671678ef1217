"""Pulumi's CLI on the local target: the environment it gets, and the provider that it finds there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from folder_stack import Stack
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from penstock_deploy import DeploymentError, pulumi_cli
from penstock_deploy.provider import VERSION


@pytest.fixture
def cloud(tmp_path: Path) -> dict[str, str]:
    """The environment of a local cloud, with a `pulumi` on PATH that does nothing."""
    programs = tmp_path / "programs"
    programs.mkdir()
    command = programs / "pulumi"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    return {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "000000000000",
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "p",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }


def test_the_environment(cloud: dict[str, str], tmp_path: Path) -> None:
    cloud |= {"PULUMI_DEBUG_PROVIDERS": "aws:1", "PULUMI_HOME": "/the/users/own"}
    made = pulumi_cli.environment(cloud, tmp_path / "home")
    assert made["PULUMI_HOME"] == str(tmp_path / "home")
    assert made["PULUMI_BACKEND_URL"] == cloud["PULUMI_BACKEND_URL"]
    assert made["AWS_ENDPOINT_URL"] == cloud["AWS_ENDPOINT_URL"]
    assert made["PULUMI_DEBUG_PROVIDERS"] == ""
    assert made["PULUMI_IGNORE_AMBIENT_PLUGINS"] == made["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"
    assert (tmp_path / "state").is_dir()


def test_the_provider_is_where_the_cli_looks_for_its_exact_version(cloud: dict[str, str], tmp_path: Path) -> None:
    pulumi_cli.environment(cloud, tmp_path / "home")
    launcher = tmp_path / f"home/plugins/resource-aws-v{VERSION}/pulumi-resource-aws"
    assert os.access(launcher, os.X_OK)
    before = launcher.stat()
    pulumi_cli.environment(cloud, tmp_path / "home")
    assert launcher.stat().st_mtime_ns == before.st_mtime_ns
    pulumi_cli.install_provider(tmp_path / "home", Path("/another/place with space/python"))
    assert "'/another/place with space/python' -P -m penstock_deploy.provider" in launcher.read_text()
    assert list(launcher.parent.iterdir()) == [launcher]


def test_the_launcher_starts_the_provider(cloud: dict[str, str], tmp_path: Path) -> None:
    """As the CLI does: in the project's folder, with the engine's address; the first line is the port."""
    made = pulumi_cli.environment(cloud, tmp_path / "home")
    project = tmp_path / "project"
    project.mkdir()
    (project / "penstock_deploy.py").write_text("raise SystemExit('the project is not to be imported')\n")
    launcher = tmp_path / f"home/plugins/resource-aws-v{VERSION}/pulumi-resource-aws"
    process = subprocess.Popen([launcher, "127.0.0.1:1"], cwd=project, env=made, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            assert stub.GetPluginInfo(empty_pb2.Empty(), timeout=20).version == VERSION
            assert stub.Handshake(provider_pb2.ProviderHandshakeRequest(), timeout=20).accept_secrets
            request = provider_pb2.ConfigureRequest(acceptSecrets=True)
            assert stub.Configure(request, timeout=20).acceptSecrets
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_without_the_command(cloud: dict[str, str], tmp_path: Path) -> None:
    cloud["PATH"] = str(tmp_path)
    with pytest.raises(DeploymentError, match="not on PATH") as caught:
        pulumi_cli.environment(cloud, tmp_path / "home")
    assert "https://www.pulumi.com/docs/install/" in caught.value.fix
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("AWS_ENDPOINT_URL", "", "AWS_ENDPOINT_URL is not set"),
        ("AWS_ENDPOINT_URL", "https://sts.amazonaws.com", "not on this machine"),
        ("AWS_ACCESS_KEY_ID", "AKIA1234", "not an account of the local cloud"),
        ("PULUMI_BACKEND_URL", "s3://production", "backend 's3://production'"),
    ],
)
def test_nothing_but_the_local_cloud(
    cloud: dict[str, str], tmp_path: Path, name: str, value: str, message: str
) -> None:
    with pytest.raises(DeploymentError, match=message):
        pulumi_cli.environment({**cloud, name: value}, tmp_path / "home")


@pytest.mark.pulumi
@pytest.mark.cloud
@pytest.mark.skipif(shutil.which("pulumi") is None, reason="the pulumi command is not on PATH")
def test_the_cli_with_our_provider(stack: Stack, cloud_environment: dict[str, str], tmp_path: Path) -> None:
    (stack.directory / "Pulumi.yaml").write_text(
        f"name: app\nruntime:\n  name: python\n  options:\n    toolchain: pip\n    virtualenv: {Path(sys.prefix)}\n"
    )
    (stack.directory / "__main__.py").write_text(
        "import pulumi, pulumi_aws as aws\nq = aws.sqs.Queue('q')\npulumi.export('arn', q.arn)\n"
    )
    environment = pulumi_cli.environment(cloud_environment, tmp_path / "home")

    def pulumi(*words: str) -> str:
        done = subprocess.run(
            ["pulumi", *words, "--stack", "dev", "--non-interactive"],
            cwd=stack.directory, env=environment, capture_output=True, text=True, timeout=200,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pulumi("stack", "init")
    pulumi("up", "--yes", "--skip-preview")
    assert "000000000000" in pulumi("stack", "output", "arn")
    pulumi("preview", "--expect-no-changes")
    pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    pulumi("destroy", "--yes", "--skip-preview")
