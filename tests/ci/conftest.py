"""What the tests of the `penstock` command share: a runner, a local cloud of their own, a small model repository."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from penstock_ci.app import app
from penstock_ci.target import Target

STATE_VARIABLES = ("PENSTOCK_STATE_DIR", "PENSTOCK_STACK", "PENSTOCK_DEBUG", "PENSTOCK_PORT", "AWS_ENDPOINT_URL")

CONFIGURATION = """\
name: tides
package: tides
owner: harbour
cost_center: "1"
repository: acme/tides
pipeline:
  start: 2013-01-01
monitor:
  features: [prediction]
"""
PIPELINE = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "Rows", "Type": "Integer", "DefaultValue": 10}],
    "Steps": [
        {"Name": "Ingest", "Type": "Processing", "Arguments": {}},
        {"Name": "Train", "Type": "Training", "Arguments": {"Input": {"Get": "Steps.Ingest.Outputs['a'].Uri"}}},
        {
            "Name": "Gate",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [
                    {
                        "LeftValue": {
                            "Std:JsonGet": {"PropertyFile": {"Get": "Steps.Train.PropertyFiles.M"}, "Path": "auc"}
                        }
                    }
                ],
                "IfSteps": [{"Name": "Register", "Type": "RegisterModel", "Arguments": {}, "DependsOn": ["Train"]}],
                "ElseSteps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "too low"}}],
            },
        },
    ],
}


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Penstock = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the person who runs the tests, and a state folder without a cloud."""
    for name in STATE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PENSTOCK_STATE_DIR", str(tmp_path / "no-cloud"))


@pytest.fixture
def penstock() -> Penstock:
    """Runs a command line in this process."""

    def run(*arguments: str | Path, input: str | None = None) -> Outcome:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=input, prog_name="penstock")
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small model repository, which is the working directory."""
    folder = tmp_path / "tides"
    (folder / "infra").mkdir(parents=True)
    (folder / "infra/Pulumi.yaml").write_text("name: tides\nruntime: python\n")
    (folder / "penstock.yaml").write_text(CONFIGURATION)
    (folder / "pipeline.json").write_text(json.dumps(PIPELINE, indent=2))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def cloud_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of a running local cloud."""
    from tests.local_cloud import running

    from penstock_cloud import cloud

    folder = tmp_path_factory.mktemp("ci-cloud") / "state"
    with running(folder):
        yield folder
    cloud.reset(folder)


@pytest.fixture
def target(cloud_state: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """The local target, whose cloud runs; commands in this test work on it too."""
    from penstock_ci.target import resolve

    monkeypatch.setenv("PENSTOCK_STATE_DIR", str(cloud_state))
    return resolve("local")
