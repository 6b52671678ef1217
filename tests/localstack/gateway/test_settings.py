"""The gateway is told everything by its supervisor: the user's shell does not reach LocalStack."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from penstock_gateway.__main__ import refuse_taken_port
from penstock_gateway.settings import Settings, from_environment


def test_settings_are_applied_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "AWS_ENDPOINT_URL": "http://elsewhere",
        "AWS_ENDPOINT_URL_S3": "http://elsewhere",
        "AWS_PROFILE": "production",
        "AWS_ACCESS_KEY_ID": "AKIA",
        "SERVICES": "sqs",
        "PROVIDER_OVERRIDE_S3": "v1",
        "PATH": "/usr/bin",
    }
    monkeypatch.setattr("os.environ", environment)
    settings = Settings(tmp_path, 4599, "http://127.0.0.1:1234")
    settings.apply()
    assert from_environment(environment) == settings
    assert environment["AWS_ACCESS_KEY_ID"] == "000000000000"
    assert environment["GATEWAY_LISTEN"] == "127.0.0.1:4599"
    assert {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "SERVICES", "PROVIDER_OVERRIDE_S3"}.isdisjoint(
        environment
    )
    assert settings.s3_dir.is_dir()
    folders = [environment[name] for name in ("LOCALSTACK_VOLUME_DIR", "FILESYSTEM_ROOT", "TMPDIR", "XDG_CACHE_HOME")]
    assert all(Path(folder).is_relative_to(tmp_path) for folder in folders)


def test_a_taken_port_ends_the_start() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            refuse_taken_port(port)
    refuse_taken_port(port)
