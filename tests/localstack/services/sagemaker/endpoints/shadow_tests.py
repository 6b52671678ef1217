"""Inference experiments of the tests: their requests, and their states."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.sagemaker.endpoints.serving_endpoints import ROLE
from tests.localstack.services.waiting import until

HOUR = timedelta(hours=1)


def now() -> datetime:
    return datetime.now(UTC)


def shortly() -> datetime:
    """A time near enough to be waited for, and far enough for a request that names it to come first."""
    return now().replace(microsecond=0) + timedelta(seconds=5)


def compared(model: str, name: str, count: int = 1) -> dict[str, Any]:
    real_time = {"InstanceType": "ml.m5.large", "InstanceCount": count}
    infrastructure = {"InfrastructureType": "RealTimeInference", "RealTimeInferenceConfig": real_time}
    return {"ModelName": model, "VariantName": name, "InfrastructureConfig": infrastructure}


def mode(percentage: int = 100, source: str = "one", shadow: str = "shade") -> dict[str, Any]:
    shadows = [{"ShadowModelVariantName": shadow, "SamplingPercentage": percentage}]
    return {"SourceModelVariantName": source, "ShadowModelVariants": shadows}


def asked(endpoint: str, shadow: str = "b", **more: Any) -> dict[str, Any]:
    """A request of CreateInferenceExperiment."""
    return {
        "Name": f"experiment-{uuid.uuid4().hex[:8]}",
        "Type": "ShadowMode",
        "RoleArn": ROLE,
        "EndpointName": endpoint,
        "ModelVariants": [compared("a", "one"), compared(shadow, "shade")],
        "ShadowModeConfig": mode(),
        **more,
    }


def create(sagemaker: Any, endpoint: str, shadow: str = "b", **more: Any) -> str:
    request = asked(endpoint, shadow, **more)
    arn = sagemaker.create_inference_experiment(**request)["InferenceExperimentArn"]
    assert arn == f"arn:aws:sagemaker:us-east-1:000000000000:inference-experiment/{request['Name']}"
    return str(request["Name"])


def reached(sagemaker: Any, name: str, status: str) -> Any:
    """The experiment's description in that status; an AssertionError where it ends in another."""
    over = {status, "Completed", "Cancelled"}
    found = until(lambda: sagemaker.describe_inference_experiment(Name=name), lambda each: each["Status"] in over)
    assert found["Status"] == status, found
    return found


def refused(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**request)
    return raised.value.response["Error"]["Code"], raised.value.response["Error"]["Message"]


def stopped(sagemaker: Any, name: str, actions: dict[str, str], **more: Any) -> Any:
    sagemaker.stop_inference_experiment(Name=name, ModelVariantActions=actions, **more)
    return reached(sagemaker, name, more.get("DesiredState", "Cancelled"))


def statuses(found: Any) -> dict[str, str]:
    return {each["VariantName"]: each["Status"] for each in found["ModelVariants"]}
