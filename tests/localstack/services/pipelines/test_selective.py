"""Selective execution: selected steps run, what they need comes from a source execution."""

from __future__ import annotations

from typing import Any

import pytest

from penstock_services.errors import ServiceError

from .conftest import Cloud, compare, condition, processing

URI = {"Get": "Steps.Prep.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}
STEPS = [
    processing("Prep", outputs=("train",)),
    processing("Train", environment={"In": URI}, DependsOn=["Other"]),
    processing("Other"),
    processing("Eval", DependsOn=["Train"]),
    condition("Gate", [compare("Equals", 1, 1)], [processing("Deploy")], [], DependsOn=["Eval"]),
]


def selected(*names: str, source: str | None = None) -> dict[str, Any]:
    configuration: dict[str, Any] = {"SelectedSteps": [{"StepName": name} for name in names]}
    return {"SelectiveExecutionConfig": {**configuration, **({"SourcePipelineExecutionArn": source} if source else {})}}


def test_the_rest_comes_from_the_source(cloud: Cloud) -> None:
    cloud.pipeline(STEPS)
    source = cloud.start()
    cloud.wait(source)
    cloud.jobs.clear()
    configuration = selected("Train", "Eval", source=source)
    arn = cloud.begin(**configuration)
    description = cloud.wait(arn)
    assert description["PipelineExecutionStatus"] == "Succeeded"
    assert description["SelectiveExecutionConfig"] == configuration["SelectiveExecutionConfig"]
    steps = cloud.steps(arn)
    assert set(steps) == {"Prep", "Other", "Train", "Eval"}
    for reused in ("Prep", "Other"):
        assert steps[reused]["SelectiveExecutionResult"] == {"SourcePipelineExecutionArn": source}
        assert steps[reused]["Metadata"] == cloud.steps(source)[reused]["Metadata"]
    assert "SelectiveExecutionResult" not in steps["Train"]
    assert [name.split("-")[2] for name in cloud.jobs] == ["Train", "Eval"]
    assert next(iter(cloud.jobs.values()))["Environment"] == {"In": "s3://data/Prep/train"}


def test_a_failed_execution_is_a_source_for_what_succeeded_in_it(cloud: Cloud) -> None:
    cloud.pipeline(STEPS)
    cloud.ends = lambda name: ("Failed", "no") if "-Train-" in name else ("Completed", None)
    source = cloud.start()
    cloud.wait(source)
    cloud.ends = lambda _name: ("Completed", None)
    arn = cloud.begin(**selected("Train", source=source))
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Succeeded"
    with pytest.raises(ServiceError, match=r"ValidationException.*'Eval' lies between|did not succeed"):
        cloud.begin(**selected("Train", "Gate", source=source))


def test_a_step_of_a_branch_runs_alone(cloud: Cloud) -> None:
    cloud.pipeline(STEPS)
    source = cloud.start()
    cloud.wait(source)
    for request in (selected("Deploy", source=source), selected("Deploy")):
        arn = cloud.begin(**request)
        assert cloud.wait(arn)["PipelineExecutionStatus"] == "Succeeded"
        assert cloud.steps(arn)["Deploy"]["StepStatus"] == "Succeeded"


def test_what_does_not_fit_is_refused(cloud: Cloud) -> None:
    cloud.pipeline(STEPS)
    source = cloud.start()
    cloud.wait(source)
    for request, message in (
        (selected("Nothing"), r"SelectedSteps \[Nothing\] do not exist"),
        (selected("Train", "Train", source=source), "once each"),
        (selected("Train"), "needs the result of the step 'Prep': SourcePipelineExecutionArn must be given"),
        (selected("Train", "Gate", source=source), "'Eval' lies between the selected steps 'Train' and 'Gate'"),
        (selected("Train", source=source[:-1] + "-"), "ResourceNotFound"),
    ):
        with pytest.raises(ServiceError, match=message):
            cloud.begin(**request)
    cloud.ends = lambda _name: None
    running = cloud.start()
    with pytest.raises(ServiceError, match="it must have ended"):
        cloud.begin(**selected("Train", source=running))
