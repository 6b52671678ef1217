"""Executions of real pipelines without jobs on the local cloud: start, watch, failure, stop, logs."""

from __future__ import annotations

import contextlib
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from tests.ci.conftest import CONFIGURATION, Penstock

from penstock_ci import cloudlogs, executions, logsources, training
from penstock_ci.errors import UserError
from penstock_ci.repository import find
from penstock_ci.target import Target

pytestmark = [pytest.mark.cloud]
ROLE = "arn:aws:iam::000000000000:role/training"
NUMBERS = itertools.count(1)


def definition(minimum: float) -> dict[str, Any]:
    """A pipeline that fails when Value is below the minimum, and needs no job to find out."""
    return {
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": [{"Name": "Value", "Type": "Float", "DefaultValue": 1.0}],
        "Steps": [
            {
                "Name": "Gate",
                "Type": "Condition",
                "Arguments": {
                    "Conditions": [
                        {
                            "Type": "GreaterThanOrEqualTo",
                            "LeftValue": {"Get": "Parameters.Value"},
                            "RightValue": minimum,
                        }
                    ],
                    "IfSteps": [],
                    "ElseSteps": [
                        {"Name": "TooLow", "Type": "Fail", "Arguments": {"ErrorMessage": "the value is too low"}}
                    ],
                },
            }
        ],
    }


@pytest.fixture
def pipeline(target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A pipeline on the local cloud, and the repository that it belongs to."""
    model = f"gate-{next(NUMBERS)}"
    name = target.model_name(model)
    (tmp_path / "penstock.yaml").write_text(CONFIGURATION.replace("name: tides", f"name: {model}"))
    (tmp_path / "pipeline.json").write_text(json.dumps(definition(0.5)))
    monkeypatch.chdir(tmp_path)
    target.client("sagemaker").create_pipeline(
        PipelineName=name,
        PipelineDefinition=json.dumps(definition(0.5)),
        RoleArn=ROLE,
        ClientRequestToken=f"{name:x<32}",
    )
    return name


def test_run_to_success(pipeline: str, penstock: Penstock) -> None:
    outcome = penstock("pipeline", "run", "-p", "Value=0.9", "--json")
    assert outcome.code == 0
    document = outcome.document
    assert (document["ok"], document["status"], document["metrics"]) == (True, "Succeeded", None)
    assert [step["name"] for step in document["steps"]] == ["Gate"]
    assert "Gate: Succeeded" in outcome.err


def test_run_to_failure_says_which_step_and_why(pipeline: str, penstock: Penstock) -> None:
    outcome = penstock("pipeline", "run", "-p", "Value=0.1")
    assert (outcome.code, outcome.out) == (1, "")
    assert "step TooLow failed: the value is too low" in outcome.err
    outcome = penstock("pipeline", "run", "-p", "Value=0.1", "--json")
    assert outcome.code == 1
    assert outcome.document["status"] == "Failed"
    assert "the value is too low" in outcome.document["error"]["message"]
    assert "the value is too low" in outcome.err


def test_start_only_and_watch_later(pipeline: str, penstock: Penstock, target: Target) -> None:
    started = penstock("pipeline", "run", "--no-wait", "--json").document
    name = started["execution_arn"].rsplit("/", 1)[-1]
    for given in (name, "latest", started["execution_arn"]):
        assert (
            penstock("pipeline", "run", "--watch", given, "--json").document["execution_arn"]
            == started["execution_arn"]
        )
    assert "has no execution 'nope'" in penstock("pipeline", "run", "--watch", "nope").err


def test_wrong_parameters_and_pipelines(pipeline: str, penstock: Penstock, target: Target) -> None:
    assert "did you mean 'Value'?" in penstock("pipeline", "run", "-p", "Valu=1").err
    assert "must be NAME=VALUE" in penstock("pipeline", "run", "-p", "Value").err
    with pytest.raises(UserError, match="there is no pipeline"):
        executions.start(target, pipeline + "x", {})
    assert executions.latest(target, pipeline + "x") is None
    with pytest.raises(UserError, match="no pipeline execution"):
        executions.describe(
            target, f"arn:aws:sagemaker:us-east-1:000000000000:pipeline/{pipeline}/execution/abcdefghijkl"
        )


def test_interrupting_a_watch_stops_the_execution_or_not(
    pipeline: str, penstock: Penstock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(executions, "watch", interrupt)
    monkeypatch.setattr(executions, "stop", lambda target, arn: stopped.append(arn))
    outcome = penstock("pipeline", "run")
    assert outcome.code == 130
    assert len(stopped) == 1
    assert "penstock pipeline run --watch" in outcome.err
    outcome = penstock("pipeline", "run", "--no-stop")
    assert "goes on" in outcome.err
    assert len(stopped) == 1


def test_a_throw_away_pipeline_goes_away(pipeline: str, target: Target) -> None:
    with training.throw_away_pipeline(target, find(), ROLE) as trial:
        assert trial.startswith(f"{pipeline}-trial-")
        assert (
            executions.watch(target, executions.start(target, trial, {"Value": "0.9"}), lambda step: None).status
            == "Succeeded"
        )
    assert trial not in executions.names(target)


def test_a_throw_away_pipeline_goes_away_after_a_failure_too(pipeline: str, target: Target) -> None:
    with pytest.raises(KeyboardInterrupt), training.throw_away_pipeline(target, find(), ROLE):
        raise KeyboardInterrupt
    assert not [name for name in executions.names(target) if "trial" in name]


def write(target: Target, group: str, stream: str, lines: list[str]) -> None:
    client = target.client("logs")
    with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
        client.create_log_group(logGroupName=group)
    client.create_log_stream(logGroupName=group, logStreamName=stream)
    import time

    now = int(time.time() * 1000)
    client.put_log_events(
        logGroupName=group,
        logStreamName=stream,
        logEvents=[{"timestamp": now + number, "message": line} for number, line in enumerate(lines)],
    )


def test_logs_of_an_endpoint(target: Target, penstock: Penstock) -> None:
    name = f"sea-{next(NUMBERS)}"
    write(target, f"/aws/sagemaker/Endpoints/{name}", "AllTraffic/i-1", [f"line {number}" for number in range(30)])
    document = penstock("logs", name, "-n", "3", "--json").document
    assert [line["message"] for line in document[0]["lines"]] == ["line 27", "line 28", "line 29"]
    assert penstock("logs", name, "-n", "1").out.endswith(" line 29\n")
    followed = cloudlogs.follow(target, cloudlogs.of_endpoint(name), last=2)
    assert [next(followed).message, next(followed).message] == ["line 28", "line 29"]


def test_following_ends_with_the_jobs_and_misses_no_line(target: Target) -> None:
    name = f"sea-{next(NUMBERS)}"
    job = cloudlogs.of_job("TrainingJob", name)
    sources = [(name, job)]
    states = iter([True, False])

    def running() -> bool:
        more = next(states)
        if not more:
            write(target, job.group, f"{name}/algo-2-1", ["two"])
            write(target, job.group, f"{name}-b/algo-1-1", ["another job's"])
            sources.append((f"{name}-c", cloudlogs.of_job("TrainingJob", f"{name}-c")))
            write(target, job.group, f"{name}-c/algo-1-1", ["three"])
        return more

    write(target, job.group, f"{name}/algo-1-1", ["zero", "one"])
    found = [(label, line.message) for label, line in cloudlogs.follow_all(target, lambda: sources, running, last=1)]
    assert found[0] == (name, "one")
    assert sorted(found[1:]) == [(name, "two"), (f"{name}-c", "three")]


def test_logs_of_a_job_on_several_hosts(target: Target, penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"sea-{next(NUMBERS)}"
    for host in (1, 2):
        write(target, "/aws/sagemaker/TrainingJobs", f"{name}/algo-{host}-17", [f"from {host}"])
    monkeypatch.setattr(
        logsources, "_status", lambda target, kind, name: "Completed" if kind == "TrainingJob" else None
    )
    for options in ([], ["--follow"]):
        out = penstock("logs", name, *options).out
        assert "from 1" in out
        assert f"[{name} algo-2] from 2" in out


def test_logs_of_what_does_not_exist(pipeline: str, penstock: Penstock) -> None:
    outcome = penstock("logs", "nope")
    assert outcome.code == 1
    assert "no job, execution or endpoint is called 'nope'" in outcome.err
    assert "has no executions" in penstock("logs").err
    penstock("pipeline", "run")
    assert "has not run a job yet" in penstock("logs", "latest").err
