"""What AWS refuses of an endpoint configuration, refused when it is made."""

from __future__ import annotations

from typing import Any

import pytest

from penstock_services.errors import ServiceError

ROLE = "arn:aws:iam::000000000000:role/serving"
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
OUTPUT = {"OutputConfig": {"S3OutputPath": "s3://bucket/answers"}}
CAPTURE = {
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://bucket/capture",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}


@pytest.fixture(scope="module")
def plane(control_plane: Any) -> Any:
    container = {"Image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:v1"}
    control_plane.call("CreateModel", ModelName="model", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    return control_plane


def variant(name: str = "one", **more: Any) -> dict[str, Any]:
    size = {} if "ServerlessConfig" in more else {"InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    return {"VariantName": name, "ModelName": "model", **size, **more}


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"ProductionVariants": [variant(), variant()]}, "one is there more than once"),
        (
            {"ProductionVariants": [variant(ServerlessConfig=SERVERLESS), variant("two")]},
            "a serverless endpoint has one production variant",
        ),
        (
            {"ProductionVariants": [variant(ServerlessConfig=SERVERLESS, InitialInstanceCount=1)]},
            "is serverless and cannot have InitialInstanceCount",
        ),
        (
            {"ProductionVariants": [variant(ServerlessConfig=SERVERLESS)], "DataCaptureConfig": CAPTURE},
            "does not support DataCaptureConfig",
        ),
        (
            {"ProductionVariants": [variant(ServerlessConfig=SERVERLESS)], "AsyncInferenceConfig": OUTPUT},
            "does not support AsyncInferenceConfig",
        ),
        (
            {"ProductionVariants": [variant(ServerlessConfig={**SERVERLESS, "MemorySizeInMB": 2000})]},
            "must be 1024, 2048",
        ),
        (
            {"ProductionVariants": [variant(ServerlessConfig={**SERVERLESS, "ProvisionedConcurrency": 6})]},
            "ProvisionedConcurrency 6 of variant one is above its MaxConcurrency 5",
        ),
        (
            {"ProductionVariants": [variant(), variant("two")], "ShadowProductionVariants": [variant("three")]},
            "one production variant and one shadow variant",
        ),
        (
            {
                "ProductionVariants": [variant()],
                "ShadowProductionVariants": [variant("two")],
                "AsyncInferenceConfig": OUTPUT,
            },
            "asynchronous endpoint does not support ShadowProductionVariants",
        ),
        (
            {"ProductionVariants": [variant()], "AsyncInferenceConfig": {"OutputConfig": {}}},
            "needs S3OutputPath",
        ),
        (
            {"ProductionVariants": [variant()], "ShadowProductionVariants": [variant("two", ModelName="none")]},
            "Could not find model",
        ),
    ],
)
def test_refused(plane: Any, request_: dict[str, Any], said: str) -> None:
    with pytest.raises(ServiceError) as raised:
        plane.call("CreateEndpointConfig", EndpointConfigName="refused", **request_)
    assert raised.value.code == "ValidationException"
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (
            {"ProductionVariants": [variant(RoutingConfig={"RoutingStrategy": "KV_AWARE"})]},
            "does not run RoutingConfig KV_AWARE of variant one",
        ),
        (
            {"ProductionVariants": [variant(ManagedInstanceScaling={"Status": "ENABLED"})]},
            "does not run ManagedInstanceScaling of variant one",
        ),
        ({"ProductionVariants": [variant(InitialInstanceCount=9)]}, "service limit"),
    ],
)
def test_what_only_aws_runs_is_refused_by_the_endpoint(plane: Any, request_: dict[str, Any], said: str) -> None:
    name = f"config-{abs(hash(said))}"
    plane.call("CreateEndpointConfig", EndpointConfigName=name, **request_)
    with pytest.raises(ServiceError) as raised:
        plane.call("CreateEndpoint", EndpointName="refused", EndpointConfigName=name)
    assert said in raised.value.message
