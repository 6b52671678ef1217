"""`--engine pulumi` on the local cloud: what Pulumi's CLI is asked, and in which environment. The CLI is a stand-in."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from penstock_ci import stacks
from penstock_ci.projects import Project
from penstock_ci.stacks import LocalPulumiStack
from penstock_ci.target import Target
from penstock_deploy.provider import VERSION

PULUMI = """\
#!/bin/sh
echo "$*" >> "$RECORD.arguments"
env > "$RECORD.environment"
case "$*" in
  *version*) echo v3.259.0 ;;
  *"stack select"*) [ -e "$RECORD.made" ] || { echo "error: no stack named 'local' found" >&2; exit 255; } ;;
  *"stack init"*) touch "$RECORD.made" ;;
  *"stack history"*) echo '[{"kind": "update", "startTime": "2026-11-02T09:14:07.000Z", "message": "", "environment": {},
    "config": {}, "result": "succeeded", "version": 1, "endTime": "2026-11-02T09:14:09.000Z",
    "resourceChanges": {"create": 2}}]' ;;
  *"stack output"*) echo '{"bucket": "raw"}' ;;
  *"stack export"*) echo '{"version": 3, "deployment": {"resources": [{"urn": "u", "type": "t"}]}}' ;;
esac
"""


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """A local target whose `pulumi` records what it is asked."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "pulumi").write_text(PULUMI)
    (programs / "pulumi").chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    monkeypatch.setenv("PENSTOCK_STATE_DIR", str(tmp_path / "cloud"))
    monkeypatch.setenv("PULUMI_HOME", "/the/users/own")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://production")
    monkeypatch.setenv("PULUMI_DEBUG_PROVIDERS", "aws:1")
    environment = {
        "PATH": path,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "000000000000",
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'cloud/pulumi'}",
        "PULUMI_CONFIG_PASSPHRASE": "p",
    }
    return Target("local", "local", environment, "us-east-1")


def project(tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    folder.mkdir(exist_ok=True)
    (folder / "Pulumi.yaml").write_text("name: app\nruntime: python\n")
    return Project("app", folder)


def asked(tmp_path: Path) -> list[str]:
    return (tmp_path / "record.arguments").read_text().splitlines()


def test_the_cli_is_run_with_our_provider_and_the_local_clouds_state(local: Target, tmp_path: Path) -> None:
    stack = stacks.open_stack(project(tmp_path), local, "pulumi", {"app:word": "hello"})
    assert isinstance(stack, LocalPulumiStack)
    events: list[dict[str, Any]] = []
    document = stack.run("up", events.append)
    assert (document["ok"], document["counts"], document["outputs"]) == (True, {"create": 2}, {"bucket": "raw"})
    environment = dict(
        line.split("=", 1) for line in (tmp_path / "record.environment").read_text().splitlines() if "=" in line
    )
    home = tmp_path / "cloud/pulumi-home"
    assert environment["PULUMI_HOME"] == str(home)
    assert (home / f"plugins/resource-aws-v{VERSION}/pulumi-resource-aws").is_file()
    assert environment["PULUMI_BACKEND_URL"] == local.environment["PULUMI_BACKEND_URL"]
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert environment["PULUMI_DEBUG_PROVIDERS"] == ""
    assert any("stack init local" in line and "--secrets-provider passphrase" in line for line in asked(tmp_path))
    assert any("config set app:word" in line and "hello" in line for line in asked(tmp_path))
    assert any(" up " in f" {line} " and "--yes" in line for line in asked(tmp_path))


def test_destroy_too(local: Target, tmp_path: Path) -> None:
    stack = stacks.open_stack(project(tmp_path), local, "pulumi")
    assert stack.run("destroy", lambda event: None)["ok"]
    assert any(" destroy " in f" {line} " for line in asked(tmp_path))
    assert stack.resources() == [{"urn": "u", "type": "t"}]
    assert json.loads(json.dumps(stack.outputs())) == {"bucket": "raw"}


def test_an_endpoint_elsewhere_is_refused(local: Target, tmp_path: Path) -> None:
    local.environment["AWS_ENDPOINT_URL"] = "https://sts.amazonaws.com"
    with pytest.raises(Exception, match="not on this machine"):
        stacks.open_stack(project(tmp_path), local, "pulumi")
    assert not (tmp_path / "record.arguments").exists()
