"""`pulumilocal` in a project whose cloud is a folder."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from folder_provider import FolderProvider
from folder_stack import Stack, make_stack

from penstock_deploy.cli import app
from penstock_deploy.plugins.load import Plugins


@dataclass
class Command:
    """Runs `pulumilocal` in the project of a stack; what it printed is kept."""

    stack: Stack
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    out: str = ""
    err: str = ""
    ran: list[str] = field(default_factory=list)

    def __call__(self, *words: str, code: int = 0, stdin: str = "") -> str:
        self.monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        self.capsys.readouterr()
        found = app.run(list(words))
        self.out, self.err = self.capsys.readouterr()
        assert found == code, f"{words}: {found}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err
        return self.out

    def json(self, *words: str) -> Any:
        return json.loads(self(*words))

    @property
    def file(self) -> Path:
        return self.stack.directory / "Pulumi.dev.yaml"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A project without a stack, the current folder, with the environment of a local cloud."""
    made = make_stack(tmp_path)
    for name in ("PULUMI_STACK", "PULUMI_HOME", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_SKIP_CONFIRMATIONS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(made.directory)
    monkeypatch.setenv("PWD", str(made.directory))

    def load(self: Plugins, package: str, version: str, configuration: Any) -> FolderProvider:
        return FolderProvider(made.cloud, configuration)

    monkeypatch.setattr(Plugins, "load", load)
    monkeypatch.setattr(Plugins, "warm", lambda self: None)
    return made


@pytest.fixture
def command(project: Stack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`pulumilocal`, in a project without a stack."""
    return Command(project, capsys, monkeypatch)


@pytest.fixture
def pulumilocal(command: Command) -> Command:
    """`pulumilocal`, in a project with the selected stack `dev`."""
    command("stack", "init", "dev")
    return command
