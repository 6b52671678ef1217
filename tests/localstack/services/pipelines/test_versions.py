"""Versions of pipelines, their aliases, and what executions and lists say of them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from penstock_services.errors import ServiceError

from .conftest import PIPELINE_ARN, ROLE, SCOPE, Cloud, processing


def names(cloud: Cloud, **request: Any) -> list[str]:
    described = cloud.call("DescribePipeline", {"PipelineName": "flights", **request})
    return [step["Name"] for step in json.loads(described["PipelineDefinition"])["Steps"]]


def test_every_changed_definition_is_a_version(cloud: Cloud) -> None:
    cloud.pipeline([processing("A")])
    assert cloud.pipeline([processing("A")])["PipelineVersionId"] == 1
    assert cloud.pipeline([processing("B")])["PipelineVersionId"] == 2
    cloud.call("UpdatePipeline", {"PipelineName": "flights", "PipelineDescription": "same"})
    listed = cloud.call("ListPipelineVersions", {"PipelineName": PIPELINE_ARN})["PipelineVersionSummaries"]
    assert [each["PipelineVersionId"] for each in listed] == [2, 1]
    assert listed[0]["PipelineArn"] == PIPELINE_ARN
    assert names(cloud) == ["B"]
    assert names(cloud, PipelineVersionId=1) == ["A"]
    ascending = {"PipelineName": "flights", "SortOrder": "Ascending", "MaxResults": 1}
    first = cloud.call("ListPipelineVersions", ascending)
    assert [each["PipelineVersionId"] for each in first["PipelineVersionSummaries"]] == [1]
    second = cloud.call("ListPipelineVersions", {**ascending, "NextToken": first["NextToken"]})
    assert [each["PipelineVersionId"] for each in second["PipelineVersionSummaries"]] == [2]


def test_an_execution_runs_the_named_version(cloud: Cloud) -> None:
    cloud.pipeline([processing("A")])
    cloud.pipeline([processing("B")])
    old, new = cloud.begin(PipelineVersionId=1), cloud.start()
    for arn, version, step in ((old, 1, "A"), (new, 2, "B")):
        description = cloud.wait(arn)
        assert description["PipelineVersionId"] == version
        assert list(cloud.steps(arn)) == [step]
    listed = cloud.call("ListPipelineVersions", {"PipelineName": "flights"})["PipelineVersionSummaries"]
    assert [each["LastExecutionPipelineExecutionArn"] for each in listed] == [new, old]
    with pytest.raises(ServiceError, match=r"ResourceNotFound.*no version 3"):
        cloud.begin(PipelineVersionId=3)


def test_aliases_name_versions(cloud: Cloud) -> None:
    definition = json.dumps({"Version": "2020-12-01", "Steps": [processing("A")]})
    create = {"PipelineName": "flights", "PipelineDefinition": definition, "RoleArn": ROLE}
    with pytest.raises(ServiceError, match="digits only"):
        cloud.call("CreatePipeline", {**create, "PipelineVersionAliases": ["12"]})
    cloud.call("CreatePipeline", {**create, "PipelineVersionAliases": ["stable"]})
    with pytest.raises(ServiceError, match="only be given with a changed PipelineDefinition"):
        cloud.call("UpdatePipeline", {"PipelineName": "flights", "PipelineVersionAliases": ["new"]})
    changed = {"PipelineName": "flights", "PipelineDefinition": definition.replace('"A"', '"B"')}
    with pytest.raises(ServiceError, match="'stable' must be unique"):
        cloud.call("UpdatePipeline", {**changed, "PipelineVersionAliases": ["stable"]})
    cloud.call("UpdatePipeline", {**changed, "PipelineVersionAliases": ["new"]})
    assert names(cloud, PipelineVersionAlias="stable") == ["A"]
    arn = cloud.begin(PipelineVersionAlias="stable")
    assert cloud.wait(arn)["PipelineVersionAliases"] == ["stable"]
    other = cloud.start()
    cloud.wait(other)

    def listed(alias: str) -> list[str]:
        answer = cloud.call("ListPipelineExecutions", {"PipelineName": "flights", "PipelineVersionAlias": alias})
        return [each["PipelineExecutionArn"] for each in answer["PipelineExecutionSummaries"]]

    assert (listed("stable"), listed("new")) == ([arn], [other])
    with pytest.raises(ServiceError, match="ResourceNotFound"):
        listed("gone")
    update: dict[str, Any] = {"PipelineArn": PIPELINE_ARN, "PipelineVersionId": 1}
    moved = {"PipelineVersionAliasOperations": {"Remove": ["stable"], "Add": ["old"]}}
    cloud.call("UpdatePipelineVersion", {**update, **moved, "PipelineVersionDisplayName": "first"})
    described = cloud.call("DescribePipeline", {"PipelineName": "flights", "PipelineVersionId": 1})
    assert described["PipelineVersionAliases"] == ["old"]
    assert described["PipelineVersionDisplayName"] == "first"
    with pytest.raises(ServiceError, match=r"does not have the aliases \[stable\]"):
        cloud.call("UpdatePipelineVersion", {**update, **moved})
    with pytest.raises(ServiceError, match="Only one of"):
        cloud.begin(PipelineVersionId=1, PipelineVersionAlias="old")


def test_a_deleted_pipeline_leaves_nothing(cloud: Cloud) -> None:
    step = processing("A", CacheConfig={"Enabled": True})
    cloud.pipeline([step])
    cloud.run()
    cloud.ends = lambda _name: None
    running = cloud.begin()
    cloud.pipeline([processing("B")])
    arn = cloud.start()
    with pytest.raises(ServiceError, match="ConflictException"):
        cloud.call("DeletePipeline", {"PipelineName": "flights"})
    for each in (running, arn):
        if (
            cloud.call("DescribePipelineExecution", {"PipelineExecutionArn": each})["PipelineExecutionStatus"]
            == "Executing"
        ):
            cloud.call("StopPipelineExecution", {"PipelineExecutionArn": each})
        cloud.wait(each)
    cloud.call("DeletePipeline", {"PipelineName": "flights"})
    kinds = ("PipelineExecution", "PipelineExecutionStep", "PipelineVersion", "PipelineStepCache")
    assert [cloud.store.scan(SCOPE, kind) for kind in kinds] == [[], [], [], []]
    cloud.ends = lambda _name: ("Completed", None)
    cloud.pipeline([step])
    arn = cloud.start()
    assert cloud.wait(arn)["PipelineVersionId"] == 1
    assert "CacheHitResult" not in cloud.steps(arn)["A"]


def test_runs_are_noted_and_found_by_time(cloud: Cloud) -> None:
    cloud.pipeline([processing("A")])
    before = time.time() - 10
    arn = cloud.begin(PipelineExecutionDisplayName="nightly", PipelineExecutionDescription="all")
    cloud.wait(arn)
    assert cloud.call("DescribePipeline", {"PipelineName": "flights"})["LastRunTime"] > before
    (row,) = cloud.call("ListPipelines", {"PipelineNamePrefix": "fli"})["PipelineSummaries"]
    assert row["LastExecutionTime"] > before

    def listed(**filters: float) -> list[dict[str, Any]]:
        found = cloud.call("ListPipelineExecutions", {"PipelineName": "flights", **filters})
        rows: list[dict[str, Any]] = found["PipelineExecutionSummaries"]
        return rows

    (summary,) = listed(CreatedAfter=before)
    assert summary["PipelineExecutionDisplayName"] == "nightly"
    assert summary["PipelineExecutionDescription"] == "all"
    assert (summary["PipelineExecutionStatus"], summary["StartTime"] > before) == ("Succeeded", True)
    assert (listed(CreatedBefore=before), listed(CreatedAfter=time.time() + 10)) == ([], [])


def test_experiments_and_mlflow(cloud: Cloud) -> None:
    mlflow = {"MlflowResourceArn": {"Get": "Parameters.Arn"}, "MlflowExperimentName": "trees"}
    parameters = [
        {
            "Name": "Arn",
            "Type": "String",
            "DefaultValue": "arn:aws:sagemaker:us-east-1:000000000000:mlflow-tracking-server/m",
        }
    ]
    cloud.pipeline(
        [processing("A", environment={"T": {"Get": "PipelineExperimentConfig.TrialName"}})],
        parameters,
        MlflowConfig=mlflow,
    )
    arn = cloud.start()
    description = cloud.wait(arn)
    identifier = arn.rsplit("/", 1)[1]
    config = {"ExperimentName": "flights", "TrialName": identifier}
    assert description["PipelineExperimentConfig"] == config
    assert description["MLflowConfig"] == {**mlflow, "MlflowResourceArn": parameters[0]["DefaultValue"]}
    assert cloud.call("DescribeTrial", {"TrialName": identifier})["ExperimentName"] == "flights"
    (job,) = cloud.jobs.values()
    assert job["ExperimentConfig"] == config
    assert job["Environment"] == {"T": identifier}
    other = cloud.begin(MlflowExperimentName="forest")
    assert cloud.wait(other)["MLflowConfig"]["MlflowExperimentName"] == "forest"
    cloud.pipeline([processing("A")], PipelineExperimentConfig=None)
    third = cloud.start()
    assert "PipelineExperimentConfig" not in cloud.wait(third)
    assert "ExperimentConfig" not in list(cloud.jobs.values())[-1]


def test_a_definition_from_s3(cloud: Cloud) -> None:
    definition = {"Version": "2020-12-01", "Steps": [processing("A")]}
    cloud.clients.objects["lake/pipelines/flights.json"] = json.dumps(definition).encode()
    location = {"Bucket": "lake", "ObjectKey": "pipelines/flights.json"}
    request = {"PipelineName": "flights", "PipelineDefinitionS3Location": location, "RoleArn": ROLE}
    cloud.call("CreatePipeline", request)
    assert names(cloud) == ["A"]
    with pytest.raises(ServiceError, match="Only one of PipelineDefinition"):
        cloud.call("UpdatePipeline", {**request, "PipelineDefinition": json.dumps(definition)})
    cloud.clients.objects["lake/pipelines/flights.json"] = b'{"Version": "2020-12-01", "Steps": []}'
    with pytest.raises(ServiceError, match="at least one step"):
        cloud.call("UpdatePipeline", request)


def test_a_start_that_is_repeated_starts_once(cloud: Cloud) -> None:
    cloud.pipeline([processing("A")])
    token = {"ClientRequestToken": "t" * 32}
    first = cloud.begin(**token)
    assert cloud.begin(**token) == first
    cloud.wait(first)
    assert len(cloud.jobs) == 1
    with pytest.raises(ServiceError, match="used before with other parameters"):
        cloud.begin(**token, PipelineExecutionDisplayName="x")
    with pytest.raises(ServiceError, match="RoleArn can only be given for pipelines that AWS manages"):
        cloud.begin(RoleArn=ROLE)
