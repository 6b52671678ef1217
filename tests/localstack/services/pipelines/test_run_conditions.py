"""DependsOn with a Trigger, dependence on a whole Condition step, and how an execution ends (the SDK's StepDependency)."""

from __future__ import annotations

import time

from .conftest import Cloud, compare, condition, function, processing, training


def failing(cloud: Cloud, *steps: str, status: str = "Failed") -> None:
    cloud.ends = lambda name: (status, "no") if any(f"-{step}-" in name for step in steps) else ("Completed", None)


def test_a_failure_that_another_step_answers_for_completes_with_failures(cloud: Cloud) -> None:
    said: list[object] = []

    def tell_it(event: object) -> dict[str, object]:
        said.append(event)
        return {}

    cloud.clients.functions["arn:tell"] = tell_it
    tell = function("Tell", "arn:tell", DependsOn=[{"Step": "Train", "Trigger": "Failed"}])
    tell["Arguments"] = {"reason": {"Get": "Steps.Train.FailureReason"}}
    cloud.pipeline([training("Train"), tell, processing("Deploy", DependsOn=["Train"])])
    failing(cloud, "Train")
    arn = cloud.start()
    description = cloud.wait(arn)
    assert description["PipelineExecutionStatus"] == "CompletedWithFailures"
    assert {name: step["StepStatus"] for name, step in cloud.steps(arn).items()} == {
        "Train": "Failed",
        "Tell": "Succeeded",
    }
    assert said == [{"reason": "no"}], "the failed job's description can be referred to"
    cloud.ends = lambda _name: ("Completed", None)
    arn = cloud.start()
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert set(cloud.steps(arn)) == {"Train", "Deploy"}


def test_one_failure_without_an_answer_fails_the_execution(cloud: Cloud) -> None:
    answer = processing("Answer", DependsOn=[{"Step": "A", "Trigger": "Any"}])
    cloud.pipeline([processing("A"), processing("B"), answer])
    failing(cloud, "A", "B")
    assert cloud.run()["PipelineExecutionStatus"] == "Failed"
    failing(cloud, "A")
    assert cloud.run()["PipelineExecutionStatus"] == "CompletedWithFailures"
    failing(cloud, "A", "Answer")
    assert cloud.run()["PipelineExecutionStatus"] == "Failed"


def test_any_and_stopped(cloud: Cloud) -> None:
    steps = [
        processing("A"),
        processing("Always", DependsOn=[{"Step": "A", "Trigger": "Any"}]),
        processing("OnStop", DependsOn=[{"Step": "A", "Trigger": "Stopped"}]),
        processing("OnFailure", DependsOn=[{"Step": "A", "Trigger": "Failed"}]),
    ]
    cloud.pipeline(steps)
    for status, started in (
        ("Completed", {"Always"}),
        ("Failed", {"Always", "OnFailure"}),
        ("Stopped", {"Always", "OnStop"}),
    ):
        failing(cloud, "A", status=status)
        arn = cloud.start()
        cloud.wait(arn)
        assert set(cloud.steps(arn)) == {"A", *started}


def test_a_step_that_never_runs_triggers_nothing(cloud: Cloud) -> None:
    after = processing("C", DependsOn=[{"Step": "B", "Trigger": "Any"}])
    cloud.pipeline([processing("A"), processing("B", DependsOn=["A"]), after])
    failing(cloud, "A")
    arn = cloud.start()
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Failed"
    assert set(cloud.steps(arn)) == {"A"}


def test_a_whole_condition_fails_with_a_step_of_its_branch_but_its_outcome_is_there_at_once(cloud: Cloud) -> None:
    gate = condition("Gate", [compare("Equals", 1, 1)], [processing("In")], [])
    outcome = processing("Outcome", environment={"X": {"Get": "Steps.Gate.Outcome"}})
    failed = processing("OnFailure", DependsOn=[{"Step": "Gate", "Trigger": "Failed"}])
    cloud.pipeline([gate, outcome, failed, processing("After", DependsOn=["Gate"])])
    failing(cloud, "In")
    arn = cloud.start()
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "CompletedWithFailures"
    assert set(cloud.steps(arn)) == {"Gate", "In", "Outcome", "OnFailure"}
    assert next(job["Environment"] for name, job in cloud.jobs.items() if "Outcome" in name) == {"X": "True"}


def test_a_fail_step_stops_what_runs(cloud: Cloud) -> None:
    fail = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "enough"}, "DependsOn": ["Quick"]}
    cloud.pipeline([processing("Slow"), processing("Quick"), fail, processing("Later", DependsOn=["Slow"])])
    cloud.ends = lambda name: None if "-Slow-" in name else ("Completed", None)
    began = time.monotonic()
    arn = cloud.start()
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Failed"
    assert time.monotonic() - began < 5
    statuses = {name: step["StepStatus"] for name, step in cloud.steps(arn).items()}
    assert statuses == {"Slow": "Stopped", "Quick": "Succeeded", "Stop": "Failed"}
