"""Executions over jobs in memory: order, branches, failures, stop, retry, caching, restart, events."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.pipelines import caching
from penstock_services.sagemaker.pipelines.caching import CACHE
from penstock_services.sagemaker.pipelines.events import EXECUTION_CHANGE, STEP_CHANGE
from penstock_services.sagemaker.pipelines.live import fail_interrupted
from penstock_services.sagemaker.pipelines.state import EXECUTION, load_steps, save_step
from penstock_services.sagemaker.pipelines.step import Step

from .conftest import PIPELINE_ARN, ROLE, SCOPE, Cloud, compare, condition, processing, training

FAIL = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": {"Std:Join": {"On": " ", "Values": ["bad", 1]}}}}
REPORT = {"PropertyFileName": "Report", "OutputName": "metrics", "FilePath": "evaluation.json"}
AUC = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": "auc.value"}}


def statuses(cloud: Cloud, arn: str) -> dict[str, str]:
    return {name: step["StepStatus"] for name, step in cloud.steps(arn).items()}


def test_a_whole_pipeline(cloud: Cloud) -> None:
    register = {
        "Name": "Register",
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": "flights",
            "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {
                "Containers": [
                    {"Image": "image", "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}}
                ],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            "CustomerMetadataProperties": {"auc": {"Std:Join": {"On": "", "Values": [AUC]}}},
        },
    }
    model = {
        "Name": "Create",
        "Type": "Model",
        "Arguments": {
            "ExecutionRoleArn": ROLE,
            "PrimaryContainer": {"ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}},
        },
    }
    cloud.pipeline(
        [
            processing("Prep", outputs=("train",), environment={"Seed": {"Get": "Parameters.Seed"}}),
            training(
                "Train",
                DisplayName="Train it",
                Description="fits",
                hyperparameters={
                    "data": {"Get": "Steps.Prep.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"},
                    "execution": {"Get": "Execution.PipelineExecutionId"},
                    "job": {"Get": "Execution.TrainingJobName"},
                    "rate": {"Get": "Parameters.Rate"},
                },
            ),
            processing("Evaluate", outputs=("metrics",), PropertyFiles=[REPORT], DependsOn=["Train"]),
            condition("Gate", [compare("GreaterThanOrEqualTo", AUC, 0.6)], [register, model], [FAIL]),
        ],
        [
            {"Name": "Seed", "Type": "Integer", "DefaultValue": 7},
            {"Name": "Rate", "Type": "Float", "DefaultValue": 0.1},
        ],
    )
    cloud.clients.objects["data/Evaluate/metrics/evaluation.json"] = json.dumps({"auc": {"value": 0.77}}).encode()
    arn = cloud.start(Rate="0.3")
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Succeeded"

    steps = cloud.steps(arn)
    assert list(steps) == ["Prep", "Train", "Evaluate", "Gate", "Register", "Create"]
    assert {step["StepStatus"] for step in steps.values()} == {"Succeeded"}
    identifier = arn.rsplit("/", 1)[1]
    assert re.fullmatch("[a-z0-9]{12}", identifier)
    prep, train, _evaluate = cloud.jobs
    assert re.fullmatch(f"pipelines-{identifier}-Prep-[A-Za-z0-9]{{10}}", prep)
    assert steps["Prep"]["Metadata"]["ProcessingJob"]["Arn"].endswith(f":processing-job/{prep}")
    assert cloud.jobs[prep]["Environment"] == {"Seed": "7"}, "an Integer parameter is text in the environment"
    assert cloud.jobs[train]["HyperParameters"] == {
        "data": "s3://data/Prep/train",
        "execution": identifier,
        "job": train,
        "rate": "0.3",
    }
    assert (steps["Train"]["StepDisplayName"], steps["Train"]["StepDescription"]) == ("Train it", "fits")
    assert steps["Gate"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    (package,) = cloud.requests("CreateModelPackage")
    assert package["CustomerMetadataProperties"] == {"auc": "0.77"}
    assert package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == f"s3://models/{train}/model.tar.gz"
    assert steps["Register"]["Metadata"]["RegisterModel"]["Arn"].endswith("/1")
    assert steps["Create"]["Metadata"]["Model"]["Arn"].rsplit("/")[-1].startswith(f"pipelines-{identifier}-Create-")
    listed = cloud.call("ListPipelineParametersForExecution", {"PipelineExecutionArn": arn})["PipelineParameters"]
    assert listed == [{"Name": "Seed", "Value": "7"}, {"Name": "Rate", "Value": "0.3"}]
    text = cloud.call("DescribePipelineDefinitionForExecution", {"PipelineExecutionArn": arn})["PipelineDefinition"]
    assert json.loads(text)["Steps"][0]["Name"] == "Prep"


def test_the_branch_that_is_not_taken_does_not_run_and_is_not_listed(cloud: Cloud) -> None:
    inner = condition("Inner", [compare("Equals", 1, 2)], [processing("Never")], [processing("Else")])
    cloud.pipeline(
        [
            condition("Outer", [compare("Equals", 1, 1), compare("LessThan", 1, 2)], [inner], [processing("Not")]),
            processing("After", DependsOn=["Else"]),
            processing("Nor", DependsOn=["Never"]),
        ]
    )
    arn = cloud.start()
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert list(cloud.steps(arn)) == ["Outer", "Inner", "Else", "After"]


def test_after_a_failed_step_its_dependents_do_not_start_and_others_do(cloud: Cloud) -> None:
    cloud.pipeline(
        [
            processing("Bad"),
            processing("Dependent", DependsOn=["Bad"]),
            processing("Other"),
            processing("Later", DependsOn=["Other"]),
        ]
    )
    cloud.ends = lambda name: ("Failed", "AlgorithmError: exit code 1") if "-Bad-" in name else ("Completed", None)
    arn = cloud.start()
    description = cloud.wait(arn)
    assert description["PipelineExecutionStatus"] == "Failed"
    assert description["FailureReason"] == "Step failure: One or multiple steps failed."
    assert statuses(cloud, arn) == {"Bad": "Failed", "Other": "Succeeded", "Later": "Succeeded"}
    assert cloud.steps(arn)["Bad"]["FailureReason"] == "ClientError: AlgorithmError: exit code 1"


def test_a_fail_step_fails_the_execution_with_its_message(cloud: Cloud) -> None:
    cloud.pipeline([condition("Gate", [compare("Equals", 1, 2)], [], [FAIL])])
    arn = cloud.start()
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Failed"
    step = cloud.steps(arn)["Stop"]
    assert (step["StepStatus"], step["Metadata"]) == ("Failed", {"Fail": {"ErrorMessage": "bad 1"}})


def test_a_refused_request_fails_the_step_with_awss_words(cloud: Cloud) -> None:
    step = processing("A", environment={"X": {"Get": "Parameters.Long"}})
    cloud.pipeline([step], [{"Name": "Long", "Type": "String"}])
    arn = cloud.start(Long="x" * 1000)
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Failed"
    reason = cloud.steps(arn)["A"]["FailureReason"]
    assert reason.startswith("ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: 1 validation")


def test_a_property_file_that_is_not_there_fails_the_step_that_reads_it(cloud: Cloud) -> None:
    cloud.pipeline(
        [
            processing("Evaluate", outputs=("metrics",), PropertyFiles=[REPORT]),
            condition("Gate", [compare("GreaterThan", AUC, 0.6)], [], []),
        ]
    )
    arn = cloud.start()
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Failed"
    assert "s3://data/Evaluate/metrics/evaluation.json cannot be read" in cloud.steps(arn)["Gate"]["FailureReason"]
    cloud.clients.objects["data/Evaluate/metrics/evaluation.json"] = b'{"auc": 1}'
    arn = cloud.start()
    cloud.wait(arn)
    reason = cloud.steps(arn)["Gate"]["FailureReason"]
    assert reason == "ClientError: property file 'Report' of step 'Evaluate' has nothing at auc.value"


def test_a_job_that_somebody_stops_is_a_stopped_step_and_fails_the_execution(cloud: Cloud) -> None:
    cloud.pipeline([processing("A"), processing("B", DependsOn=["A"])])
    cloud.ends = lambda _name: ("Stopped", None)
    arn = cloud.start()
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Failed"
    assert statuses(cloud, arn) == {"A": "Stopped"}


def test_independent_steps_run_at_the_same_time_up_to_the_limit(cloud: Cloud) -> None:
    cloud.pipeline([processing(f"S{number}") for number in range(5)])
    cloud.job_seconds = 0.2

    def together(number: int) -> Callable[[str], tuple[str, None] | None]:
        """A job ends when so many have run at the same time, however slowly they begin."""
        return lambda _name: ("Completed", None) if max(cloud.running, default=0) >= number else None

    cloud.ends = together(5)
    cloud.run()
    assert max(cloud.running) == 5
    cloud.running.clear()
    cloud.jobs.clear()
    cloud.ends = together(2)
    request = {"PipelineName": "flights"}
    limit = {"ParallelismConfiguration": {"MaxParallelExecutionSteps": 2}}
    cloud.wait(cloud.call("StartPipelineExecution", {**request, **limit})["PipelineExecutionArn"])
    assert max(cloud.running) == 2


def test_stop(cloud: Cloud) -> None:
    cloud.pipeline([processing("A"), processing("B", DependsOn=["A"])])
    cloud.ends = lambda _name: None
    arn = cloud.start()
    while statuses(cloud, arn) != {"A": "Executing"}:
        time.sleep(0.01)
    stop = {"PipelineExecutionArn": arn}
    cloud.call("StopPipelineExecution", stop)
    description = cloud.wait(arn)
    assert description["PipelineExecutionStatus"] == "Stopped"
    assert "FailureReason" not in description
    assert statuses(cloud, arn) == {"A": "Stopped"}
    assert [request["ProcessingJobName"] for request in cloud.requests("StopProcessingJob")] == list(cloud.jobs)
    with pytest.raises(ServiceError, match=r"ConflictException.*has ended"):
        cloud.call("StopPipelineExecution", stop)


def test_retry_runs_what_has_not_succeeded(cloud: Cloud) -> None:
    cloud.pipeline([processing("Good"), processing("Bad", DependsOn=["Good"]), processing("Last", DependsOn=["Bad"])])
    cloud.ends = lambda name: ("Failed", "no") if "-Bad-" in name else ("Completed", None)
    arn = cloud.start()
    cloud.wait(arn)
    cloud.ends = lambda _name: ("Completed", None)
    cloud.call("RetryPipelineExecution", {"PipelineExecutionArn": arn})
    description = cloud.wait(arn)
    assert description["PipelineExecutionStatus"] == "Succeeded"
    assert "FailureReason" not in description
    assert {name: step["AttemptCount"] for name, step in cloud.steps(arn).items()} == {"Good": 1, "Bad": 2, "Last": 1}
    assert len(cloud.requests("CreateProcessingJob")) == 4
    with pytest.raises(ServiceError, match="ConflictException"):
        cloud.call("RetryPipelineExecution", {"PipelineExecutionArn": arn})


def test_a_cached_step_is_taken_over_while_nothing_that_decides_it_has_changed(cloud: Cloud) -> None:
    cache = {"Enabled": True, "ExpireAfter": "P1D"}
    step = processing("A", environment={"X": {"Get": "Parameters.X"}}, outputs=("out",), CacheConfig=cache)
    uri = {"Get": "Steps.A.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"}
    cloud.pipeline([step, processing("B", environment={"In": uri})], [{"Name": "X", "Type": "String"}])
    first = cloud.start(X="1")
    cloud.wait(first)
    second = cloud.start(X="1")
    cloud.wait(second)
    hit = cloud.steps(second)["A"]
    assert hit["CacheHitResult"] == {"SourcePipelineExecutionArn": first}
    assert hit["Metadata"] == cloud.steps(first)["A"]["Metadata"]
    assert len(cloud.jobs) == 3
    assert [job["Environment"] for job in cloud.jobs.values()][-1] == {"In": "s3://data/A/out"}
    third = cloud.start(X="2")
    cloud.wait(third)
    assert "CacheHitResult" not in cloud.steps(third)["A"]


def test_failed_steps_are_no_cache_hits(cloud: Cloud) -> None:
    cloud.pipeline([processing("A", CacheConfig={"Enabled": True})])
    cloud.ends = lambda _name: ("Failed", "no")
    cloud.run()
    cloud.ends = lambda _name: ("Completed", None)
    assert cloud.run()["PipelineExecutionStatus"] == "Succeeded"
    assert len(cloud.jobs) == 2


def test_what_ran_when_the_process_ended_has_failed(cloud: Cloud) -> None:
    cloud.pipeline([processing("A"), processing("B", DependsOn=["A"])])
    arn = cloud.start()
    cloud.wait(arn)
    done = dict(cloud.store.get(SCOPE, EXECUTION, arn) or {})
    killed = arn[:-1] + "-"
    record = {**done, "PipelineExecutionArn": killed, "PipelineExecutionStatus": "Executing"}
    cloud.store.put(SCOPE, EXECUTION, killed, record)
    step = load_steps(cloud.context, arn)["A"]
    save_step(cloud.context, killed, replace(step, status="Executing", ended=None))
    fail_interrupted(cloud.context, "the cloud was stopped")
    description = cloud.call("DescribePipelineExecution", {"PipelineExecutionArn": killed})
    assert description["PipelineExecutionStatus"] == "Failed"
    assert description["FailureReason"] == "the cloud was stopped"
    assert cloud.steps(killed)["A"]["StepStatus"] == "Failed"
    assert cloud.steps(arn)["A"]["StepStatus"] == "Succeeded"


def test_every_change_is_told(cloud: Cloud) -> None:
    cloud.pipeline([processing("A"), condition("C", [compare("Equals", 1, 2)], [], [FAIL], DependsOn=["A"])])
    arn = cloud.start()
    cloud.wait(arn)
    executions = [detail for kind, detail in cloud.changes if kind == EXECUTION_CHANGE]
    assert [each["currentPipelineExecutionStatus"] for each in executions] == ["Executing", "Failed"]
    assert executions[1]["previousPipelineExecutionStatus"] == "Executing"
    assert executions[1]["pipelineExecutionArn"] == arn
    assert executions[1]["pipelineArn"] == PIPELINE_ARN
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", executions[1]["executionEndTime"])
    steps = [detail for kind, detail in cloud.changes if kind == STEP_CHANGE]
    changes = [(each["stepName"], each.get("previousStepStatus"), each["currentStepStatus"]) for each in steps]
    assert changes == [
        ("A", None, "Starting"),
        ("A", "Starting", "Executing"),
        ("A", "Executing", "Succeeded"),
        ("C", None, "Starting"),
        ("C", "Starting", "Succeeded"),
        ("Stop", None, "Starting"),
        ("Stop", "Starting", "Failed"),
    ]
    assert steps[1]["metadata"]["processingJob"]["arn"].split("/")[-1] in cloud.jobs
    assert steps[4]["metadata"] == {"condition": {"outcome": "False"}}
    assert steps[6]["failureReason"] == "bad 1"


@pytest.mark.parametrize(
    ("given_parameters", "message"),
    [
        ({}, r"Parameters \[Count\] have no default value"),
        ({"Count": "1", "Cuont": "2"}, r"has no parameters \[Cuont\]; it has Count, Mode"),
        ({"Count": "many"}, "Value 'many' of parameter 'Count' is not valid for type Integer"),
        ({"Count": "1", "Mode": "odd"}, "'odd' is none of fast, slow"),
    ],
)
def test_parameters_are_checked_before_anything_starts(
    cloud: Cloud, given_parameters: dict[str, str], message: str
) -> None:
    parameters: list[dict[str, Any]] = [
        {"Name": "Count", "Type": "Integer"},
        {"Name": "Mode", "Type": "String", "DefaultValue": "fast", "EnumValues": ["fast", "slow"]},
    ]
    cloud.pipeline([processing("A")], parameters)
    with pytest.raises(ServiceError, match=message) as caught:
        cloud.start(**given_parameters)
    assert caught.value.code == "ValidationException"
    assert cloud.store.scan(SCOPE, EXECUTION) == []


def test_what_does_not_exist(cloud: Cloud) -> None:
    cloud.pipeline([processing("A")])
    arn = f"{PIPELINE_ARN}/execution/abcdefghijkl"
    for operation in ("DescribePipelineExecution", "ListPipelineExecutionSteps", "ListPipelineParametersForExecution"):
        with pytest.raises(ServiceError, match="ResourceNotFound"):
            cloud.call(operation, {"PipelineExecutionArn": arn})


def test_executions_are_listed_newest_first_page_by_page(cloud: Cloud) -> None:
    cloud.pipeline([processing("A")])
    arns = [cloud.start() for _ in range(5)]
    for arn in arns:
        cloud.wait(arn)
    found: list[str] = []
    request: dict[str, Any] = {"PipelineName": PIPELINE_ARN, "MaxResults": 2}
    while True:
        answer = cloud.call("ListPipelineExecutions", request)
        found += [each["PipelineExecutionArn"] for each in answer["PipelineExecutionSummaries"]]
        if "NextToken" not in answer:
            break
        request["NextToken"] = answer["NextToken"]
    assert found == arns[::-1]
    steps = cloud.call("ListPipelineExecutionSteps", {"PipelineExecutionArn": arns[0], "MaxResults": 1})
    assert "NextToken" not in steps


def test_update_execution(cloud: Cloud) -> None:
    cloud.pipeline([processing("A")])
    arn = cloud.start()
    cloud.wait(arn)
    request = {"PipelineExecutionArn": arn, "PipelineExecutionDisplayName": "nightly"}
    cloud.call("UpdatePipelineExecution", request)
    description = cloud.call("DescribePipelineExecution", {"PipelineExecutionArn": arn})
    assert description["PipelineExecutionDisplayName"] == "nightly"


def test_a_cached_step_expires(cloud: Cloud) -> None:
    cloud.pipeline([processing("A", CacheConfig={"Enabled": True, "ExpireAfter": "PT1H"})])
    first = cloud.start()
    cloud.wait(first)
    ((place, kept),) = cloud.store.scan(SCOPE, CACHE)
    cloud.store.put(SCOPE, CACHE, place, {**kept, "Ended": kept["Ended"] - 3590})
    second = cloud.start()
    cloud.wait(second)
    assert cloud.steps(second)["A"]["CacheHitResult"] == {"SourcePipelineExecutionArn": first}
    cloud.store.put(SCOPE, CACHE, place, {**kept, "Ended": kept["Ended"] - 3610})
    third = cloud.start()
    cloud.wait(third)
    assert "CacheHitResult" not in cloud.steps(third)["A"]
    fourth = cloud.start()
    cloud.wait(fourth)
    assert cloud.steps(fourth)["A"]["CacheHitResult"] == {"SourcePipelineExecutionArn": third}, "the most recent one"


def test_the_cache_key_is_what_aws_documents() -> None:
    def key(kind: str, arguments: dict[str, Any]) -> str:
        return caching.key(Step("S", kind, {}, {}), arguments, {})

    job = {"AlgorithmSpecification": {"TrainingImage": "i"}, "InputDataConfig": [1], "HyperParameters": {"a": "1"}}
    assert key("Training", job) == key(
        "Training", {**job, "OutputDataConfig": {"S3OutputPath": "s3://x"}, "RoleArn": "r"}
    )
    assert key("Training", job) != key("Training", {**job, "HyperParameters": {"a": "2"}})
    definition = {"TuningObjective": {"Type": "Minimize"}, "ResourceConfig": {"InstanceType": "a"}}
    tuning = {"HyperParameterTuningJobConfig": {"Strategy": "Random"}, "TrainingJobDefinition": definition}
    other = {**tuning, "TrainingJobDefinition": {**definition, "ResourceConfig": {"InstanceType": "b"}}}
    assert key("Tuning", tuning) == key("Tuning", other)
    changed = {**tuning, "TrainingJobDefinition": {**definition, "StaticHyperParameters": {"a": "1"}}}
    assert key("Tuning", tuning) != key("Tuning", changed)
    transform = {"ModelName": "m", "TransformInput": {"ContentType": "text/csv"}}
    assert key("Transform", transform) == key("Transform", {**transform, "TransformOutput": {"S3OutputPath": "s3://x"}})
    assert key("Transform", transform) != key("Transform", {**transform, "ModelName": "n"})
    assert key("Lambda", {"n": 1}) != key("Lambda", {"n": 2})


def test_more_places_are_taken_at_once(cloud: Cloud) -> None:
    cloud.pipeline([processing(f"S{number}") for number in range(4)])
    cloud.ends = lambda _name: None
    arn = cloud.begin(ParallelismConfiguration={"MaxParallelExecutionSteps": 1})
    while len(cloud.jobs) < 1:
        time.sleep(0.005)
    time.sleep(0.05)
    assert len(cloud.jobs) == 1
    more = {"PipelineExecutionArn": arn, "ParallelismConfiguration": {"MaxParallelExecutionSteps": 4}}
    cloud.call("UpdatePipelineExecution", more)
    deadline = time.monotonic() + 60
    while len(cloud.jobs) < 4 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert len(cloud.jobs) == 4
    cloud.ends = lambda _name: ("Completed", None)
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Succeeded"
