"""What an Autopilot job makes of the ends of its candidates' jobs; these end here as a test says, at once."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from tests.localstack.services.sagemaker.automl.jobs import first
from tests.localstack.services.sagemaker.conftest import ControlPlane
from tests.localstack.services.sagemaker.inputs import unique

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.jobs.automl.job import CANDIDATES, AutoMLJob

ALGORITHMS = ("xgboost", "randomforest", "extra-trees")
Record = dict[str, Any]
Outcome = tuple[str, dict[str, float] | str]


class Cloud:
    """The operations that an Autopilot job calls. ``outcomes`` are those of the training jobs, in order: their status, and
    their metrics or the reason of their failure. ``created`` are the requests."""

    def __init__(self, plane: ControlPlane, outcomes: list[Outcome]) -> None:
        self.context = dataclasses.replace(plane.context(), call=self.call)
        self.outcomes = list(outcomes)
        self.created: list[Record] = []
        self.job: AutoMLJob | None = None
        self.on_last: Any = lambda: None

    def call(self, operation: str, request: Record) -> Record:
        store, scope = self.context.store, self.context.scope
        kind = operation.removeprefix("Create").removeprefix("Stop")
        name = request[f"{kind}Name"]
        if operation.startswith("Stop"):
            store.update(scope, kind, name, lambda record: record.update({f"{kind}Status": "Stopped"}))
            return {}
        self.created.append(request)
        status, more = ("Completed", {}) if kind == "ProcessingJob" else self.outcomes.pop(0)
        record = {
            **request,
            f"{kind}Arn": f"arn:{name}",
            f"{kind}Status": status,
            "CreationTime": float(len(self.created)),
            "LastModifiedTime": 1.0,
            "TrainingEndTime": 1.0,
            "ModelArtifacts": {"S3ModelArtifacts": f"s3://job-data/{name}/model.tar.gz"},
        }
        if isinstance(more, str):
            record["FailureReason"] = more
        else:
            record["FinalMetricDataList"] = [{"MetricName": each, "Value": value} for each, value in more.items()]
        store.put(scope, kind, name, record)
        if not self.outcomes and kind == "TrainingJob":
            self.on_last()
        return {}


def run(
    plane: ControlPlane,
    monkeypatch: pytest.MonkeyPatch,
    outcomes: list[Outcome],
    on_last: Any = None,
    problem: str = "BinaryClassification",
    **criteria: int,
) -> tuple[Record, Cloud]:
    """The record of a job at its end; ``on_last(job)`` is called when its last candidate has been started."""
    cloud = Cloud(plane, outcomes)
    asked = first("s3://job-data/x.csv", algorithms=ALGORITHMS, criteria={"MaxCandidates": len(outcomes), **criteria})
    name = unique()
    record = {
        **asked,
        "AutoMLJobName": name,
        "AutoMLJobArn": f"arn:{name}",
        "AutoMLJobStatus": "InProgress",
        "AutoMLJobSecondaryStatus": "Starting",
        CANDIDATES: [],
    }
    cloud.context.store.put(cloud.context.scope, "AutoMLJob", name, record)
    monkeypatch.setattr(AutoMLJob, "_found", lambda _job, _uri: {"problem_type": problem})
    job = AutoMLJob(cloud.context, record)
    if on_last is not None:
        cloud.on_last = lambda: on_last(job)
    job.run()
    found = plane.store.get(cloud.context.scope, "AutoMLJob", name)
    assert found is not None
    return found, cloud


def scored(value: float, metric: str = "F1") -> Outcome:
    return "Completed", {f"validation:{metric}": value, f"train:{metric}": 1.0, "validation:LogLoss": 0.5}


def out_of_time(job: AutoMLJob) -> None:
    job._deadline = 0.0


def test_the_first_of_the_best_is_chosen(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    job, cloud = run(control_plane, monkeypatch, [scored(0.5), scored(0.9), scored(0.9)])
    names = [each["CandidateName"] for each in job[CANDIDATES]]
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Completed", "MaxCandidatesReached")
    best = job["BestCandidate"]
    assert best["CandidateName"] == names[1]
    assert best["FinalAutoMLJobObjectiveMetric"] == {
        "Type": "Maximize", "MetricName": "F1", "StandardMetricName": "F1", "Value": 0.9,
    }  # fmt: skip
    assert best["CandidateProperties"]["CandidateMetrics"] == [
        {"MetricName": "F1", "StandardMetricName": "F1", "Set": "Validation", "Value": 0.9},
        {"MetricName": "F1", "StandardMetricName": "F1", "Set": "Train", "Value": 1.0},
        {"StandardMetricName": "LogLoss", "Set": "Validation", "Value": 0.5},
    ]
    settings = [each["HyperParameters"]["algorithms"] for each in cloud.created if "HyperParameters" in each]
    assert settings == [",".join(ALGORITHMS), "xgboost", "randomforest"]
    assert "PartialFailureReasons" not in job


def test_an_error_is_the_better_the_smaller(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = [scored(3.0, "MSE"), scored(1.0, "MSE"), scored(2.0, "MSE")]
    job, _ = run(control_plane, monkeypatch, outcomes, problem="Regression")
    metric = job["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]
    assert (metric["Type"], metric["Value"]) == ("Minimize", 1.0)
    (container,) = job["BestCandidate"]["InferenceContainers"]
    assert "SAGEMAKER_INFERENCE_OUTPUT" not in container["Environment"], "of classifications only"


def test_candidates_that_fail_are_told_of(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = [("Failed", "AlgorithmError: no"), scored(0.4), ("Completed", {"validation:Accuracy": 0.9})]
    job, _ = run(control_plane, monkeypatch, outcomes)
    assert job["AutoMLJobStatus"] == "Completed"
    assert job["PartialFailureReasons"] == [{"PartialFailureMessage": "AlgorithmError: no"}]
    failed, good, unmeasured = job[CANDIDATES]
    assert (failed["CandidateStatus"], failed["ObjectiveStatus"]) == ("Failed", "Failed")
    assert failed["FailureReason"] == "AlgorithmError: no"
    assert job["BestCandidate"] == good
    assert (unmeasured["CandidateStatus"], unmeasured["ObjectiveStatus"]) == ("Completed", "Failed")
    assert "FinalAutoMLJobObjectiveMetric" not in unmeasured


def test_without_a_good_candidate_it_fails(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    job, _ = run(control_plane, monkeypatch, [("Failed", "AlgorithmError: no"), ("Failed", "other")])
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Failed", "Failed")
    assert (
        job["FailureReason"] == "ClientError: none of the candidates could be trained and measured: AlgorithmError: no"
    )


def test_out_of_time_the_best_so_far_is_kept(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    job, _ = run(control_plane, monkeypatch, [scored(0.8), ("InProgress", {})], out_of_time)
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Completed", "MaxAutoMLJobRuntimeReached")
    assert [each["CandidateStatus"] for each in job[CANDIDATES]] == ["Completed", "Stopped"]
    assert job["BestCandidate"] == job[CANDIDATES][0]


def test_stopped_it_keeps_the_best_so_far(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    job, _ = run(control_plane, monkeypatch, [scored(0.8), ("InProgress", {})], AutoMLJob.ask_to_stop)
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Stopped", "Stopped")
    assert [each["CandidateStatus"] for each in job[CANDIDATES]] == ["Completed", "Stopped"]
    assert job["BestCandidate"] == job[CANDIDATES][0]


def test_what_is_deleted_meanwhile_stays_a_candidate(
    control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete(job: AutoMLJob) -> None:
        (name,) = job._shown
        job.context.store.delete(job.context.scope, "TrainingJob", name)

    job, _ = run(control_plane, monkeypatch, [scored(0.8), scored(0.7)], delete)
    assert [each["CandidateStatus"] for each in job[CANDIDATES]] == ["Completed", "Completed"]


def test_a_name_is_taken_in_any_case(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    job, _ = run(control_plane, monkeypatch, [scored(0.8)])
    asked = first("s3://job-data/x.csv")
    asked["AutoMLJobName"] = job["AutoMLJobName"].upper()
    with pytest.raises(ServiceError) as raised:
        control_plane.call("CreateAutoMLJob", **asked)
    assert raised.value.code == "ResourceInUse"


def test_while_it_stops_it_says_so(control_plane: ControlPlane) -> None:
    name, scope = unique(), control_plane.context().scope
    record = {"AutoMLJobName": name, "AutoMLJobArn": "arn:x", "AutoMLJobStatus": "InProgress", "CreationTime": 1.0}
    record |= {"AutoMLJobSecondaryStatus": "ModelTuning", "LastModifiedTime": 1.0}
    control_plane.store.put(scope, "AutoMLJob", name, record)
    control_plane.call("StopAutoMLJob", AutoMLJobName=name)
    described = control_plane.call("DescribeAutoMLJob", AutoMLJobName=name)
    assert (described["AutoMLJobStatus"], described["AutoMLJobSecondaryStatus"]) == ("Stopping", "Stopping")


def test_the_second_version_tells_of_the_first(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    job, _ = run(control_plane, monkeypatch, [scored(0.8)])
    told = control_plane.call("DescribeAutoMLJobV2", AutoMLJobName=job["AutoMLJobName"])
    assert told["AutoMLJobInputDataConfig"] == [{"DataSource": job["InputDataConfig"][0]["DataSource"]}]
    tabular = told["AutoMLProblemTypeConfig"]["TabularJobConfig"]
    assert tabular == {
        "TargetAttributeName": "bought",
        "Mode": "ENSEMBLING",
        "CompletionCriteria": {"MaxCandidates": 1},
        "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": list(ALGORITHMS)}]},
    }
    assert told["AutoMLProblemTypeConfigName"] == "Tabular"
    assert told["ResolvedAttributes"] == {
        "AutoMLJobObjective": {"MetricName": "F1"},
        "CompletionCriteria": {"MaxCandidates": 1},
        "AutoMLProblemTypeResolvedAttributes": {"TabularResolvedAttributes": {"ProblemType": "BinaryClassification"}},
    }
    assert told["BestCandidate"] == job["BestCandidate"]
    assert not {"InputDataConfig", "AutoMLJobConfig"} & set(told)
