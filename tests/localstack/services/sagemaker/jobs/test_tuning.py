"""Tuning jobs that really run training jobs."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.waiting import until

pytestmark = pytest.mark.cloud

ROLE = "arn:aws:iam::000000000000:role/training"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:v1"
DONE = ("Completed", "Failed", "Stopped")

TRAIN = """
import json, os, sys, time

base = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
with open(f"{base}/input/config/hyperparameters.json") as file:
    given = json.load(file)
with open(f"{base}/model/given.json", "w") as file:
    json.dump(given, file)
if given.get("mode") == "fail":
    sys.exit("the data has no label")
if given.get("mode") == "silent":
    sys.exit(0)
if given.get("mode") == "sleep":
    print("ready", flush=True)
    time.sleep(300)
x = float(given["x"])
for epoch in range(1, int(given.get("epochs", 1)) + 1):
    print(f"epoch {epoch} score={x};", flush=True)
    if "pause" in given:
        time.sleep(float(given["pause"]))
if "bad" in given and x < float(given["bad"]):
    time.sleep(300)
"""


@pytest.fixture(scope="module")
def sagemaker(serving: Any) -> Any:
    serving.image(train=TRAIN)
    return serving.client()


def definition(**static: str) -> dict[str, Any]:
    return {
        "StaticHyperParameters": static,
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "score", "Regex": r"score=([0-9.]+);"}],
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://job-data/tuned"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }


RANGES = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1", "ScalingType": "Linear"}]}
OBJECTIVE = {"Type": "Maximize", "MetricName": "score"}


def config(strategy: str = "Random", jobs: int | None = 3, parallel: int = 2, **more: Any) -> dict[str, Any]:
    limits: dict[str, Any] = {"MaxParallelTrainingJobs": parallel, **more.pop("limits", {})}
    if jobs is not None:
        limits["MaxNumberOfTrainingJobs"] = jobs
    return {
        "Strategy": strategy,
        "HyperParameterTuningJobObjective": OBJECTIVE,
        "ResourceLimits": limits,
        "ParameterRanges": RANGES,
        "RandomSeed": 2,
        **more,
    }


def request(configuration: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "HyperParameterTuningJobName": f"tune-{uuid.uuid4().hex[:8]}",
        "HyperParameterTuningJobConfig": configuration,
        **({} if "TrainingJobDefinitions" in more else {"TrainingJobDefinition": definition()}),
        **more,
    }


def start(sagemaker: Any, asked: dict[str, Any]) -> str:
    name: str = asked["HyperParameterTuningJobName"]
    sagemaker.create_hyper_parameter_tuning_job(**asked)
    return name


def describe(sagemaker: Any, name: str) -> Any:
    return sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


def run(sagemaker: Any, asked: dict[str, Any]) -> Any:
    name = start(sagemaker, asked)
    return until(lambda: describe(sagemaker, name), lambda job: job["HyperParameterTuningJobStatus"] in DONE)


def jobs_of(sagemaker: Any, name: str, **more: Any) -> list[Any]:
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName=name, **more
    )
    return [summary for page in pages for summary in page["TrainingJobSummaries"]]


def test_a_tuning_job(serving: Any, sagemaker: Any) -> None:
    asked = request(config(jobs=4), Tags=[{"Key": "team", "Value": "a"}])
    job = run(sagemaker, asked)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    name = job["HyperParameterTuningJobName"]
    assert job["HyperParameterTuningJobArn"].endswith(f":hyper-parameter-tuning-job/{name}")
    assert job["HyperParameterTuningJobConfig"] == asked["HyperParameterTuningJobConfig"]
    assert job["TrainingJobDefinition"] == asked["TrainingJobDefinition"]
    assert job["TrainingJobStatusCounters"] == {
        "Completed": 4, "InProgress": 0, "RetryableError": 0, "NonRetryableError": 0, "Stopped": 0,
    }  # fmt: skip
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 4, "Pending": 0, "Failed": 0}
    assert job["ConsumedResources"]["RuntimeInSeconds"] >= 1
    assert "OverallBestTrainingJob" not in job
    assert "TuningJobCompletionDetails" not in job
    found = jobs_of(sagemaker, name, SortBy="FinalObjectiveMetricValue", SortOrder="Descending", MaxResults=3)
    values = [each["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for each in found]
    assert len(values) == 4
    assert values == sorted(values, reverse=True)
    assert job["BestTrainingJob"]["TrainingJobName"] == found[0]["TrainingJobName"]
    assert found[0]["FinalHyperParameterTuningJobObjectiveMetric"]["MetricName"] == "score"
    assert found[0]["FinalHyperParameterTuningJobObjectiveMetric"]["Type"] == "Maximize"
    assert found[0]["ObjectiveStatus"] == "Succeeded"
    # The metric travels in single precision, as on AWS.
    assert float(found[0]["TunedHyperParameters"]["x"]) == pytest.approx(values[0], rel=1e-6)
    names = [each["TrainingJobName"] for each in jobs_of(sagemaker, name)]
    assert all(re.fullmatch(rf"{name}-00[1-4]-[0-9a-f]{{8}}", each) for each in names)
    assert names == sorted(names)
    training = sagemaker.describe_training_job(TrainingJobName=names[0])
    assert training["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    assert training["HyperParameters"]["_tuning_objective_metric"] == "score"
    assert sagemaker.list_tags(ResourceArn=training["TrainingJobArn"])["Tags"] == asked["Tags"]
    assert not [member for member in training if member.startswith("_")]
    key = f"tuned/{names[0]}/output/model.tar.gz"
    assert serving.aws("s3").head_object(Bucket="job-data", Key=key)["ContentLength"] > 0
    listed = sagemaker.list_hyper_parameter_tuning_jobs(NameContains=name)["HyperParameterTuningJobSummaries"][0]
    assert listed["Strategy"] == "Random"
    assert listed["ObjectiveStatusCounters"]["Succeeded"] == 4


def test_the_same_seed_tunes_the_same(sagemaker: Any) -> None:
    def tried() -> list[str]:
        name = run(sagemaker, request(config(jobs=2)))["HyperParameterTuningJobName"]
        return [each["TunedHyperParameters"]["x"] for each in jobs_of(sagemaker, name)]

    assert tried() == tried()


def test_a_grid(sagemaker: Any) -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["0.25", "0.5"]}]}
    job = run(sagemaker, request(config("Grid", jobs=None, ParameterRanges=ranges)))
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"x": "0.5"}
    assert job["TrainingJobStatusCounters"]["Completed"] == 2


def test_bayesian_with_a_target_stops_what_runs(sagemaker: Any) -> None:
    criteria = {"TargetObjectiveMetricValue": 0.0}
    job = run(sagemaker, request(config("Bayesian", jobs=20, TuningJobCompletionCriteria=criteria)))
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    counters = job["TrainingJobStatusCounters"]
    assert counters["InProgress"] == 0
    assert counters["Completed"] + counters["Stopped"] <= 4


def test_not_improving(sagemaker: Any) -> None:
    criteria = {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}
    ranges = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["0.5"]}]}
    job = run(sagemaker, request(config(jobs=30, TuningJobCompletionCriteria=criteria, ParameterRanges=ranges)))
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TuningJobCompletionDetails"]["NumberOfTrainingJobsObjectiveNotImproving"] >= 3
    assert sum(job["TrainingJobStatusCounters"].values()) < 10


def test_early_stopping_really_stops_training_jobs(sagemaker: Any) -> None:
    """A grid of one good and several bad values, one after the other: bad ones after the good one do not end by themselves."""
    ranges = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["0.9", "0.1", "0.2", "0.3"]}]}
    asked = request(
        config("Grid", jobs=None, parallel=1, ParameterRanges=ranges, TrainingJobEarlyStoppingType="Auto"),
        TrainingJobDefinition=definition(epochs="4", pause="0.1", bad="0.5"),
    )
    job = run(sagemaker, asked)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    found = jobs_of(sagemaker, job["HyperParameterTuningJobName"])
    stopped = [each for each in found if each["TrainingJobStatus"] == "Stopped"]
    assert stopped
    assert job["TrainingJobStatusCounters"]["Stopped"] == len(stopped)
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"x": "0.9"}
    assert all(each["ObjectiveStatus"] == "Succeeded" for each in stopped)


def test_hyperband_stops_at_most_epochs(sagemaker: Any) -> None:
    strategy = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 3}}
    asked = request(
        config("Hyperband", jobs=4, StrategyConfig=strategy),
        TrainingJobDefinition=definition(epochs="400", pause="0.3"),
    )
    job = run(sagemaker, asked)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    assert job["TrainingJobStatusCounters"]["Stopped"] == 4, "none may run to its end of 400 epochs"
    assert job["ObjectiveStatusCounters"]["Succeeded"] == 4
    assert "BestTrainingJob" in job


def test_several_definitions(sagemaker: Any) -> None:
    common = {"TuningObjective": OBJECTIVE, "HyperParameterRanges": RANGES}
    both = [{**definition(), **common, "DefinitionName": name} for name in ("one", "two")]
    configuration = config(jobs=4)
    del configuration["HyperParameterTuningJobObjective"], configuration["ParameterRanges"]
    job = run(sagemaker, request(configuration, TrainingJobDefinitions=both))
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    found = jobs_of(sagemaker, job["HyperParameterTuningJobName"])
    assert sorted(each["TrainingJobDefinitionName"] for each in found) == ["one", "one", "two", "two"]


def test_warm_start(sagemaker: Any) -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["0.95"]}]}
    parent = run(sagemaker, request(config(jobs=1, parallel=1, ParameterRanges=ranges)))
    warm = {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": parent["HyperParameterTuningJobName"]}],
        "WarmStartType": "IdenticalDataAndAlgorithm",
    }
    lower = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "0.5"}]}
    job = run(sagemaker, request(config("Bayesian", jobs=2, ParameterRanges=lower), WarmStartConfig=warm))
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    assert job["WarmStartConfig"] == warm
    overall = job["OverallBestTrainingJob"]
    assert overall["TrainingJobName"] == parent["BestTrainingJob"]["TrainingJobName"]
    assert overall["TuningJobName"] == parent["HyperParameterTuningJobName"]
    assert job["BestTrainingJob"]["TrainingJobName"].startswith(job["HyperParameterTuningJobName"])
    with pytest.raises(ClientError, match="number of static and tuned"):
        start(sagemaker, request(config(), WarmStartConfig=warm, TrainingJobDefinition=definition(more="1")))
    other = definition()
    other["AlgorithmSpecification"] = {**other["AlgorithmSpecification"], "TrainingImage": IMAGE.replace("models", "x")}
    with pytest.raises(ClientError, match="training image and data"):
        start(sagemaker, request(config(), WarmStartConfig=warm, TrainingJobDefinition=other))
    minimize = config(HyperParameterTuningJobObjective={**OBJECTIVE, "Type": "Minimize"})
    with pytest.raises(ClientError, match="objective metric of the parent"):
        start(sagemaker, request(minimize, WarmStartConfig=warm))
    transfer = {**warm, "WarmStartType": "TransferLearning"}
    job = run(sagemaker, request(config("Bayesian", jobs=1, parallel=1), WarmStartConfig=transfer))
    assert "OverallBestTrainingJob" not in job


@pytest.mark.slow
def test_the_built_in_algorithm_needs_no_metric_definitions(serving: Any, sagemaker: Any) -> None:
    rows = "\n".join(f"{number % 2},{number % 2 + number / 100},{number}" for number in range(60))
    for channel in ("train", "validation"):
        serving.aws("s3").put_object(Bucket="job-data", Key=f"tuned/{channel}/rows.csv", Body=rows.encode())
    built_in = definition(num_round="5", objective="binary:logistic", eval_metric="logloss")
    built_in["AlgorithmSpecification"] = {
        "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0",
        "TrainingInputMode": "File",
    }
    built_in["InputDataConfig"] = [
        {
            "ChannelName": channel,
            "ContentType": "text/csv",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://job-data/tuned/{channel}/"}},
        }
        for channel in ("train", "validation")
    ]
    ranges = {"IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "1", "MaxValue": "4"}]}
    objective = {"Type": "Minimize", "MetricName": "validation:logloss"}
    asked = request(
        config("Bayesian", jobs=2, ParameterRanges=ranges, HyperParameterTuningJobObjective=objective),
        TrainingJobDefinition=built_in,
    )
    name = start(sagemaker, asked)
    job = until(
        lambda: describe(sagemaker, name), lambda found: found["HyperParameterTuningJobStatus"] in DONE, seconds=240
    )
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    best = job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]
    assert best["MetricName"] == "validation:logloss"
    assert 0 < best["Value"] < 0.7


@pytest.mark.parametrize(
    ("mode", "text"),
    [("fail", "No training job succeeded after 3 attempts"), ("silent", "No objective metrics found after running 3")],
)
def test_a_tuning_job_that_finds_nothing_fails(sagemaker: Any, mode: str, text: str) -> None:
    job = run(sagemaker, request(config(jobs=3, parallel=3), TrainingJobDefinition=definition(mode=mode)))
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert text in job["FailureReason"]
    assert "BestTrainingJob" not in job
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 0, "Pending": 0, "Failed": 3}
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == (3 if mode == "fail" else 0)
    assert jobs_of(sagemaker, job["HyperParameterTuningJobName"], SortBy="FinalObjectiveMetricValue") == []


def test_stop_stops_the_training_jobs(sagemaker: Any) -> None:
    name = start(sagemaker, request(config(jobs=5), TrainingJobDefinition=definition(mode="sleep")))
    until(lambda: jobs_of(sagemaker, name, StatusEquals="InProgress"), lambda found: len(found) == 2)
    with pytest.raises(ClientError, match="cannot be deleted"):
        sagemaker.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    job = until(lambda: describe(sagemaker, name), lambda found: found["HyperParameterTuningJobStatus"] in DONE)
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 2
    assert "FailureReason" not in job
    with pytest.raises(ClientError, match="in status Stopped"):
        sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    sagemaker.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    with pytest.raises(ClientError, match=name):
        describe(sagemaker, name)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"HyperParameterTuningJobConfig": config("Grid", jobs=None)}, "categorical"),
        ({"HyperParameterTuningJobConfig": config("Hyperband")}, "MaxResource"),
        ({"HyperParameterTuningJobConfig": config(jobs=None)}, "MaxNumberOfTrainingJobs"),
        ({"HyperParameterTuningJobConfig": config(jobs=1, parallel=2)}, "MaxParallelTrainingJobs"),
        ({"TrainingJobDefinition": definition(x="1")}, "static and tuned"),
        ({"Autotune": {"Mode": "Enabled"}}, "Autotune"),
        ({"TrainingJobDefinitions": [definition()]}, "Exactly one of"),
        (
            {
                "WarmStartConfig": {
                    "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "nothing"}],
                    "WarmStartType": "TransferLearning",
                }
            },
            "nothing",
        ),
        (
            {
                "HyperParameterTuningJobConfig": config(
                    HyperParameterTuningJobObjective={"Type": "Minimize", "MetricName": "loss"}
                )
            },
            "MetricDefinitions",
        ),
    ],
)
def test_what_is_refused(sagemaker: Any, change: dict[str, Any], text: str) -> None:
    with pytest.raises(ClientError, match=text) as refused:
        start(sagemaker, request(config(), **{}) | change)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_events_reach_a_rule(serving: Any, sagemaker: Any) -> None:
    sqs, events = serving.aws("sqs"), serving.aws("events")
    queue = sqs.create_queue(QueueName="tuning")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"detail-type": ["SageMaker HyperParameter Tuning Job State Change"]}
    events.put_rule(Name="tuning", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="tuning", Targets=[{"Id": "queue", "Arn": arn}])
    name = run(sagemaker, request(config(jobs=1, parallel=1)))["HyperParameterTuningJobName"]
    seen: list[Any] = []

    def statuses() -> list[str]:
        messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", [])
        seen.extend(json.loads(each["Body"])["detail"] for each in messages)
        return [each["HyperParameterTuningJobStatus"] for each in seen if each["HyperParameterTuningJobName"] == name]

    until(statuses, lambda found: "InProgress" in found and "Completed" in found)
    events.remove_targets(Rule="tuning", Ids=["queue"])


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_an_end_of_the_cloud_fails_the_job(serving: Any, sagemaker: Any, how: str) -> None:
    """Last of this file's tests: it restarts the process."""
    name = start(sagemaker, request(config(jobs=5), TrainingJobDefinition=definition(mode="sleep")))
    until(lambda: jobs_of(sagemaker, name, StatusEquals="InProgress"), lambda found: len(found) == 2)
    getattr(serving, how)()
    serving.start()
    job = describe(sagemaker, name)
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert "while this job was running" in job["FailureReason"]
    assert job["TrainingJobStatusCounters"]["InProgress"] == 0
    assert [each["TrainingJobStatus"] for each in jobs_of(sagemaker, name)] == ["Failed", "Failed"]
