"""Endpoints that host inference components: what a test asks of them, and what they say."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.sagemaker.endpoints.serving_endpoints import ROLE, configure, delete
from tests.localstack.services.waiting import until

SMALL = {"NumberOfCpuCoresRequired": 0.5, "MinMemoryRequiredInMb": 512}
HALF = {"NumberOfCpuCoresRequired": 1, "MinMemoryRequiredInMb": 512}


def host(name: str = "one", count: int = 1, **more: Any) -> dict[str, Any]:
    """A variant without a model: instances with 2 vCPUs and 8 GiB."""
    return {"VariantName": name, "InitialInstanceCount": count, "InstanceType": "ml.m5.large", **more}


def hosting(sagemaker: Any, *variants: dict[str, Any], **more: Any) -> str:
    name = f"endpoint-{uuid.uuid4().hex[:8]}"
    config = configure(sagemaker, *(variants or (host(),)), ExecutionRoleArn=ROLE, **more)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    until(lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService")
    return name


def model(name: str, **requirements: Any) -> dict[str, Any]:
    return {"ModelName": name, "ComputeResourceRequirements": requirements or SMALL}


def create(sagemaker: Any, endpoint: str, specification: dict[str, Any], copies: int = 1, **more: Any) -> str:
    name = f"component-{uuid.uuid4().hex[:8]}"
    sagemaker.create_inference_component(
        InferenceComponentName=name,
        EndpointName=endpoint,
        VariantName="one",
        Specification=specification,
        RuntimeConfig={"CopyCount": copies},
        **more,
    )
    return name


def described(sagemaker: Any, name: str) -> Any:
    return sagemaker.describe_inference_component(InferenceComponentName=name)


def settled(sagemaker: Any, name: str) -> Any:
    """The component's description, when nothing is under way any more."""
    return until(
        lambda: described(sagemaker, name),
        lambda found: found["InferenceComponentStatus"] not in ("Creating", "Updating"),
    )


def in_service(sagemaker: Any, *arguments: Any, **more: Any) -> str:
    name = create(sagemaker, *arguments, **more)
    found = settled(sagemaker, name)
    assert found["InferenceComponentStatus"] == "InService", found.get("FailureReason")
    return name


def remove(sagemaker: Any, endpoint: str) -> None:
    """Delete an endpoint and its components."""

    def components() -> list[Any]:
        rows: list[Any] = sagemaker.list_inference_components(EndpointNameEquals=endpoint)["InferenceComponents"]
        return rows

    for row in components():
        sagemaker.delete_inference_component(InferenceComponentName=row["InferenceComponentName"])
    until(lambda: not components())
    delete(sagemaker, endpoint)


def answers(runtime: Any, endpoint: str, component: str, count: int = 8) -> list[tuple[str, str]]:
    """Tag and server of each answer."""
    found = []
    for _ in range(count):
        asked = {"EndpointName": endpoint, "InferenceComponentName": component}
        tag, server, _ = runtime.invoke_endpoint(**asked, Body=b"x")["Body"].read().decode().split(":")
        found.append((tag, server))
    return found


def error(call: Any, **request: Any) -> tuple[str, str]:
    """Code and text of a call's error."""
    with pytest.raises(ClientError) as raised:
        call(**request)
    return raised.value.response["Error"]["Code"], raised.value.response["Error"]["Message"]


def copies(found: Any) -> tuple[int, int]:
    return found["RuntimeConfig"]["CurrentCopyCount"], found["RuntimeConfig"]["DesiredCopyCount"]


def log_streams(serving: Any, name: str) -> list[str]:
    """The names of a component's log streams."""
    logs = serving.aws("logs")
    group = f"/aws/sagemaker/InferenceComponents/{name}"
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return []
    return [stream["logStreamName"] for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]]
