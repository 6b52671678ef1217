"""train, predict, drift and step: what they ask of the parts below, and what they say when those fail."""

from __future__ import annotations

import json
import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.ci.conftest import Penstock

from penstock_ci import drifting, executions, images, platform, training
from penstock_ci.executions import Execution, Step
from penstock_ci.images import Image
from penstock_ci.platform import Registry
from penstock_ci.repository import find
from penstock_ci.target import Target

OUTPUTS = {
    "trainingRoleArn": "arn:role", "artifactBucket": "artifacts", "rawBucket": "raw", "cleanBucket": "clean",
    "curatedBucket": "curated", "imageRepositoryUrl": "1.dkr.ecr.us-east-1.amazonaws.com/models",
}  # fmt: skip
SUCCESS = Execution("arn:x/execution/abc", "Succeeded", "", None, 12.0, [Step("Train", "Succeeded", 3.0, "")])


class Raw:
    """An S3 client whose raw bucket holds January to August."""

    def get_paginator(self, name: str) -> Raw:
        return self

    def paginate(self, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        return [{"Contents": [{"Key": f"{Prefix}year=2013/month={month:02d}/part-0.parquet"} for month in range(1, 9)]}]


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> Target:
    """A target whose cloud nobody asks."""
    target = Target("local", "local", {"PATH": "/usr/bin:/bin"}, "us-east-1")
    target._clients["s3"] = Raw()
    monkeypatch.setattr("penstock_ci.target.resolve", lambda stack=None: target)
    monkeypatch.setattr(platform, "outputs", lambda target: OUTPUTS)
    return target


@pytest.fixture
def calls(local: Target, repository: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Lets `train` run without building or running anything, and keeps what it asked for."""
    kept: dict[str, Any] = {"ups": 0, "planned": [], "execution": SUCCESS}

    class Stack:
        def run(self, action: str, on_event: Any) -> dict[str, Any]:
            if action == "preview":
                for event in kept["planned"]:
                    on_event(event)
            kept["ups"] += action == "up"
            return {"ok": True, "counts": {"update": 1}, "duration_seconds": 1.0, "diagnostics": []}

    def start(target: Target, pipeline: str, parameters: dict[str, str]) -> str:
        kept.update(pipeline=pipeline, parameters=parameters)
        return "arn:x/execution/abc"

    class Trial:
        def __init__(self, *arguments: object) -> None: ...
        def __enter__(self) -> str:
            return "tides-trial"

        def __exit__(self, *arguments: object) -> None:
            kept["deleted"] = True

    monkeypatch.setattr(images, "build", lambda *arguments, **options: Image("models@sha256:1", "sha256:1", "t", "f"))
    monkeypatch.setattr("penstock_ci.stacks.open_stack", lambda *arguments: Stack())
    monkeypatch.setattr("penstock_ci.registry.models", lambda target: [])
    monkeypatch.setattr(executions, "start", start)
    monkeypatch.setattr(executions, "watch", lambda target, arn, on_step: kept["execution"])
    monkeypatch.setattr(training, "throw_away_pipeline", Trial)
    monkeypatch.setattr(training, "evaluation", lambda target, execution: {"metrics": {"auc": 0.7}})
    return kept


def test_train_updates_the_pipeline_and_runs_it_on_what_has_landed(penstock: Penstock, calls: dict[str, Any]) -> None:
    outcome = penstock("train", "--json")
    assert outcome.code == 0, outcome.err
    document = outcome.document
    assert document["window"] == {
        "train_from": "2013-01-01", "train_to": "2013-07-01", "evaluate_from": "2013-07-01", "evaluate_to": "2013-09-01",
    }  # fmt: skip
    assert (document["metrics"], document["champion"], document["image_uri"]) == ({"auc": 0.7}, None, "models@sha256:1")
    assert (calls["pipeline"], calls["parameters"]["ModelName"], calls["ups"]) == ("tides-local", "tides-local", 1)
    assert calls["parameters"]["Register"] == "true"
    assert calls["parameters"]["SampleFraction"] == "1.0"
    assert calls["parameters"]["RawBucket"] == "raw"


def test_what_the_policies_refuse_is_not_trained(penstock: Penstock, calls: dict[str, Any]) -> None:
    type_ = "aws:s3/bucket:Bucket"
    calls["planned"] = [
        {"kind": "planned", "op": "create", "urn": f"urn:pulumi:local::tides::{type_}::open", "type": type_, "name": "open",
         "protect": False, "inputs": {"bucket": "open"}, "diff": []}
    ]  # fmt: skip
    outcome = penstock("train", "--json")
    assert (outcome.code, calls["ups"], "pipeline" in calls) == (1, 0, False)
    assert "policy private: aws:s3/bucket:Bucket open: nothing blocks public access" in outcome.err


def test_a_small_run_changes_nothing_and_registers_nothing(penstock: Penstock, calls: dict[str, Any]) -> None:
    assert penstock("train", "--small", "--json").code == 0
    assert (calls["pipeline"], calls["ups"], calls["deleted"]) == ("tides-trial", 0, True)
    assert calls["parameters"]["Register"] == "false"
    assert calls["parameters"]["SampleFraction"] == "0.1"


def test_after_drift_fewer_months_are_kept_for_evaluation(penstock: Penstock, calls: dict[str, Any]) -> None:
    penstock("train", "--after-drift", "--no-register")
    assert calls["parameters"]["TrainTo"] == "2013-08-01"
    assert calls["parameters"]["Register"] == "false"


def test_a_stack_that_deploys_anothers_versions_registers_none(
    penstock: Penstock, calls: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "registry", lambda _target: Registry("dev", "111111111111"))
    refused = penstock("train")
    assert (refused.code, "pipeline" in calls) == (2, False)
    assert "train there: penstock train --stack dev" in refused.err
    assert penstock("train", "--no-register").code == 0


def test_only_starting_it(penstock: Penstock, calls: dict[str, Any]) -> None:
    document = penstock("train", "--no-wait", "--json").document
    assert (document["execution_arn"], document["status"]) == ("arn:x/execution/abc", "Executing")
    assert "contradict each other" in penstock("train", "--small", "--no-wait").err


def test_a_failed_step_is_told_with_its_log(
    penstock: Penstock, calls: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from penstock_ci import cloudlogs
    from penstock_ci.cloudlogs import Line

    failed = Step(
        "Train", "Failed", 3.0, "AlgorithmError: ValueError: no rows", {"TrainingJob": {"Arn": "arn:job/tides-train"}}
    )
    calls["execution"] = Execution("arn:x/execution/abc", "Failed", "", None, 12.0, [failed])
    monkeypatch.setattr(
        cloudlogs, "lines", lambda target, source, last: [Line(source.prefix, 0.0, "ValueError: no rows")]
    )
    outcome = penstock("train")
    assert outcome.code == 1
    assert "error: step Train failed: AlgorithmError: ValueError: no rows" in outcome.err
    assert "  | ValueError: no rows" in outcome.err
    assert "penstock logs tides-train" in outcome.err


def test_too_little_has_landed(penstock: Penstock, calls: dict[str, Any], repository: Path) -> None:
    file = repository / "penstock.yaml"
    file.write_text(file.read_text().replace("2013-01-01", "2012-01-01"))
    outcome = penstock("train")
    assert outcome.code == 1
    assert "No data have landed for 2012-01" in outcome.err
    assert "Traceback" not in outcome.err


def environment_of(repository: Path, program: str) -> None:
    """An environment whose interpreter is a shell script."""
    python = repository / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{program}\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)


def test_predict_passes_rows_and_scores(penstock: Penstock, local: Target, repository: Path) -> None:
    environment_of(repository, """echo "$@" > called; echo '[{"score": 0.5}]'""")
    (repository / "rows.csv").write_text("a\n1\n")
    assert penstock("predict", "--input", "rows.csv", "--json").document == [{"score": 0.5}]
    assert (
        repository / "called"
    ).read_text() == f"-m tides.predict --input {repository}/rows.csv --endpoint tides-local --json\n"


@pytest.mark.parametrize(
    ("said", "message", "fix"),
    [
        (
            "1 row is late\nerror: the rows lack height\n  fix: give height",
            "error: the rows lack height",
            "fix: give height",
        ),
        ("endpoint tides not found", "error: the prediction failed: endpoint tides not found", "penstock status"),
        (
            "Traceback\n  a\n  b\n  c\nValueError: x",
            "error: the prediction failed: ValueError: x",
            "penstock logs tides",
        ),
    ],
)
def test_predictions_that_fail(
    penstock: Penstock, local: Target, repository: Path, said: str, message: str, fix: str
) -> None:
    environment_of(repository, f"cat >&2 <<'END'\n{said}\nEND\nexit 1")
    (repository / "rows.csv").write_text("a\n1\n")
    outcome = penstock("predict", "--input", "rows.csv")
    assert outcome.code == 1
    assert message in outcome.err
    assert fix in outcome.err


def test_predict_without_rows_or_environment(penstock: Penstock, local: Target, repository: Path) -> None:
    assert "nowhere.csv is not a file" in penstock("predict", "--input", "nowhere.csv").err
    (repository / "rows.csv").write_text("a\n")
    assert "make setup" in penstock("predict", "--input", "rows.csv").err


def test_one_step_alone(penstock: Penstock, local: Target, repository: Path) -> None:
    environment_of(repository, 'echo "$@" > called; echo "$PENSTOCK_OUTPUT_rawBucket" >> called; exit 1')
    assert penstock("pipeline", "step").out.splitlines()[1].startswith("Ingest")
    assert "did you mean 'Train'?" in penstock("pipeline", "step", "Trian").err
    assert "is not a folder" in penstock("pipeline", "step", "Train", "--data", "nowhere").err
    assert penstock("pipeline", "step", "Train", "--upstream", "-p", "Rows=5").code == 1
    command, raw = (repository / "called").read_text().splitlines()
    assert command == f"-m penstock_pipelines.step Train --repository {repository} --upstream --parameter Rows=5"
    assert raw == "raw"


def judgement(violations: list[dict[str, str]]) -> drifting.Judgement:
    now = datetime.now(UTC)
    report = {
        "rows": 300,
        "violations": violations,
        "distances": {"prediction": 0.4},
        "thresholds": {"prediction": 0.2},
    }
    return drifting.Judgement("tides-drift-1", 1, now - timedelta(days=1), now, "Completed", "s3://a/b", report)


def test_drift_found_is_a_result_not_an_error(
    penstock: Penstock, local: Target, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [{"feature_name": "prediction", "description": "distance 0.4 exceeds 0.2"}]
    monkeypatch.setattr(drifting, "run", lambda *arguments: judgement(found))
    outcome = penstock("drift", "--json")
    assert (outcome.code, outcome.document["violations"]) == (0, found)
    assert penstock("drift", "--exit-code").code == 3
    assert "prediction: distance 0.4 exceeds 0.2" in penstock("drift").out
    monkeypatch.setattr(drifting, "run", lambda *arguments: judgement([]))
    assert penstock("drift", "--exit-code").code == 0


def test_windows_of_drift(local: Target, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from penstock_ci.errors import UserError

    monkeypatch.setattr("penstock_ci.releases.live", lambda target, model: "")
    with pytest.raises(UserError, match="the window is empty"):
        drifting.run(local, find(), datetime(2026, 1, 2), datetime(2026, 1, 1), print)
    with pytest.raises(UserError, match="nothing of tides is deployed"):
        drifting.run(local, find(), None, None, print)


def test_the_plan_names_its_days(local: Target, repository: Path) -> None:
    made = training.plan(local, find(), OUTPUTS, image_uri="i", small=False, after_drift=False, register=True)
    assert made.windows.train_from == date(2013, 1, 1)
    assert json.dumps(made.window())
