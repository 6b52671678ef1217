"""Shadow variants get copies; nobody waits for their answers, and their faults are nobody's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.sagemaker.endpoints.endpoint_metrics import metric
from tests.localstack.services.sagemaker.endpoints.serving_endpoints import (
    BUCKET,
    configure,
    delete,
    deploy,
    settled,
    variant,
)
from tests.localstack.services.waiting import until

pytestmark = pytest.mark.cloud

CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": f"s3://{BUCKET}/capture",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
}


def captured(serving: Any, endpoint: str, name: str) -> list[dict[str, Any]]:
    s3 = serving.aws("s3")
    lines: list[dict[str, Any]] = []
    for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"capture/{endpoint}/{name}/").get("Contents", []):
        text = s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read().decode()
        lines += [json.loads(line) for line in text.splitlines()]
    return lines


def test_copies_are_captured_and_counted_under_the_shadows_name(serving: Any, sagemaker: Any, runtime: Any) -> None:
    shadows = [variant("b", name="shade")]
    name = deploy(
        sagemaker, configure(sagemaker, variant("a"), ShadowProductionVariants=shadows, DataCaptureConfig=CAPTURE)
    )
    found = sagemaker.describe_endpoint(EndpointName=name)
    assert [each["VariantName"] for each in found["ProductionVariants"]] == ["one"]
    assert [(each["VariantName"], each["CurrentInstanceCount"]) for each in found["ShadowProductionVariants"]] == [
        ("shade", 1)
    ]
    for number in range(5):
        answer = runtime.invoke_endpoint(
            EndpointName=name, Body=f"{number}".encode(), ContentType="text/csv", InferenceId=f"id-{number}"
        )
        assert answer["InvokedProductionVariant"] == "one"
        assert answer["Body"].read().startswith(b"a:")
    copies = until(lambda: captured(serving, name, "shade"), lambda lines: len(lines) == 5)
    assert {each["captureData"]["endpointOutput"]["data"].split(":")[0] for each in copies} == {"b"}
    assert {each["captureData"]["endpointInput"]["data"] for each in copies} == set("01234")
    assert {each["eventMetadata"]["inferenceId"] for each in copies} == {f"id-{number}" for number in range(5)}
    until(lambda: len(captured(serving, name, "one")) == 5)

    def invocations(**dimensions: str) -> float:
        return metric(serving, "Invocations", EndpointName=name, **dimensions)

    config = found["EndpointConfigName"]
    until(lambda: invocations(VariantName="shade") == 5)
    until(lambda: invocations(VariantName="one") == 5)
    until(lambda: invocations(VariantName="one", EndpointConfigName=config) == 5)
    with pytest.raises(ClientError, match="Variant shade not found"):
        runtime.invoke_endpoint(EndpointName=name, Body=b"x", TargetVariant="shade")
    delete(sagemaker, name)


def test_a_failing_shadow_changes_nothing_and_its_weight_is_its_share(
    serving: Any, sagemaker: Any, runtime: Any
) -> None:
    shadows = [variant("failing", name="shade", weight=0.5)]
    name = deploy(sagemaker, configure(sagemaker, variant("a"), ShadowProductionVariants=shadows))
    for _ in range(40):
        assert runtime.invoke_endpoint(EndpointName=name, Body=b"x")["Body"].read().startswith(b"a:")
    shade = {"EndpointName": name, "VariantName": "shade"}
    one = {**shade, "VariantName": "one"}
    until(lambda: metric(serving, "Invocation5XXErrors", **shade) and metric(serving, "Invocations", **one) == 40)
    until(lambda: metric(serving, "Invocations", **shade), lambda copies: copies >= 6)
    assert metric(serving, "Invocations", **shade) <= 34
    assert metric(serving, "Invocation5XXErrors", **shade) > 0
    assert metric(serving, "Invocation5XXErrors", **one) == 0
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "shade", "DesiredWeight": 0}]
    )
    found = settled(sagemaker, name)
    assert found["ShadowProductionVariants"][0]["CurrentWeight"] == 0
    # The promoted shadow: the next configuration has none any more.
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=configure(sagemaker, variant("b")))
    found = settled(sagemaker, name)
    assert "ShadowProductionVariants" not in found
    delete(sagemaker, name)
