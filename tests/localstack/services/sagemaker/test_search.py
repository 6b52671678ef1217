"""Search: expressions, nested filters, sorting, pages, and every resource type."""

from __future__ import annotations

from typing import Any

import pytest
from tests.localstack.services.sagemaker.conftest import HERE, ControlPlane

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.search.resources import RESOURCES

MODEL = load("sagemaker")
ARN = "arn:aws:sagemaker:us-east-1:000000000000:training-job/"


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> ControlPlane:
    plane = ControlPlane(tmp_path_factory.mktemp("search"))
    for number in range(5):
        name = f"job-{number}"
        record = {
            "TrainingJobName": name,
            "TrainingJobArn": ARN + name,
            "TrainingJobStatus": "Completed" if number % 2 else "Failed",
            "HyperParameters": {"depth": str(number), "rate": f"0.{number}", "a.b": "dotted"},
            "InputDataConfig": [
                {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": f"s3://lake/{number}/train"}}},
                {"ChannelName": "test", "DataSource": {"S3DataSource": {"S3Uri": f"s3://other/{number}/test"}}},
            ],
            "FinalMetricDataList": [{"MetricName": "auc", "Value": number / 10, "Timestamp": 1_700_000_000.0}],
            "EnableManagedSpotTraining": number == 3,
            "CreationTime": 1_700_000_000.0 + number,
            "LastModifiedTime": 1_700_000_100.0 - number,
        }
        plane.store.put(HERE, "TrainingJob", name, record)
        plane.call("AddTags", ResourceArn=ARN + name, Tags=[{"Key": "team", "Value": "red" if number < 2 else "blue"}])
    return plane


def names(plane: ControlPlane, expression: dict[str, Any] | None = None, **more: Any) -> list[str]:
    request = {"Resource": "TrainingJob", **({"SearchExpression": expression} if expression else {}), **more}
    return [each["TrainingJob"]["TrainingJobName"] for each in plane.call("Search", **request)["Results"]]


def where(name: str, operator: str | None = None, value: str | None = None) -> dict[str, Any]:
    given = {"Name": name, "Operator": operator, "Value": value}
    return {"Filters": [{member: each for member, each in given.items() if each is not None}]}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        (where("TrainingJobName", value="job-1"), [1]),
        (where("TrainingJobName", "NotEquals", "job-1"), [0, 2, 3, 4]),
        (where("TrainingJobName", "Contains", "ob-1"), [1]),
        (where("TrainingJobName", "In", "job-1, job-3,none"), [1, 3]),
        (where("Metrics.auc", "GreaterThan", "0.2"), [3, 4]),
        (where("Metrics.auc", "LessThanOrEqualTo", "0.2"), [0, 1, 2]),
        (where("HyperParameters.depth", "GreaterThanOrEqualTo", "3"), [3, 4]),
        (where("HyperParameters.rate", "LessThan", "0.15"), [0, 1]),
        (where("HyperParameters.rate", "LessThan", "1"), [0, 1, 2, 3, 4]),
        (where("HyperParameters.a.b", "Equals", "dotted"), [0, 1, 2, 3, 4]),
        (where("HyperParameters.none", "Exists"), []),
        (where("HyperParameters.none", "NotExists"), [0, 1, 2, 3, 4]),
        (where("Tags.team", "Equals", "red"), [0, 1]),
        (where("CreationTime", "GreaterThan", "2023-11-14T22:13:22"), [3, 4]),
        (where("CreationTime", "LessThan", "2023-11-14T22:13:21Z"), [0]),
        (where("EnableManagedSpotTraining", "Equals", "true"), [3]),
        (where("InputDataConfig.ChannelName", "Equals", "test"), [0, 1, 2, 3, 4]),
        (where("InputDataConfig.DataSource.S3DataSource.S3Uri", "Contains", "lake/2"), [2]),
        (
            {
                "NestedFilters": [
                    {
                        "NestedPropertyName": "InputDataConfig",
                        "Filters": [
                            {"Name": "InputDataConfig.ChannelName", "Operator": "Equals", "Value": "train"},
                            {
                                "Name": "InputDataConfig.DataSource.S3DataSource.S3Uri",
                                "Operator": "Contains",
                                "Value": "other",
                            },
                        ],
                    }
                ]
            },
            [],
        ),
        (
            {
                "Operator": "Or",
                "Filters": where("TrainingJobName", value="job-0")["Filters"],
                "SubExpressions": [
                    {
                        "Filters": [
                            *where("TrainingJobStatus", value="Completed")["Filters"],
                            *where("Tags.team", value="blue")["Filters"],
                        ]
                    }
                ],
            },
            [0, 3],
        ),
    ],
)
def test_expressions(jobs: ControlPlane, expression: dict[str, Any], found: list[int]) -> None:
    got = names(jobs, expression, SortBy="TrainingJobName", SortOrder="Ascending")
    assert got == [f"job-{number}" for number in found]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ({}, "at least one"),
        (where("Nonsense", value="x"), "Nonsense"),
        (where("TrainingJobName", "GreaterThan", "x"), "not supported for text"),
        (where("BillableTimeInSeconds", "Contains", "1"), "only supported for text"),
        (where("BillableTimeInSeconds", "Equals", "many"), "must be a number"),
        (where("CreationTime", "Equals", "soon"), "must be a time"),
        (where("TrainingJobName", "Equals"), "needs a value"),
        (where("TrainingJobName", "Exists", "x"), "takes no value"),
        (
            {
                "Filters": [
                    *where("TrainingJobName", "Contains", "a")["Filters"],
                    *where("RoleArn", "Contains", "b")["Filters"],
                ]
            },
            "'CONTAINS' operator usage limit of 1 exceeded.",
        ),
        ({"SubExpressions": [where("TrainingJobName", value="a")] * 20 + [{"SubExpressions": []}]}, "validation error"),
    ],
)
def test_what_is_no_expression(jobs: ControlPlane, expression: dict[str, Any], text: str) -> None:
    with pytest.raises(ServiceError) as raised:
        jobs.call("Search", Resource="TrainingJob", SearchExpression=expression)
    assert raised.value.code == "ValidationException"
    assert text in raised.value.message


def test_what_was_modified_last_comes_first_and_pages_hold_everything_once(jobs: ControlPlane) -> None:
    assert names(jobs) == [f"job-{number}" for number in range(5)]
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = jobs.call("Search", Resource="TrainingJob", MaxResults=2, SortBy="TrainingJobStatus", **token)
        assert page["TotalHits"] == {"Value": 5, "Relation": "EqualTo"}
        found += [each["TrainingJob"]["TrainingJobName"] for each in page["Results"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert sorted(found) == [f"job-{number}" for number in range(5)]
    assert set(found[:3]) == {"job-0", "job-2", "job-4"}, "Failed is after Completed"
    with pytest.raises(ServiceError, match="NextToken"):
        jobs.call("Search", Resource="TrainingJob", NextToken="x")


def test_results_carry_tags_and_visibility_looks_at_them(jobs: ControlPlane) -> None:
    (only,) = jobs.call("Search", Resource="TrainingJob", SearchExpression=where("TrainingJobName", value="job-0"))[
        "Results"
    ]
    assert only["TrainingJob"]["Tags"] == [{"Key": "team", "Value": "red"}]
    assert len(names(jobs, VisibilityConditions=[{"Key": "Tags.team", "Value": "red"}])) == 2
    assert len(names(jobs, VisibilityConditions=[{"Key": "Tags.other", "Value": "x"}])) == 5


def test_suggestions_begin_with_the_hint(jobs: ControlPlane) -> None:
    def suggested(hint: str) -> list[str]:
        query = {"PropertyNameQuery": {"PropertyNameHint": hint}}
        answer = jobs.call("GetSearchSuggestions", Resource="TrainingJob", SuggestionQuery=query)
        return [each["PropertyName"] for each in answer["PropertyNameSuggestions"]]

    assert suggested("HyperParameters.") == ["HyperParameters.depth", "HyperParameters.rate", "HyperParameters.a.b"]
    assert suggested("Metrics.") == ["Metrics.auc"]
    assert "TrainingJobName" in suggested("TrainingJob")


def test_every_documented_resource_type_is_searched(jobs: ControlPlane) -> None:
    assert set(RESOURCES) == set(MODEL.shapes["ResourceType"]["enum"])
    jobs.call("CreateModel", ModelName="m", ExecutionRoleArn="arn:aws:iam::000000000000:role/training")
    jobs.call("CreateExperiment", ExperimentName="e", Tags=[{"Key": "a", "Value": "b"}])
    jobs.call("CreateTrial", TrialName="t", ExperimentName="e")
    jobs.call("CreateTrialComponent", TrialComponentName="c", Parameters={"depth": {"NumberValue": 3}})
    jobs.call("AssociateTrialComponent", TrialName="t", TrialComponentName="c")
    for resource in RESOURCES:
        answer = jobs.call("Search", Resource=resource)
        assert answer["TotalHits"]["Value"] == len(answer["Results"])
    model = jobs.call("Search", Resource="Model", SearchExpression=where("ModelName", value="m"))
    assert model["Results"][0]["Model"]["Model"]["ModelName"] == "m"
    component = {**where("Parents.ExperimentName", value="e")}
    component["Filters"] += where("Parameters.depth", "GreaterThan", "2")["Filters"]
    found = jobs.call("Search", Resource="ExperimentTrialComponent", SearchExpression=component)["Results"]
    assert found[0]["TrialComponent"]["Parents"] == [{"TrialName": "t", "ExperimentName": "e"}]


def test_features_are_searched_by_their_metadata(jobs: ControlPlane) -> None:
    jobs.call(
        "CreateFeatureGroup",
        FeatureGroupName="flights",
        RecordIdentifierFeatureName="origin",
        EventTimeFeatureName="time",
        FeatureDefinitions=[
            {"FeatureName": "origin", "FeatureType": "String"},
            {"FeatureName": "time", "FeatureType": "Fractional"},
        ],
        OnlineStoreConfig={"EnableOnlineStore": True},
    )
    jobs.call("UpdateFeatureMetadata", FeatureGroupName="flights", FeatureName="origin", Description="an airport")
    found = jobs.call(
        "Search", Resource="FeatureMetadata", SearchExpression=where("Description", "Contains", "airport")
    )
    assert [each["FeatureMetadata"]["FeatureName"] for each in found["Results"]] == ["origin"]


def test_executions_are_searched_with_their_parameters(jobs: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    from penstock_services.operations import OPERATIONS

    arn = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/flights/execution/abcdefghijkl"
    record = {
        "PipelineArn": arn.partition("/execution/")[0],
        "PipelineExecutionArn": arn,
        "PipelineExecutionStatus": "Succeeded",
        "CreationTime": 1_700_000_000.0,
        "LastModifiedTime": 1_700_000_000.0,
    }
    jobs.store.put(HERE, "PipelineExecution", arn, record)
    parameters = {"PipelineParameters": [{"Name": "rows", "Value": "100"}]}
    monkeypatch.setitem(OPERATIONS, "ListPipelineParametersForExecution", lambda _context, _request: parameters)
    expression = where("PipelineParameters.rows", "Equals", "100")
    (found,) = jobs.call("Search", Resource="PipelineExecution", SearchExpression=expression)["Results"]
    assert found["PipelineExecution"]["PipelineParameters"] == [{"Name": "rows", "Value": "100"}]
    jobs.store.delete(HERE, "PipelineExecution", arn)
