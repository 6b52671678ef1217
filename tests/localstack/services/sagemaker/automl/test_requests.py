"""Requests of Autopilot jobs that are refused: as AWS refuses them, or by the name of what does not run here."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from tests.localstack.services.sagemaker.automl.jobs import OUTPUT, ROLE, channel, first
from tests.localstack.services.sagemaker.conftest import ControlPlane

from penstock_services.errors import ServiceError
from penstock_services.execution.aws_accounts import ALGORITHMS, ALGORITHMS_BY_REGION
from penstock_services.sagemaker.jobs.automl import candidates
from penstock_services.sagemaker.jobs.automl.request import asked

URI = "s3://job-data/automl/train.csv"


def put(request: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The request with another value at a path ("InputDataConfig.0.ContentType")."""
    changed: Any = copy.deepcopy(request)
    inner, steps = changed, path.split(".")
    for step in steps[:-1]:
        inner = inner[int(step)] if step.isdigit() else inner.setdefault(step, {})
    inner[steps[-1]] = value
    return dict(changed)


def second(**tabular: Any) -> dict[str, Any]:
    given = channel(URI)
    del given["TargetAttributeName"]
    return {
        "AutoMLJobName": "second",
        "AutoMLJobInputDataConfig": [given],
        "OutputDataConfig": {"S3OutputPath": OUTPUT},
        "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "bought", **tabular}},
        "RoleArn": ROLE,
    }


def refused(plane: ControlPlane, operation: str, request: dict[str, Any]) -> ServiceError:
    with pytest.raises(ServiceError) as raised:
        plane.call(operation, **request)
    assert plane.call("ListAutoMLJobs")["AutoMLJobSummaries"] == [], "nothing was made"
    return raised.value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("ProblemType", "Regression", "Either both of ProblemType and AutoMLJobObjective"),
        ("AutoMLJobObjective", {"MetricName": "F1"}, "Either both of ProblemType and AutoMLJobObjective"),
        ("AutoMLJobConfig.DataSplitConfig", {"ValidationFraction": 1.0}, "greater than 0 and less than 1"),
        ("AutoMLJobConfig.Mode", "AUTO", "should not be set if the training mode is set on AUTO"),
        ("OutputDataConfig.S3OutputPath", "s3://b/" + "a" * 510, "512 characters or less"),
        ("OutputDataConfig.S3OutputPath", "https://bucket/key", "is not an S3 URI"),
        ("InputDataConfig.0.ContentType", "text/csv;header=absent", "ContentType must be"),
        ("InputDataConfig.0.ChannelType", "validation", "There must be a training channel"),
        ("InputDataConfig.0.DataSource.S3DataSource.S3DataType", "AugmentedManifestFile", "is not supported"),
        ("InputDataConfig.0.DataSource.S3DataSource.S3Uri", "https://bucket/key", "is not an S3 URI"),
        ("InputDataConfig", [channel(URI), channel(URI)], "training is there twice"),
        ("InputDataConfig", [channel(URI), channel(URI, "x", ChannelType="validation")], "share the same Target"),
        ("InputDataConfig", [{"TargetAttributeName": "bought"}], "DataSource must be given"),
    ],
)
def test_what_aws_refuses(control_plane: ControlPlane, path: str, value: Any, message: str) -> None:
    error = refused(control_plane, "CreateAutoMLJob", put(first(URI), path, value))
    assert error.code == "ValidationException"
    assert message in error.message


def test_a_metric_must_be_one_of_the_problem_type(control_plane: ControlPlane) -> None:
    for problem, metric in (("Regression", "F1"), ("BinaryClassification", "MSE"), ("MulticlassClassification", "AUC")):
        request = first(URI, ProblemType=problem, AutoMLJobObjective={"MetricName": metric})
        error = refused(control_plane, "CreateAutoMLJob", request)
        assert (error.code, metric in error.message) == ("ValidationException", True)


def test_the_default_objectives_are_awss() -> None:
    defaults = {problem: metrics[0] for problem, metrics in candidates.METRICS.items()}
    assert defaults == {"BinaryClassification": "F1", "MulticlassClassification": "Accuracy", "Regression": "MSE"}


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("ModelDeployConfig", {"AutoGenerateEndpointName": True}, "ModelDeployConfig"),
        ("GenerateCandidateDefinitionsOnly", True, "GenerateCandidateDefinitionsOnly"),
        ("AutoMLJobConfig.Mode", "HYPERPARAMETER_TUNING", "HYPERPARAMETER_TUNING"),
        ("InputDataConfig.0.SampleWeightAttributeName", "age", "SampleWeightAttributeName"),
        ("AutoMLJobConfig.CandidateGenerationConfig.FeatureSpecificationS3Uri", URI, "FeatureSpecificationS3Uri"),
        (
            "AutoMLJobConfig.CandidateGenerationConfig.AlgorithmsConfig",
            [{"AutoMLAlgorithms": ["xgboost", "catboost"]}],
            "the algorithm catboost",
        ),
    ],
)
def test_what_does_not_run_here_is_refused_by_name(
    control_plane: ControlPlane, path: str, value: Any, named: str
) -> None:
    error = refused(control_plane, "CreateAutoMLJob", put(first(URI), path, value))
    assert (error.code, error.status) == ("NotImplementedException", 501)
    assert named in error.message


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("ImageClassificationJobConfig", {}),
        ("TextClassificationJobConfig", {"ContentColumn": "note", "TargetLabelColumn": "bought"}),
        ("TextGenerationJobConfig", {}),
        (
            "TimeSeriesForecastingJobConfig",
            {
                "ForecastFrequency": "1D",
                "ForecastHorizon": 7,
                "TimeSeriesConfig": {
                    "TargetAttributeName": "sold",
                    "TimestampAttributeName": "day",
                    "ItemIdentifierAttributeName": "item",
                },
            },
        ),
    ],
)
def test_other_problem_types_are_refused_by_name(control_plane: ControlPlane, name: str, config: Any) -> None:
    error = refused(control_plane, "CreateAutoMLJobV2", put(second(), "AutoMLProblemTypeConfig", {name: config}))
    assert (error.code, error.status) == ("NotImplementedException", 501)
    assert name in error.message


def test_the_second_version_is_refused_by_name_too(control_plane: ControlPlane) -> None:
    compute = {"EmrServerlessComputeConfig": {"ExecutionRoleARN": ROLE}}
    for request, named in (
        (put(second(), "AutoMLComputeConfig", compute), "AutoMLComputeConfig"),
        (second(Mode="HYPERPARAMETER_TUNING"), "HYPERPARAMETER_TUNING"),
        (second(GenerateCandidateDefinitionsOnly=True), "GenerateCandidateDefinitionsOnly"),
        (second(SampleWeightAttributeName="age"), "SampleWeightAttributeName"),
    ):
        error = refused(control_plane, "CreateAutoMLJobV2", request)
        assert (error.code, named in error.message) == ("NotImplementedException", True)
    error = refused(control_plane, "CreateAutoMLJobV2", put(second(), "AutoMLProblemTypeConfig", {}))
    assert error.code == "ValidationException"


def test_what_is_not_there(control_plane: ControlPlane) -> None:
    for operation in ("DescribeAutoMLJob", "DescribeAutoMLJobV2", "StopAutoMLJob", "ListCandidatesForAutoMLJob"):
        error = refused(control_plane, operation, {"AutoMLJobName": "none"})
        assert error.code == "ResourceNotFound"


def test_settings_that_are_not_given() -> None:
    request = second()
    found = asked(request)
    assert (found.mode, found.most, found.fraction, found.problem_type) == ("AUTO", 10, 0.2, None)
    assert found.algorithms == candidates.SERVED
    settings = candidates.settings(found.algorithms, found.most)
    assert len(settings) == 10
    assert settings[0] == {"algorithms": ",".join(candidates.SERVED)}
    assert len({tuple(each.items()) for each in settings}) == 10, "no candidate is there twice"
    assert candidates.settings(("xgboost",), 2)[0] == {"algorithms": "xgboost"}


def test_a_content_type_may_be_left_to_the_default() -> None:
    request = first(URI)
    request["InputDataConfig"].append(channel(URI, ChannelType="validation", ContentType="text/csv; header=present"))
    found = asked(request)
    assert found.validation == {"S3DataType": "S3Prefix", "S3Uri": URI}
    request["InputDataConfig"][1]["ContentType"] = "x-application/vnd.amazon+parquet"
    with pytest.raises(ServiceError, match="must share the same ContentType"):
        asked(request)


def test_every_regions_account_is_one_of_awss() -> None:
    assert set(ALGORITHMS_BY_REGION.values()) <= ALGORITHMS
    assert ALGORITHMS_BY_REGION["eu-west-1"] == "141502667606"
