"""The control plane through boto3: validation, errors, life cycles, listing, tags, what is kept."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.waiting import until

ROLE = "arn:aws:iam::000000000000:role/training"
FEATURES = [
    {"FeatureName": "origin", "FeatureType": "String"},
    {"FeatureName": "time", "FeatureType": "Fractional"},
    {"FeatureName": "delay", "FeatureType": "Fractional"},
]


def error_of(function: Any, **request: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as raised:
        function(**request)
    response: dict[str, Any] = raised.value.response
    return {**response["Error"], "status": response["ResponseMetadata"]["HTTPStatusCode"]}


def feature_group(name: str, **more: Any) -> dict[str, Any]:
    return {
        "FeatureGroupName": name,
        "RecordIdentifierFeatureName": "origin",
        "EventTimeFeatureName": "time",
        "FeatureDefinitions": FEATURES,
        "OnlineStoreConfig": {"EnableOnlineStore": True},
        **more,
    }


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            {"ModelName": "a b", "ExecutionRoleArn": ROLE},
            r"1 validation error detected: Value 'a b' at 'modelName' failed to satisfy constraint: Member must satisfy "
            r"regular expression pattern: [a-zA-Z0-9]([\-a-zA-Z0-9]*[a-zA-Z0-9])?",
        ),
        (
            {},
            "1 validation error detected: Value null at 'modelName' failed to satisfy constraint: Member must not be null",
        ),
        (
            {"ModelName": "a" * 64},
            f"1 validation error detected: Value '{'a' * 64}' at 'modelName' failed to satisfy constraint: Member must "
            "have length less than or equal to 63",
        ),
        (
            {"ModelName": "a", "Containers": [{"Image": "x", "Mode": "Many"}]},
            "1 validation error detected: Value 'Many' at 'containers.1.member.mode' failed to satisfy constraint: "
            "Member must satisfy enum value set: [SingleModel, MultiModel]",
        ),
    ],
)
def test_violated_constraints_in_awss_words(unchecked: Any, request_: dict[str, Any], message: str) -> None:
    error = error_of(unchecked.create_model, **request_)
    assert error["Code"] == "ValidationException"
    assert error["Message"] == message
    assert error["status"] == 400


def test_all_violations_in_one_message(unchecked: Any) -> None:
    request = {"TrainingJobName": "-", "RoleArn": "x", "StoppingCondition": {"MaxRuntimeInSeconds": 0}}
    message = error_of(unchecked.create_training_job, **request)["Message"]
    for part in (
        "'trainingJobName'",
        "'roleArn'",
        "null at 'outputDataConfig'",
        "'stoppingCondition.maxRuntimeInSeconds'",
    ):
        assert part in message
    assert "Member must have value greater than or equal to 1" in message


def test_wrong_types_are_serialization_errors(unchecked: Any) -> None:
    error = error_of(unchecked.create_model, ModelName=3)
    assert error["Code"] == "SerializationException"
    assert error["Message"] == "NUMBER_VALUE can not be converted to a String"


@pytest.mark.parametrize(
    ("operation", "request_", "code", "text"),
    [
        ("describe_model", {"ModelName": "none"}, "ValidationException", "Could not find model "),
        ("delete_model", {"ModelName": "none"}, "ValidationException", "Could not find model "),
        (
            "describe_endpoint_config",
            {"EndpointConfigName": "none"},
            "ValidationException",
            "Could not find endpoint configuration ",
        ),
        ("describe_endpoint", {"EndpointName": "none"}, "ValidationException", "Could not find endpoint "),
        (
            "describe_feature_group",
            {"FeatureGroupName": "none"},
            "ResourceNotFound",
            "can't find a FeatureGroup with name none",
        ),
        (
            "describe_model_package_group",
            {"ModelPackageGroupName": "none"},
            "ValidationException",
            "model-package-group/none does not exist.",
        ),
        (
            "describe_model_package",
            {"ModelPackageName": "arn:aws:sagemaker:us-east-1:000000000000:model-package/none/1"},
            "ValidationException",
            "model-package/none/1 does not exist.",
        ),
        ("describe_pipeline", {"PipelineName": "none"}, "ResourceNotFound", "pipeline/none' does not exist."),
        ("describe_training_job", {"TrainingJobName": "none"}, "ValidationException", "Requested resource not found."),
        (
            "describe_processing_job",
            {"ProcessingJobName": "none"},
            "ValidationException",
            "Could not find requested job with name: none",
        ),
        (
            "get_model_package_group_policy",
            {"ModelPackageGroupName": "none"},
            "ValidationException",
            "Cannot find Model Package Group",
        ),
    ],
)
def test_what_is_missing(sagemaker: Any, operation: str, request_: dict[str, Any], code: str, text: str) -> None:
    error = error_of(getattr(sagemaker, operation), **request_)
    assert error["Code"] == code
    assert text in error["Message"]


def test_a_model_from_create_to_delete(sagemaker: Any) -> None:
    container = {"Image": "image", "ModelDataUrl": "s3://bucket/model.tar.gz", "Environment": {"A": "b"}}
    arn = sagemaker.create_model(ModelName="one", ExecutionRoleArn=ROLE, PrimaryContainer=container)["ModelArn"]
    assert arn == "arn:aws:sagemaker:us-east-1:000000000000:model/one"
    described = sagemaker.describe_model(ModelName="one")
    described.pop("ResponseMetadata")
    assert abs(described.pop("CreationTime").timestamp() - time.time()) < 60
    assert described == {
        "ModelName": "one",
        "ModelArn": arn,
        "ExecutionRoleArn": ROLE,
        "PrimaryContainer": container,
    }, "nothing is invented"
    error = error_of(sagemaker.create_model, ModelName="one", ExecutionRoleArn=ROLE)
    assert error["Message"] == f'Cannot create already existing model "{arn}".'
    sagemaker.delete_model(ModelName="one")
    assert "Could not find model" in error_of(sagemaker.describe_model, ModelName="one")["Message"]


def test_an_endpoint_config_needs_its_models(sagemaker: Any) -> None:
    variant = {"VariantName": "A", "ModelName": "none", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    error = error_of(sagemaker.create_endpoint_config, EndpointConfigName="config", ProductionVariants=[variant])
    assert "Could not find model" in error["Message"]
    error = error_of(sagemaker.create_endpoint, EndpointName="endpoint", EndpointConfigName="none")
    assert "Could not find endpoint configuration" in error["Message"]
    assert error_of(sagemaker.describe_endpoint, EndpointName="endpoint"), "nothing is left of a refused Create"


def test_feature_group_life_cycle(unhurried: Any) -> None:
    offline = {"S3StorageConfig": {"S3Uri": "s3://lake/features"}}
    unhurried.create_feature_group(**feature_group("weather", OfflineStoreConfig=offline, RoleArn=ROLE))

    def describe() -> Any:
        return unhurried.describe_feature_group(FeatureGroupName="weather")

    first = describe()
    assert first["FeatureGroupStatus"] == "Creating"
    epoch = int(first["CreationTime"].timestamp())
    assert first["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"] == (
        f"s3://lake/features/000000000000/sagemaker/us-east-1/offline-store/weather-{epoch}/data"
    )
    until(describe, lambda group: group["FeatureGroupStatus"] == "Created")
    addition = {"FeatureName": "wind", "FeatureType": "Fractional"}
    unhurried.update_feature_group(FeatureGroupName="weather", FeatureAdditions=[addition])
    assert describe()["LastUpdateStatus"]["Status"] == "InProgress"
    updated = until(describe, lambda group: group["LastUpdateStatus"]["Status"] == "Successful")
    assert addition in updated["FeatureDefinitions"]
    again = error_of(unhurried.update_feature_group, FeatureGroupName="weather", FeatureAdditions=[addition])
    assert "wind" in again["Message"]
    unhurried.delete_feature_group(FeatureGroupName="weather")
    assert describe()["FeatureGroupStatus"] == "Deleting"
    until(
        lambda: [group["FeatureGroupName"] for group in unhurried.list_feature_groups()["FeatureGroupSummaries"]],
        lambda names: "weather" not in names,
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"RecordIdentifierFeatureName": "nothing"}, "nothing is not in FeatureDefinitions"),
        ({"EventTimeFeatureName": "nothing"}, "nothing is not in FeatureDefinitions"),
        ({"FeatureDefinitions": [*FEATURES, FEATURES[0]]}, "unique names"),
        ({"FeatureDefinitions": [*FEATURES, {"FeatureName": "write_time", "FeatureType": "String"}]}, "reserved"),
        ({"OnlineStoreConfig": {"EnableOnlineStore": False}}, "must be given"),
    ],
)
def test_inconsistent_feature_groups(sagemaker: Any, change: dict[str, Any], text: str) -> None:
    error = error_of(sagemaker.create_feature_group, **{**feature_group("bad"), **change})
    assert error["Code"] == "ValidationException"
    assert text in error["Message"]


def test_listing_pages_sorts_and_filters(sagemaker: Any) -> None:
    names = [f"list-{number:02d}" for number in range(25)]
    for name in names:
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE)
    first = sagemaker.list_models(NameContains="list-")
    assert [model["ModelName"] for model in first["Models"]] == names[:-11:-1], "ten, newest first"
    pages = sagemaker.get_paginator("list_models").paginate(NameContains="list-", SortBy="Name", SortOrder="Ascending")
    assert [model["ModelName"] for page in pages for model in page["Models"]] == names
    half = sagemaker.describe_model(ModelName=names[12])["CreationTime"]
    later = sagemaker.list_models(NameContains="list-", CreationTimeAfter=half, MaxResults=100)["Models"]
    assert set(names[13:]) <= {model["ModelName"] for model in later} <= set(names[11:])
    assert error_of(sagemaker.list_models, NextToken="x")["Code"] == "ValidationException"


def test_tags(sagemaker: Any) -> None:
    arn = sagemaker.create_model(ModelName="tagged", ExecutionRoleArn=ROLE, Tags=[{"Key": "a", "Value": "1"}])[
        "ModelArn"
    ]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}, {"Key": "b", "Value": "2"}]
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert "does not exist" in error_of(sagemaker.list_tags, ResourceArn=arn + "x")["Message"]
    reserved = error_of(sagemaker.add_tags, ResourceArn=arn, Tags=[{"Key": "aws:x", "Value": ""}])
    assert reserved["Code"] == "ValidationException"


def test_a_repeated_token_gets_the_same_answer(sagemaker: Any) -> None:
    request = {
        "PipelineName": "repeated",
        "ClientRequestToken": "t" * 32,
        "RoleArn": ROLE,
        "PipelineDefinition": json.dumps(
            {"Version": "2020-12-01", "Steps": [{"Name": "F", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}]}
        ),
    }
    first = sagemaker.create_pipeline(**request)
    assert sagemaker.create_pipeline(**request)["PipelineArn"] == first["PipelineArn"]
    other = {**request, "ClientRequestToken": "u" * 32}
    assert "must be unique" in error_of(sagemaker.create_pipeline, **other)["Message"]
    changed = {**request, "PipelineDescription": "other"}
    assert "token" in error_of(sagemaker.create_pipeline, **changed)["Message"].lower()
    sagemaker.delete_pipeline(PipelineName="repeated", ClientRequestToken="d" * 32)
    sagemaker.create_pipeline(**request)
    sagemaker.delete_pipeline(PipelineName="repeated", ClientRequestToken="e" * 32)


def test_accounts_and_regions_are_apart(services: Any) -> None:
    here, there = services.client(), services.client(account="111111111111", region="eu-west-1")
    here.create_model(ModelName="apart", ExecutionRoleArn=ROLE)
    assert error_of(there.describe_model, ModelName="apart")
    arn = there.create_model(ModelName="apart", ExecutionRoleArn=ROLE)["ModelArn"]
    assert arn == "arn:aws:sagemaker:eu-west-1:111111111111:model/apart"


def test_a_timed_life_cycle_takes_its_steps(unhurried: Any) -> None:
    unhurried.create_model_package_group(ModelPackageGroupName="steps")

    def status() -> str:
        described = unhurried.describe_model_package_group(ModelPackageGroupName="steps")
        return str(described["ModelPackageGroupStatus"])

    assert status() == "Pending"
    until(status, lambda value: value == "Completed")


def test_what_is_not_there_is_refused_by_name(sagemaker: Any, services: Any) -> None:
    error = error_of(sagemaker.list_clusters)
    assert error["Code"] == "NotImplementedException"
    assert error["status"] == 501
    assert "ListClusters" in error["Message"]
    runtime = services.client("sagemaker-runtime")
    refused = error_of(runtime.invoke_endpoint_with_response_stream, EndpointName="x", Body=b"x")
    assert refused["status"] == 501


def test_coverage_counts_what_it_names(services: Any) -> None:
    with urllib.request.urlopen(f"{services.url}/_penstock/coverage") as answer:
        table = json.load(answer)
    for service in table.values():
        counts = [
            sum(1 for each in service["names"].values() if each == kind) for kind in ("real", "record", "refused")
        ]
        assert counts == [service["real"], service["record"], service["refused"]]
        assert sum(counts) == service["operations"] == len(service["names"])
    names = table["sagemaker"]["names"]
    assert names["CreateTrainingJob"] == names["CreateEndpoint"] == "real"
    assert names["CreateModel"] == "record"
    assert names["CreateCluster"] == "refused"
    assert table["sagemaker-runtime"]["names"]["InvokeEndpoint"] == "real"


def test_acknowledged_records_survive_kill_9(tmp_path: Any, services: Any) -> None:
    own = type(services)(tmp_path, services.gateway_url).start()
    try:
        client = own.client()
        client.create_feature_group(**feature_group("kept"))
        client.create_model(ModelName="kept", ExecutionRoleArn=ROLE, Tags=[{"Key": "a", "Value": "b"}])
        own.kill()
        own.start()
        assert client.describe_model(ModelName="kept")["ModelName"] == "kept"
        until(
            lambda: client.describe_feature_group(FeatureGroupName="kept")["FeatureGroupStatus"],
            lambda status: status == "Created",
        )
    finally:
        own.stop()


def test_malformed_requests_are_no_server_errors(services: Any) -> None:
    for body, target in ((b"{", "SageMaker.ListModels"), (b"[]", "SageMaker.ListModels"), (b"{}", "SageMaker.Nothing")):
        request = urllib.request.Request(services.url + "/", body, {"X-Amz-Target": target}, method="POST")
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(request)
        assert 400 <= raised.value.code < 500
        assert "__type" in json.load(raised.value)
