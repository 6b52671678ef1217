"""The stage runner: run.json is always written, the first failure ends the run, the rest are skipped."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock_ci.demo import running
from penstock_ci.demo.running import Stage
from penstock_ci.demo.session import Session, check
from penstock_ci.demo.settings import Settings
from penstock_ci.demo.stages import STAGES
from penstock_ci.errors import Failure
from penstock_ci.report import write
from penstock_ci.report.run import load


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(checkout=tmp_path, folder=tmp_path / "demo")


def stage(name: str, run: Callable[[Session], dict[str, Any]]) -> Stage:
    return Stage(name, f"The stage {name}", run)


def record(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(settings.run_file.read_text())
    return found


def test_all_well(settings, capsys):
    assert running.run(settings, [stage("a", lambda session: {"rows": 3}), stage("b", lambda session: {})])
    found = record(settings)
    assert found["ok"] is True
    assert found["seed"] == 7
    assert [(entry["name"], entry["status"], entry["facts"]) for entry in found["stages"]] == [
        ("a", "ok", {"rows": 3}),
        ("b", "ok", {}),
    ]
    said = capsys.readouterr().out
    assert "[ 1/2] The stage a" in said
    assert "rows: 3" in said


def test_first_failure_ends_the_run_with_cause_and_fix(settings, capsys):
    def fail(session: Session) -> dict[str, Any]:
        session.findings["versions"] = []
        raise Failure("the port is taken", "choose another", detail="last line of a log")

    made = []
    stages = [stage("a", lambda session: {}), stage("b", fail), stage("c", lambda session: {})]
    assert not running.run(settings, stages, finish=lambda session: made.append(session.findings))
    found = record(settings)
    assert found["ok"] is False
    assert [entry["status"] for entry in found["stages"]] == ["ok", "failed", "skipped"]
    assert found["stages"][1]["error"] == "the port is taken"
    assert found["report"] == {"versions": []}
    assert made == [{"versions": []}]
    said = capsys.readouterr().err
    assert "error: the port is taken" in said
    assert "| last line of a log" in said
    assert "fix: choose another" in said


def test_a_defect_is_told_without_a_traceback_on_the_terminal(settings, capsys):
    assert not running.run(settings, [stage("a", lambda session: {"x": 1 // 0})])
    assert record(settings)["stages"][0]["error"].startswith("ZeroDivisionError")
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    assert "Traceback" in (settings.logs / "a.log").read_text()


def test_interrupted_run_leaves_its_record(settings):
    def interrupt(session: Session) -> dict[str, Any]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        running.run(settings, [stage("a", interrupt), stage("b", lambda session: {})])
    found = record(settings)
    assert found["ok"] is False
    assert [entry["status"] for entry in found["stages"]][-1] == "skipped"


def test_broken_report_does_not_hide_the_outcome(settings, capsys):
    def broken(session: Session) -> None:
        raise ValueError("no page")

    assert running.run(settings, [stage("a", lambda session: {})], finish=broken)
    assert "the report could not be written: no page" in capsys.readouterr().err


def test_the_report_takes_the_record(settings):
    running.run(settings, [stage("a", lambda session: {}), stage("b", lambda session: check(False, "no") or {})])
    assert [entry.status for entry in load(settings.run_file).stages] == ["ok", "failed"]
    write(settings.run_file, settings.report)
    assert settings.report.stat().st_size > 0


def test_the_stages_are_the_issue_s():
    assert [entry.name for entry in STAGES] == [
        *("tools", "cloud", "platform", "data", "repository", "pull-request"),
        *("merge", "review", "deploy", "serve", "drift", "report"),
    ]


def test_verbs_failures_are_told_with_their_own_words(settings):
    session = Session(settings, lambda text: None)
    with pytest.raises(Failure, match="is not in a model repository"):
        session.penstock("build")
    document = session.penstock("build", expect_failure=True)
    assert document["ok"] is False
    with pytest.raises(Failure, match="must not"):
        session._verb([sys.executable, "-c", "print('{}')"], (), settings.folder, expect_failure=True)


def test_commands_see_the_demo_s_cloud_and_no_other(settings, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("GITHUB_TOKEN", "mine")
    session = Session(settings, lambda text: None, variables={"AWS_REGION": "us-east-1", "GITHUB_TOKEN": "local"})
    environment = session.environment()
    assert "AWS_PROFILE" not in environment
    assert "GITHUB_TOKEN" not in environment
    assert environment["AWS_REGION"] == "us-east-1"
    assert environment["PENSTOCK_STATE_DIR"] == str(settings.state)


def test_missing_program_is_told(settings):
    with pytest.raises(Failure, match="no-such-program is not installed"):
        Session(settings, lambda text: None).command(["no-such-program"], settings.folder)
