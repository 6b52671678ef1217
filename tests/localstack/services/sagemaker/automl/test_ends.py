"""How Autopilot jobs end: stopped, out of time, without a candidate, for data that will not do, with the services."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.conftest import running_jobs
from tests.localstack.services.sagemaker.automl.jobs import (
    HEADER,
    OUTPUT,
    ROLE,
    channel,
    children,
    customers,
    describe,
    ended,
    first,
    put_csv,
    run,
)
from tests.localstack.services.waiting import until

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

RUNNING = ("InProgress", "Stopping")


@pytest.fixture(scope="module")
def data(serving: Any) -> str:
    return put_csv(serving, "automl/ends/train.csv", customers(600, 1))


def candidates(sagemaker: Any, name: str) -> list[Any]:
    found: list[Any] = sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName=name)["Candidates"]
    return found


@pytest.mark.parametrize("secondary", ["AnalyzingData", "FeatureEngineering", "ModelTuning"])
def test_it_is_stopped_at_any_moment_and_its_jobs_with_it(sagemaker: Any, data: str, secondary: str) -> None:
    asked = first(data, algorithms=("xgboost", "randomforest"), criteria={"MaxCandidates": 2})
    name = asked["AutoMLJobName"]
    arn = sagemaker.create_auto_ml_job(**asked)["AutoMLJobArn"]
    until(lambda: describe(sagemaker, name)["AutoMLJobSecondaryStatus"], lambda found: found == secondary)
    until(lambda: children(sagemaker, arn), lambda jobs: "InProgress" in jobs.values())
    sagemaker.stop_auto_ml_job(AutoMLJobName=name)
    job = ended(sagemaker, name)
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Stopped", "Stopped"), job
    assert job["EndTime"] >= job["CreationTime"]
    assert "FailureReason" not in job
    jobs = children(sagemaker, arn)
    assert "Stopped" in jobs.values(), jobs
    assert not set(RUNNING) & set(jobs.values()), jobs
    shown = candidates(sagemaker, name)
    assert bool(shown) == (secondary == "ModelTuning")
    assert {each["CandidateStatus"] for each in shown} <= {"Stopped", "Completed"}
    with pytest.raises(ClientError, match="the AutoML job is in status Stopped"):
        sagemaker.stop_auto_ml_job(AutoMLJobName=name)


def test_out_of_time_without_a_candidate_it_fails(sagemaker: Any, data: str) -> None:
    job = run(sagemaker, first(data, criteria={"MaxAutoMLJobRuntimeInSeconds": 1}))
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"] == "ClientError: MaxAutoMLJobRuntimeInSeconds was over before a candidate was trained"
    assert set(children(sagemaker, job["AutoMLJobArn"]).values()) <= {"Stopped", "Completed"}


def test_a_candidate_that_takes_too_long_is_stopped(sagemaker: Any, data: str) -> None:
    job = run(sagemaker, first(data, criteria={"MaxRuntimePerTrainingJobInSeconds": 1}))
    (candidate,) = candidates(sagemaker, job["AutoMLJobName"])
    assert (candidate["CandidateStatus"], candidate["ObjectiveStatus"]) == ("Stopped", "Failed")
    assert "InferenceContainers" not in candidate
    training = sagemaker.describe_training_job(TrainingJobName=candidate["CandidateName"])
    assert training["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert job["AutoMLJobStatus"] == "Failed"
    assert job["FailureReason"] == "ClientError: none of the candidates could be trained and measured"


@pytest.mark.parametrize(
    ("header", "count", "reason"),
    [
        (HEADER.replace("bought", "sold"), 520, "the target column bought is not in the training data set"),
        (HEADER, 499, "has 499 rows with a value of the target column; a minimum of 500 rows is required"),
    ],
)
def test_data_that_will_not_do(serving: Any, sagemaker: Any, header: str, count: int, reason: str) -> None:
    uri = put_csv(serving, f"automl/bad/{count}.csv", customers(count, 1), header)
    job = run(sagemaker, first(uri))
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"].startswith("ClientError: ")
    assert reason in job["FailureReason"]
    assert candidates(sagemaker, job["AutoMLJobName"]) == []
    assert list(children(sagemaker, job["AutoMLJobArn"]).values()) == ["Failed"]


def test_data_that_is_not_there(sagemaker: Any) -> None:
    job = run(sagemaker, first("s3://job-data/automl/none/"))
    assert job["AutoMLJobStatus"] == "Failed"
    assert "No S3 objects found under S3 URL" in job["FailureReason"]


def test_packed_files_of_a_manifest_in_auto_mode(serving: Any, sagemaker: Any) -> None:
    """Three cities are three classes; what is not asked for is found out."""
    rows = [(features.replace(city := features.split(",")[1], ""), city) for features, _ in customers(600, 1)]
    for name, part in (("a", rows[:400]), ("b", rows[400:])):
        text = "".join(f"{line}\n" for line in [HEADER, *(f"{features},{label}" for features, label in part)])
        body = gzip.compress(text.encode())
        serving.aws("s3").put_object(Bucket="job-data", Key=f"automl/packed/{name}.csv.gz", Body=body)
    manifest = json.dumps([{"prefix": "s3://job-data/automl/packed/"}, "a.csv.gz", "b.csv.gz"])
    serving.aws("s3").put_object(Bucket="job-data", Key="automl/packed.manifest", Body=manifest.encode())
    given = channel("s3://job-data/automl/packed.manifest", data_type="ManifestFile", CompressionType="Gzip")
    job = run(
        sagemaker,
        {
            "AutoMLJobName": f"auto-{uuid.uuid4().hex[:8]}",
            "InputDataConfig": [given],
            "OutputDataConfig": {"S3OutputPath": OUTPUT},
            "AutoMLJobConfig": {"CompletionCriteria": {"MaxCandidates": 1}, "Mode": "AUTO"},
            "RoleArn": ROLE,
        },
    )
    assert job["AutoMLJobStatus"] == "Completed", job
    assert job["ResolvedAttributes"]["ProblemType"] == "MulticlassClassification"
    metrics = job["BestCandidate"]["CandidateProperties"]["CandidateMetrics"]
    assert {each["MetricName"] for each in metrics if "MetricName" in each} == {
        "Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro",
    }  # fmt: skip
    training = sagemaker.describe_training_job(TrainingJobName=job["BestCandidate"]["CandidateName"])
    assert training["HyperParameters"]["algorithms"] == "xgboost,randomforest,extra-trees,linear-learner"


@pytest.fixture
def killed(gateway_url: str) -> Iterator[Any]:
    yield from running_jobs("own", gateway_url)


def test_a_kill_of_the_services_fails_it_and_a_restart_tells(killed: Any) -> None:
    uri = put_csv(killed, "automl/killed.csv", customers(600, 1))
    asked = first(uri, algorithms=("xgboost", "randomforest"), criteria={"MaxCandidates": 2})
    name = asked["AutoMLJobName"]
    sagemaker = killed.client()
    arn = sagemaker.create_auto_ml_job(**asked)["AutoMLJobArn"]
    until(lambda: candidates(sagemaker, name))
    killed.kill()
    killed.start()
    job = describe(sagemaker, name)
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"] == "InternalServerError: the local cloud stopped while this job was running"
    shown = candidates(sagemaker, name)
    assert shown
    assert {each["CandidateStatus"] for each in shown} <= {"Failed", "Completed"}
    assert not set(RUNNING) & set(children(sagemaker, arn).values())
