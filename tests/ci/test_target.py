"""Which cloud a command works on."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock_ci import target
from penstock_ci.errors import UserError


def test_local_without_a_cloud_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="no local cloud is running") as caught:
        target.resolve()
    assert "penstock cloud up" in caught.value.fix


def test_the_stack_is_the_option_then_the_variable_then_local(monkeypatch: pytest.MonkeyPatch) -> None:
    assert target.stack_name(None) == "local"
    monkeypatch.setenv("PENSTOCK_STACK", "dev")
    assert target.stack_name(None) == "dev"
    assert target.stack_name("prod") == "prod"


def test_aws_refuses_an_endpoint_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    with pytest.raises(UserError, match="points at this machine"):
        target.resolve("dev")


def test_aws_needs_a_region(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(UserError, match="no AWS region"):
        target.resolve("dev")


def test_aws_keeps_the_users_own_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.internal.example.com")
    found = target.resolve("dev")
    assert (found.kind, found.stack, found.region, found.cloud) == ("aws", "dev", "eu-west-1", None)
    assert found.environment["PENSTOCK_STACK"] == "dev"
    assert found.environment["AWS_ENDPOINT_URL_S3"] == "https://s3.internal.example.com"
    assert found.poll_seconds > 5


@pytest.mark.cloud
def test_local_clients_go_to_the_local_cloud(target: target.Target, monkeypatch: pytest.MonkeyPatch) -> None:
    assert target.is_local
    assert target.account() == "000000000000"
    cloud = target.cloud
    assert cloud is not None
    assert target.client("s3").meta.endpoint_url == cloud.endpoint
    assert target.client("sagemaker-runtime").meta.endpoint_url == cloud.runtime_endpoint
    assert target.client("sagemaker-featurestore-runtime").meta.endpoint_url == cloud.featurestore_endpoint
    assert target.client("s3") is target.client("s3")


@pytest.mark.cloud
def test_nothing_of_the_users_aws_settings_reaches_the_local_cloud(
    target: target.Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    from penstock_ci.target import resolve

    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://production")
    found = resolve("local")
    assert "AWS_PROFILE" not in found.environment
    assert "AWS_SESSION_TOKEN" not in found.environment
    assert found.environment["PULUMI_BACKEND_URL"].startswith("file://")
    assert found.environment["AWS_ACCESS_KEY_ID"] == "000000000000"
