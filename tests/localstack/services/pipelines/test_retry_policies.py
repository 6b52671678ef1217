"""Retry policies: what is tried again, how often, after what time."""

from __future__ import annotations

from typing import Any

import pytest

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.pipelines import retry_policies
from penstock_services.sagemaker.pipelines.retry_policies import RetryPolicy, choose, parse

from .conftest import Cloud, processing, training


def policy(*types: str, attempts: int | None = 3, interval: int = 0, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"ExceptionType": list(types), "IntervalSeconds": interval, "BackoffRate": 1.0, **more}
    return given if attempts is None else {**given, "MaxAttempts": attempts}


def test_a_failed_job_is_started_again_under_a_new_name(cloud: Cloud) -> None:
    cloud.pipeline([training("A", RetryPolicies=[policy("SageMaker.JOB_INTERNAL_ERROR", attempts=3)])])
    cloud.ends = lambda _name: ("Failed", "InternalServerError: oops") if len(cloud.jobs) < 3 else ("Completed", None)
    arn = cloud.start()
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Succeeded"
    step = cloud.steps(arn)["A"]
    assert (step["AttemptCount"], step["StepStatus"]) == (3, "Succeeded")
    assert len(set(cloud.jobs)) == 3
    assert step["Metadata"]["TrainingJob"]["Arn"].endswith(list(cloud.jobs)[-1])


def test_the_attempts_run_out(cloud: Cloud) -> None:
    cloud.pipeline([training("A", RetryPolicies=[policy("SageMaker.JOB_INTERNAL_ERROR", attempts=2)])])
    cloud.ends = lambda _name: ("Failed", "InternalServerError: oops")
    arn = cloud.start()
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Failed"
    assert cloud.steps(arn)["A"]["AttemptCount"] == 3
    assert cloud.steps(arn)["A"]["FailureReason"] == "ClientError: InternalServerError: oops"


def test_what_the_policy_does_not_name_is_final(cloud: Cloud) -> None:
    cloud.pipeline([training("A", RetryPolicies=[policy("SageMaker.CAPACITY_ERROR", "Step.THROTTLING")])])
    cloud.ends = lambda _name: ("Failed", "AlgorithmError: exit code 1")
    arn = cloud.start()
    cloud.wait(arn)
    assert len(cloud.jobs) == 1


@pytest.mark.parametrize(
    ("refusal", "named"),
    [
        (ServiceError("ThrottlingException", "Rate exceeded"), "Step.THROTTLING"),
        (ServiceError("InternalFailure", "oops", 500), "Step.SERVICE_FAULT"),
        (ServiceError("ResourceLimitExceeded", "too many"), "SageMaker.RESOURCE_LIMIT"),
    ],
)
def test_a_refused_creation_is_tried_again(cloud: Cloud, refusal: ServiceError, named: str) -> None:
    cloud.refusals = [refusal, refusal]
    cloud.pipeline([processing("A", RetryPolicies=[policy(named, attempts=2)])])
    arn = cloud.start()
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert cloud.steps(arn)["A"]["AttemptCount"] == 3


def test_service_faults_and_throttling_are_tried_again_without_a_policy(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = RetryPolicy(retry_policies.STEP_EXCEPTION_TYPES, interval_seconds=0, attempts=3)
    monkeypatch.setattr(retry_policies, "_DEFAULT", default)
    cloud.refusals = [ServiceError("ThrottlingException", "Rate exceeded")]
    cloud.pipeline([processing("A")])
    arn = cloud.start()
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Succeeded"
    cloud.refusals = [ServiceError("ValidationException", "no")]
    assert cloud.run()["PipelineExecutionStatus"] == "Failed"


def test_a_stop_ends_the_waiting(cloud: Cloud) -> None:
    cloud.pipeline([training("A", RetryPolicies=[policy("SageMaker.JOB_INTERNAL_ERROR", interval=3600)])])
    cloud.ends = lambda _name: ("Failed", "InternalServerError: oops")
    arn = cloud.start()
    while not cloud.jobs:
        pass
    cloud.call("StopPipelineExecution", {"PipelineExecutionArn": arn})
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Stopped"


def test_waits_grow_and_end() -> None:
    by_count = RetryPolicy(("Step.THROTTLING",), interval_seconds=2, backoff_rate=3.0, attempts=3)
    assert [by_count.delay(retries, 0) for retries in range(4)] == [2, 6, 18, None]
    by_time = RetryPolicy(("Step.THROTTLING",), interval_seconds=10, backoff_rate=2.0, expire_seconds=60)
    assert by_time.delay(0, 0) == 10
    assert by_time.delay(2, 25) is None


def test_jobs_inside_tuning_and_automl_steps_are_retried_by_these() -> None:
    policies = parse("Tuning", [policy("SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR")])
    assert choose("Tuning", policies, "SageMaker.JOB_INTERNAL_ERROR") is None
    assert choose("Tuning", policies, "SageMaker.CAPACITY_ERROR") is policies[0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "must be a list"),
        ([{"ExceptionType": [], "MaxAttempts": 1}], "ExceptionType of a retry policy must be a list of"),
        ([{"ExceptionType": ["Odd"], "MaxAttempts": 1}], "ExceptionType of a retry policy must be a list of"),
        ([policy("Step.THROTTLING", attempts=None)], "one of MaxAttempts and ExpireAfterMin"),
        ([policy("Step.THROTTLING", ExpireAfterMin=3)], "one of MaxAttempts and ExpireAfterMin"),
        ([policy("Step.THROTTLING", attempts=21)], "MaxAttempts must be from 1 to 20, not 21"),
        ([policy("Step.THROTTLING", attempts=None, ExpireAfterMin=14401)], "from 1 to 14400, not 14401"),
        ([policy("Step.THROTTLING", interval=-1)], "IntervalSeconds must be a whole number that is not negative"),
        ([policy("Step.THROTTLING", BackoffRate="2")], "BackoffRate must be a number that is not negative"),
        ([policy("Step.THROTTLING"), policy("Step.THROTTLING")], "more than once"),
        ([policy("Step.THROTTLING", Odd=1)], "a retry policy holds"),
    ],
)
def test_wrong_policies(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse("Training", given)


def test_models_have_no_job_to_retry(cloud: Cloud) -> None:
    step = {"Name": "M", "Type": "Model", "Arguments": {"ExecutionRoleArn": "x"}}
    with pytest.raises(ServiceError, match=r"Step 'M': the exception type SageMaker\.JOB_INTERNAL_ERROR is for jobs"):
        cloud.pipeline([{**step, "RetryPolicies": [policy("SageMaker.JOB_INTERNAL_ERROR")]}])
    with pytest.raises(ServiceError, match="Step 'F': RetryPolicies are not for Fail steps"):
        cloud.pipeline([{"Name": "F", "Type": "Fail", "Arguments": {}, "RetryPolicies": [policy("Step.THROTTLING")]}])
