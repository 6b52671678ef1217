"""Questions, tables and the start of `pulumilocal`."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from penstock_deploy.cli.failures import CommandError, DeclinedError
from penstock_deploy.cli.terminal import Terminal, shown, table


def person(monkeypatch: pytest.MonkeyPatch, *answers: str) -> Terminal:
    """A terminal with somebody at it, who gives these answers."""
    made = Terminal(non_interactive=False, colour="never")
    made.interactive = True
    given = iter(answers)
    monkeypatch.setattr("builtins.input", lambda prompt="": next(given))
    return made


def test_a_name_must_be_typed_before_something_is_destroyed(monkeypatch: pytest.MonkeyPatch) -> None:
    person(monkeypatch, "dev").confirm("This will remove it!", "dev", yes=False)
    with pytest.raises(DeclinedError):
        person(monkeypatch, "yes").confirm("This will remove it!", "dev", yes=False)
    nobody = Terminal(non_interactive=True, colour="auto")
    nobody.confirm("", "dev", yes=True)
    with pytest.raises(CommandError, match="requires --yes"):
        nobody.confirm("", "dev", yes=False)


@pytest.mark.parametrize(
    ("answers", "chosen"),
    [(["y"], "yes"), (["YES"], "yes"), (["x", "details"], "details"), ([""], "no"), (["n"], "no")],
)
def test_choosing(monkeypatch: pytest.MonkeyPatch, answers: list[str], chosen: str) -> None:
    assert person(monkeypatch, *answers).choose("Go on?", ("yes", "no", "details")) == chosen


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(prompt: str = "") -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", ended)
    assert Terminal(non_interactive=False, colour="auto").choose("Go on?", ("yes", "no")) == "no"


def test_colours() -> None:
    assert Terminal(non_interactive=False, colour="always").colour
    assert not Terminal(non_interactive=False, colour="never").colour
    assert not Terminal(non_interactive=False, colour="auto").colour


def test_values_and_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert [shown(value) for value in ("x", 1, True, {"b": 1, "a": [None]})] == ["x", "1", "true", '{"a":[null],"b":1}']
    table(("A", "LONGER"), [("wide cell", "x"), ("y", "")], "  ")
    assert capsys.readouterr().out == "  A          LONGER\n  wide cell  x\n  y\n"


def test_the_command_line_is_there_without_pulumi_grpc_or_cryptography() -> None:
    program = (
        "import json, sys; from penstock_deploy.cli import app; app.parser();"
        "print(json.dumps([name for name in ('pulumi', 'grpc', 'cryptography', 'boto3', 'typer') if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env=dict(os.environ), check=True
    )
    assert json.loads(done.stdout) == []


def test_the_script_is_installed_under_its_name() -> None:
    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text())
    module, _, function = project["project"]["scripts"]["pulumilocal"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))
