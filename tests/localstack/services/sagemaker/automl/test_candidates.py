"""Autopilot jobs from a table to a model that is deployed and predicts what its metric says."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from tests.localstack.services.sagemaker.automl.jobs import (
    HEADER,
    OUTPUT,
    ROLE,
    channel,
    children,
    customers,
    first,
    put_csv,
    run,
)
from tests.localstack.services.waiting import until

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

ALGORITHMS = ("xgboost", "linear-learner")


@pytest.fixture(scope="module")
def seen() -> list[tuple[str, str]]:
    return []


@pytest.fixture(scope="module")
def job(serving: Any, sagemaker: Any, seen: list[tuple[str, str]]) -> Any:
    """A job whose validation data is known, so that what it says of its candidates can be checked."""
    train = put_csv(serving, "automl/known/train/a.csv", customers(600, 1))
    put_csv(serving, "automl/known/train/b.csv", customers(100, 2))
    validation = put_csv(serving, "automl/known/validation.csv", customers(300, 3))
    asked = first(
        train.rsplit("/", 1)[0],
        algorithms=ALGORITHMS,
        criteria={"MaxCandidates": 3},
        Tags=[{"Key": "team", "Value": "a"}],
    )
    asked["InputDataConfig"].append(channel(validation, ChannelType="validation"))
    return run(sagemaker, asked, seen)


def test_its_statuses_and_what_it_found_out(job: Any, seen: list[tuple[str, str]], sagemaker: Any) -> None:
    assert job["AutoMLJobStatus"] == "Completed", job.get("FailureReason")
    assert job["AutoMLJobSecondaryStatus"] == "MaxCandidatesReached"
    assert job["CreationTime"] <= job["LastModifiedTime"]
    assert job["EndTime"] >= job["CreationTime"]
    order = ["Starting", "AnalyzingData", "FeatureEngineering", "ModelTuning", "MaxCandidatesReached"]
    assert [secondary for _, secondary in seen if secondary != "Starting"] == order[1:]
    assert job["ResolvedAttributes"] == {
        "AutoMLJobObjective": {"MetricName": "F1"},
        "ProblemType": "BinaryClassification",
        "CompletionCriteria": {"MaxCandidates": 3},
    }
    assert "AutoMLJobArtifacts" not in job, "there are no notebooks"
    name = job["AutoMLJobName"]
    assert job["AutoMLJobArn"] == f"arn:aws:sagemaker:us-east-1:000000000000:automl-job/{name}"
    assert sagemaker.list_tags(ResourceArn=job["AutoMLJobArn"])["Tags"] == [{"Key": "team", "Value": "a"}]
    (row,) = sagemaker.list_auto_ml_jobs(NameContains=name, StatusEquals="Completed")["AutoMLJobSummaries"]
    assert (row["AutoMLJobArn"], row["AutoMLJobSecondaryStatus"]) == (job["AutoMLJobArn"], "MaxCandidatesReached")


def test_its_candidates_are_jobs_and_are_listed(job: Any, sagemaker: Any) -> None:
    name = job["AutoMLJobName"]
    listed = sagemaker.list_candidates_for_auto_ml_job(
        AutoMLJobName=name, SortBy="FinalObjectiveMetricValue", SortOrder="Descending"
    )["Candidates"]
    values = [each["FinalAutoMLJobObjectiveMetric"]["Value"] for each in listed]
    assert len(listed) == 3
    assert values == sorted(values, reverse=True)
    assert job["BestCandidate"] == listed[0]
    jobs = children(sagemaker, job["AutoMLJobArn"])
    assert len(jobs) == 5
    assert set(jobs.values()) == {"Completed"}
    steps = {step["CandidateStepName"] for each in listed for step in each["CandidateSteps"]}
    assert steps == set(jobs)
    for candidate in listed:
        assert [step["CandidateStepType"].rsplit(":", 1)[1] for step in candidate["CandidateSteps"]] == [
            "ProcessingJob",
            "ProcessingJob",
            "TrainingJob",
        ]
        last = candidate["CandidateSteps"][-1]
        assert last["CandidateStepName"] == candidate["CandidateName"]
        training = sagemaker.describe_training_job(TrainingJobName=last["CandidateStepName"])
        assert training["TrainingJobArn"] == last["CandidateStepArn"]
        assert candidate["InferenceContainers"][0]["ModelDataUrl"] == training["ModelArtifacts"]["S3ModelArtifacts"]
        assert candidate["InferenceContainers"][0]["ModelDataUrl"].startswith(f"{OUTPUT}/{name}/")
        metrics = {
            each["StandardMetricName"]: each["Value"]
            for each in candidate["CandidateProperties"]["CandidateMetrics"]
            if each["Set"] == "Validation"
        }
        assert set(metrics) == {"F1", "Accuracy", "AUC", "BalancedAccuracy", "Precision", "Recall", "LogLoss"}
        assert metrics["F1"] == pytest.approx(candidate["FinalAutoMLJobObjectiveMetric"]["Value"])
    trained = sagemaker.describe_training_job(TrainingJobName=listed[0]["CandidateName"])
    assert trained["HyperParameters"]["algorithms"].split(",")[0] in ALGORITHMS


def test_candidates_by_name_status_and_page(job: Any, sagemaker: Any) -> None:
    name = job["AutoMLJobName"]
    pages = sagemaker.get_paginator("list_candidates_for_auto_ml_job").paginate(
        AutoMLJobName=name, PaginationConfig={"PageSize": 2}
    )
    names = [[each["CandidateName"] for each in page["Candidates"]] for page in pages]
    assert [len(page) for page in names] == [2, 1]
    created = [each for page in names for each in page]
    assert [each.split("-")[2] for each in created] == ["t1", "t2", "t3"]
    (one,) = sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName=name, CandidateNameEquals=created[1])["Candidates"]
    assert one["CandidateName"] == created[1]
    assert sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName=name, StatusEquals="Failed")["Candidates"] == []


def test_the_best_candidate_is_deployed_and_predicts_as_well_as_it_says(job: Any, serving: Any, sagemaker: Any) -> None:
    best = job["BestCandidate"]
    (container,) = best["InferenceContainers"]
    container["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] = "predicted_label,probability"
    name = f"served-{uuid.uuid4().hex[:6]}"
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, Containers=[container])
    variant = {
        "VariantName": "all", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large",
    }  # fmt: skip
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    try:
        endpoint = until(
            lambda: sagemaker.describe_endpoint(EndpointName=name), lambda found: found["EndpointStatus"] != "Creating"
        )
        assert endpoint["EndpointStatus"] == "InService", endpoint
        rows = customers(300, 3)
        body = "".join(f"{features}\n" for features, _ in rows).encode()
        runtime = serving.client("sagemaker-runtime")
        answer = runtime.invoke_endpoint(EndpointName=name, Body=body, ContentType="text/csv")
        lines = [line.split(",") for line in answer["Body"].read().decode().splitlines()]
    finally:
        sagemaker.delete_endpoint(EndpointName=name)
    assert all(0.5 <= float(probability) <= 1 for _, probability in lines)
    pairs = list(zip([label for label, _ in lines], [label for _, label in rows], strict=True))
    assert f1(pairs) == pytest.approx(best["FinalAutoMLJobObjectiveMetric"]["Value"], abs=1e-6)
    assert f1(pairs) > 0.9, "the rule is found"


def f1(pairs: list[tuple[str, str]]) -> float:
    """By hand: of predicted and true labels, "yes" being the positive class."""
    right = sum(1 for predicted, true in pairs if predicted == true == "yes")
    wrong = sum(1 for predicted, true in pairs if predicted != true)
    return 2 * right / (2 * right + wrong)


def test_a_regression_by_the_second_version_transforms_a_batch(serving: Any, sagemaker: Any) -> None:
    rows = [(features, f"{int(features.split(',')[0]) * 10 + 0.5}") for features, _ in customers(600, 4)]
    uri = put_csv(serving, "automl/regression.csv", rows, HEADER)
    name = f"auto-{uuid.uuid4().hex[:8]}"
    tabular = {
        "TargetAttributeName": "bought",
        "Mode": "ENSEMBLING",
        "ProblemType": "Regression",
        "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["linear-learner"]}]},
    }
    given = channel(uri)
    del given["TargetAttributeName"]
    sagemaker.create_auto_ml_job_v2(
        AutoMLJobName=name,
        AutoMLJobInputDataConfig=[given],
        OutputDataConfig={"S3OutputPath": OUTPUT},
        AutoMLProblemTypeConfig={"TabularJobConfig": tabular},
        AutoMLJobObjective={"MetricName": "RMSE"},
        DataSplitConfig={"ValidationFraction": 0.25},
        RoleArn=ROLE,
    )
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.describe_auto_ml_job(AutoMLJobName=name)
    job = until(
        lambda: sagemaker.describe_auto_ml_job_v2(AutoMLJobName=name),
        lambda found: found["AutoMLJobStatus"] not in ("InProgress", "Stopping"),
        240,
    )
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Completed", "Completed"), job
    assert job["AutoMLProblemTypeConfigName"] == "Tabular"
    assert job["AutoMLProblemTypeConfig"] == {"TabularJobConfig": tabular}
    assert job["ResolvedAttributes"] == {
        "AutoMLJobObjective": {"MetricName": "RMSE"},
        "CompletionCriteria": {"MaxCandidates": 10},
        "AutoMLProblemTypeResolvedAttributes": {"TabularResolvedAttributes": {"ProblemType": "Regression"}},
    }
    best = job["BestCandidate"]
    metric = best["FinalAutoMLJobObjectiveMetric"]
    assert (metric["Type"], metric["MetricName"]) == ("Minimize", "RMSE")
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=best["InferenceContainers"][0])
    held = customers(100, 5)
    features = "".join(f"{line}\n" for line, _ in held).encode()
    serving.aws("s3").put_object(Bucket="job-data", Key="automl/held/rows.csv", Body=features)
    sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=name,
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://job-data/automl/held/"}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        BatchStrategy="MultiRecord",
        TransformOutput={"S3OutputPath": "s3://job-data/automl/transformed", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    transform = until(
        lambda: sagemaker.describe_transform_job(TransformJobName=name),
        lambda found: found["TransformJobStatus"] not in ("InProgress", "Stopping"),
    )
    assert transform["TransformJobStatus"] == "Completed", transform
    body = serving.aws("s3").get_object(Bucket="job-data", Key="automl/transformed/rows.csv.out")["Body"].read()
    predicted = [float(line) for line in body.decode().split()]
    errors = [
        (value - (int(line.split(",")[0]) * 10 + 0.5)) ** 2 for value, (line, _) in zip(predicted, held, strict=True)
    ]
    assert (sum(errors) / len(errors)) ** 0.5 == pytest.approx(metric["Value"], rel=0.5)
    assert metric["Value"] < 15, "the target is ten times the age"
