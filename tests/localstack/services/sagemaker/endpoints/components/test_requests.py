"""What AWS refuses of requests for inference components, and what the local cloud does not run: nothing is made."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.localstack.services.sagemaker.conftest import ControlPlane

from penstock_services.errors import ServiceError

ROLE = "arn:aws:iam::000000000000:role/serving"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:v1"
NEED = {"MinMemoryRequiredInMb": 512}
MODEL = {"ModelName": "model", "ComputeResourceRequirements": NEED}
HOST = {"VariantName": "one", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


@pytest.fixture(scope="module")
def plane(control_plane: ControlPlane) -> ControlPlane:
    """With an endpoint ``hosts`` for components."""
    call = control_plane.call
    call("CreateModel", ModelName="model", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE})
    call("CreateEndpointConfig", EndpointConfigName="hosts", ProductionVariants=[HOST], ExecutionRoleArn=ROLE)
    call("CreateEndpoint", EndpointName="hosts", EndpointConfigName="hosts")
    deadline = time.monotonic() + 60
    while call("DescribeEndpoint", EndpointName="hosts")["EndpointStatus"] != "InService":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return control_plane


def refused(plane: ControlPlane, operation: str, **request: Any) -> ServiceError:
    with pytest.raises(ServiceError) as raised:
        plane.call(operation, **request)
    return raised.value


@pytest.mark.parametrize(
    ("specification", "said"),
    [
        ({"ModelName": "base", "BaseInferenceComponentName": "base"}, "adapter inference components"),
        ({**MODEL, "ComputeResourceRequirements": {**NEED, "NumberOfAcceleratorDevicesRequired": 1}}, "accelerators"),
        (
            {"ComputeResourceRequirements": NEED, "Container": {"Image": IMAGE, "ContainerMetricsConfig": {}}},
            "ContainerMetricsConfig",
        ),
    ],
)
def test_what_is_not_run_is_refused_by_name(plane: ControlPlane, specification: dict[str, Any], said: str) -> None:
    named = {"InferenceComponentName": "refused", "Specification": specification}
    for operation, more in (
        ("CreateInferenceComponent", {"EndpointName": "hosts", "VariantName": "one"}),
        ("UpdateInferenceComponent", {}),
    ):
        error = refused(plane, operation, **named, **more)
        assert (error.code, error.status) == ("NotImplementedException", 501)
        assert said in error.message
    assert plane.call("ListInferenceComponents")["InferenceComponents"] == []


def test_several_specifications_are_refused_by_name(plane: ControlPlane) -> None:
    named = {"InferenceComponentName": "refused", "EndpointName": "hosts", "VariantName": "one"}
    error = refused(plane, "CreateInferenceComponent", **named, Specifications=[MODEL])
    assert (error.code, "Specifications" in error.message) == ("NotImplementedException", True)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"EndpointName": "none"}, "Could not find endpoint"),
        ({"VariantName": "two"}, 'The variant name(s) "two" do not exist'),
        ({"VariantName": None}, "Value null at 'variantName' failed to satisfy constraint: Member must not be null"),
        ({"Specification": None}, "Value null at 'specification' failed to satisfy constraint"),
        ({"Specification": {**MODEL, "ModelName": "none"}}, "Could not find model"),
        ({"Specification": {"ComputeResourceRequirements": NEED}}, "either ModelName or Container"),
        ({"Specification": {**MODEL, "Container": {"Image": IMAGE}}}, "either ModelName or Container"),
        ({"Specification": {"Container": {}, "ComputeResourceRequirements": NEED}}, "Container needs Image"),
        ({"Specification": {"ModelName": "model"}}, "needs ComputeResourceRequirements"),
        (
            {"Specification": {**MODEL, "ComputeResourceRequirements": {**NEED, "MaxMemoryRequiredInMb": 256}}},
            "MaxMemoryRequiredInMb 256 must not be less",
        ),
        ({"Specification": {**MODEL, "InstanceType": "ml.m5.xlarge"}}, "not that of variant one, ml.m5.large"),
        ({"RuntimeConfig": {"CopyCount": 0}}, "Inference components copy count an integer larger than 0"),
        ({"RuntimeConfig": {"CopyCount": 9}}, "at most 8 copies"),
    ],
)
def test_what_aws_refuses(plane: ControlPlane, changed: dict[str, Any], said: str) -> None:
    asked = {"EndpointName": "hosts", "VariantName": "one", "Specification": MODEL, **changed}
    stated = {member: value for member, value in asked.items() if value is not None}
    error = refused(plane, "CreateInferenceComponent", InferenceComponentName="refused", **stated)
    assert error.code == ("ResourceLimitExceeded" if "at most" in said else "ValidationException")
    assert said in error.message
    assert plane.call("ListInferenceComponents")["InferenceComponents"] == []


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("DescribeInferenceComponent", {}),
        ("UpdateInferenceComponent", {"RuntimeConfig": {"CopyCount": 1}}),
        ("UpdateInferenceComponentRuntimeConfig", {"DesiredRuntimeConfig": {"CopyCount": 1}}),
        ("DeleteInferenceComponent", {}),
    ],
)
def test_what_is_not_there(plane: ControlPlane, operation: str, request_: dict[str, Any]) -> None:
    error = refused(plane, operation, InferenceComponentName="none", **request_)
    arn = "arn:aws:sagemaker:us-east-1:000000000000:inference-component/none"
    assert (error.code, error.message) == ("ValidationException", f'Could not find inference component "{arn}".')


@pytest.mark.parametrize(
    ("changed", "more", "said"),
    [
        ({}, {"ExecutionRoleArn": None}, "ExecutionRoleArn is required"),
        ({"InstanceType": None}, {}, "needs InstanceType"),
        ({"InitialInstanceCount": None}, {}, "needs InitialInstanceCount, or ManagedInstanceScaling"),
        (
            {"ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 2, "MaxInstanceCount": 3}},
            {},
            "must be between MinInstanceCount 2 and MaxInstanceCount 3",
        ),
        ({}, {"ShadowProductionVariants": [{**HOST, "VariantName": "shade"}]}, "does not support Shadow"),
        (
            {},
            {"ProductionVariants": [HOST, {**HOST, "VariantName": "two", "ModelName": "model"}]},
            "either all variants have a model, or none has",
        ),
    ],
)
def test_what_aws_refuses_of_a_configuration(
    plane: ControlPlane, changed: dict[str, Any], more: dict[str, Any], said: str
) -> None:
    variant = {member: value for member, value in {**HOST, **changed}.items() if value is not None}
    asked = {"ProductionVariants": [variant], "ExecutionRoleArn": ROLE, **more}
    stated = {member: value for member, value in asked.items() if value is not None}
    error = refused(plane, "CreateEndpointConfig", EndpointConfigName="refused", **stated)
    assert error.code == "ValidationException"
    assert said in error.message


def test_updates_of_the_endpoint_that_are_not_run_are_refused_by_name(plane: ControlPlane) -> None:
    error = refused(plane, "UpdateEndpoint", EndpointName="hosts", EndpointConfigName="hosts")
    assert (error.code, error.status) == ("NotImplementedException", 501)
    assert plane.call("DescribeEndpoint", EndpointName="hosts")["EndpointStatus"] == "InService"


@pytest.mark.parametrize(
    ("changed", "more", "said"),
    [
        (
            {"ManagedInstanceScaling": {"Status": "ENABLED", "ScaleInPolicy": {"Strategy": "CONSOLIDATION"}}},
            {},
            "does not run ScaleInPolicy CONSOLIDATION of variant one",
        ),
        (
            {},
            {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://bucket/answers"}}},
            "does not run AsyncInferenceConfig with inference components",
        ),
        ({"InitialInstanceCount": 9}, {}, "service limit 'ml.m5.large for endpoint usage' is 8"),
    ],
)
def test_what_only_aws_runs_is_refused_by_the_endpoint(
    plane: ControlPlane, changed: dict[str, Any], more: dict[str, Any], said: str
) -> None:
    name = f"config-{abs(hash(said))}"
    variants = [{**HOST, **changed}]
    plane.call(
        "CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=variants, ExecutionRoleArn=ROLE, **more
    )
    error = refused(plane, "CreateEndpoint", EndpointName="refused", EndpointConfigName=name)
    assert said in error.message
