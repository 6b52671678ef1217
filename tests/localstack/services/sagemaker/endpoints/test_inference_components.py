"""Inference components: copies of models that share the instances of an endpoint, asked for and invoked as on AWS."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.sagemaker.endpoints.hosted_components import (
    HALF,
    SMALL,
    answers,
    copies,
    create,
    described,
    error,
    host,
    hosting,
    in_service,
    log_streams,
    model,
    remove,
    settled,
)
from tests.localstack.services.sagemaker.endpoints.serving_endpoints import (
    BUCKET,
    IMAGE,
    configure,
    delete,
    deploy,
    variant,
)
from tests.localstack.services.waiting import until

pytestmark = pytest.mark.cloud


def test_two_models_share_an_instance(serving: Any, sagemaker: Any, runtime: Any) -> None:
    endpoint = hosting(sagemaker)
    found = sagemaker.describe_endpoint(EndpointName=endpoint)
    assert found["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert "DeployedImages" not in found["ProductionVariants"][0]
    name = create(sagemaker, endpoint, model("a"), 2, Tags=[{"Key": "team", "Value": "fraud"}])
    first = described(sagemaker, name)
    assert first["InferenceComponentStatus"] == "Creating"
    assert copies(first) == (0, 2)
    found = settled(sagemaker, name)
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:inference-component/{name}"
    assert found["InferenceComponentArn"] == arn
    assert found["EndpointArn"] == f"arn:aws:sagemaker:us-east-1:000000000000:endpoint/{endpoint}"
    assert (found["EndpointName"], found["VariantName"]) == (endpoint, "one")
    assert found["InferenceComponentStatus"] == "InService"
    assert found["Specification"] == model("a")
    assert copies(found) == (2, 2)
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "fraud"}]
    container = {
        "Image": IMAGE,
        "ArtifactUrl": f"s3://{BUCKET}/model.tar.gz",
        "Environment": {"TAG": "own"},
    }
    startup = {"ContainerStartupHealthCheckTimeoutInSeconds": 120, "ModelDataDownloadTimeoutInSeconds": 60}
    specification = {"Container": container, "StartupParameters": startup, "ComputeResourceRequirements": SMALL}
    other = in_service(sagemaker, endpoint, specification)
    shown = described(sagemaker, other)["Specification"]
    deployed = shown["Container"]["DeployedImage"]
    assert (deployed["SpecifiedImage"], deployed["ResolvedImage"].split("@")[1][:10]) == (IMAGE, "sha256:aaa")
    assert shown["Container"]["Environment"] == {"TAG": "own"}
    assert shown["StartupParameters"] == startup
    seen = answers(runtime, endpoint, name)
    assert {tag for tag, _ in seen} == {"a"}
    assert len({server for _, server in seen}) == 2, "each copy is a process and takes its part"
    assert {tag for tag, _ in answers(runtime, endpoint, other)} == {"own"}
    answer = runtime.invoke_endpoint(EndpointName=endpoint, InferenceComponentName=name, Body=b"x")
    assert answer["InvokedProductionVariant"] == "one"
    streams = until(lambda: log_streams(serving, name), lambda streams: len(streams) == 2)
    assert {stream.split("/")[0] for stream in streams} == {"one"}
    assert len({stream.split("/")[1] for stream in streams}) == 1, "both are on the one instance"
    remove(sagemaker, endpoint)
    folder = Path(serving.state_dir) / "endpoints" / "000000000000-us-east-1" / endpoint
    assert not folder.exists()


def test_a_copy_that_takes_more_memory_than_it_may_is_ended(sagemaker: Any) -> None:
    endpoint = hosting(sagemaker)
    container = {"Image": IMAGE, "Environment": {"TAG": "hungry"}}
    for most, status in ((256, "Failed"), (1024, "InService")):
        need = {"MinMemoryRequiredInMb": 128, "MaxMemoryRequiredInMb": most}
        name = create(sagemaker, endpoint, {"Container": container, "ComputeResourceRequirements": need})
        found = settled(sagemaker, name)
        assert found["InferenceComponentStatus"] == status, found.get("FailureReason")
        assert ("more memory" in found.get("FailureReason", "")) == (status == "Failed")
    remove(sagemaker, endpoint)


def test_invocations_name_a_component_of_the_endpoint(sagemaker: Any, runtime: Any) -> None:
    endpoint, other = hosting(sagemaker), hosting(sagemaker)
    plain = deploy(sagemaker, configure(sagemaker, variant("a")))
    name = in_service(sagemaker, endpoint, model("a"))
    code, text = error(runtime.invoke_endpoint, EndpointName=endpoint, Body=b"x")
    assert code == "ValidationError"
    assert text.startswith("Inference Component Name header is required for endpoints to which you plan to deploy")
    asked = {"InferenceComponentName": name, "Body": b"x"}
    assert error(runtime.invoke_endpoint, EndpointName=plain, **asked)[1].startswith(
        "Inference Component Name header is not allowed"
    )
    code, text = error(runtime.invoke_endpoint, EndpointName=other, **asked)
    assert (code, text) == ("ValidationError", f"Inference Component {name} not found for endpoint {other}.")
    code, _ = error(runtime.invoke_endpoint, EndpointName=endpoint, TargetVariant="two", **asked)
    assert code == "ValidationError"
    code, text = error(sagemaker.delete_endpoint, EndpointName=endpoint)
    assert code == "ValidationException"
    assert text.startswith("Cannot delete endpoint with inference component associated.")
    assert answers(runtime, endpoint, name, 1)[0][0] == "a"
    with pytest.raises(ClientError, match="no such column") as raised:
        runtime.invoke_endpoint(EndpointName=endpoint, InferenceComponentName=name, Body=b"bad")
    assert f"/aws/sagemaker/InferenceComponents/{name}:log-stream:one/i-" in raised.value.response["LogStreamArn"]
    sagemaker.delete_inference_component(InferenceComponentName=name)
    until(lambda: not sagemaker.list_inference_components(NameContains=name)["InferenceComponents"])
    code, text = error(described, sagemaker=sagemaker, name=name)
    assert (code, "Could not find inference component" in text) == ("ValidationException", True)
    for each in (endpoint, other, plain):
        delete(sagemaker, each)


def test_copies_fit_in_the_instances_or_there_is_not_enough_capacity(sagemaker: Any) -> None:
    endpoint = hosting(sagemaker)
    name = in_service(sagemaker, endpoint, model("a", **HALF))
    memory = create(sagemaker, endpoint, model("a", MinMemoryRequiredInMb=7681))
    found = settled(sagemaker, memory)
    assert found["InferenceComponentStatus"] == "Failed"
    assert "not enough capacity for 1 more copy, each with 0 CPU cores and 7681 MB" in found["FailureReason"]
    assert "1 of ml.m5.large with 2 CPU cores and 8192 MB each" in found["FailureReason"]
    sagemaker.update_inference_component_runtime_config(
        InferenceComponentName=name, DesiredRuntimeConfig={"CopyCount": 3}
    )
    found = settled(sagemaker, name)
    assert (found["InferenceComponentStatus"], copies(found)) == ("InService", (1, 1))
    assert "not enough capacity for 2 more copies" in found["FailureReason"]
    beside = in_service(sagemaker, endpoint, model("b", **HALF))
    sagemaker.update_inference_component(InferenceComponentName=beside, Specification=model("a", **HALF))
    found = settled(sagemaker, beside)
    assert "not enough capacity" in found["FailureReason"], "old and new copies are there at the same time"
    assert found["Specification"]["ModelName"] == "b"
    sagemaker.delete_inference_component(InferenceComponentName=name)
    until(lambda: not sagemaker.list_inference_components(NameContains=name)["InferenceComponents"])
    sagemaker.update_inference_component(InferenceComponentName=beside, Specification=model("a", **HALF))
    assert settled(sagemaker, beside)["Specification"]["ModelName"] == "a"
    remove(sagemaker, endpoint)


def test_components_are_listed_by_what_they_are(sagemaker: Any) -> None:
    endpoint = hosting(sagemaker, host(), host("two"))
    names = [create(sagemaker, endpoint, model("a")) for _ in range(2)]
    other = f"beside-{uuid.uuid4().hex[:8]}"
    sagemaker.create_inference_component(
        InferenceComponentName=other, EndpointName=endpoint, VariantName="two", Specification=model("broken")
    )
    for name in (*names, other):
        settled(sagemaker, name)

    def listed(**filters: Any) -> list[str]:
        rows = sagemaker.list_inference_components(EndpointNameEquals=endpoint, **filters)["InferenceComponents"]
        return [row["InferenceComponentName"] for row in rows]

    assert listed() == [other, *reversed(names)], "the last comes first"
    assert listed(SortBy="Name", SortOrder="Ascending") == sorted([*names, other])
    assert listed(VariantNameEquals="two") == [other]
    assert listed(StatusEquals="Failed") == [other]
    assert listed(StatusEquals="InService", NameContains=names[0][-8:]) == [names[0]]
    created = described(sagemaker, names[1])["CreationTime"]
    assert listed(CreationTimeBefore=created) == [*reversed(names)]
    assert listed(LastModifiedTimeAfter=datetime.now(UTC) + timedelta(hours=1)) == []
    pages = sagemaker.get_paginator("list_inference_components").paginate(
        EndpointNameEquals=endpoint, PaginationConfig={"PageSize": 2}
    )
    found = [row for page in pages for row in page["InferenceComponents"]]
    assert [row["InferenceComponentName"] for row in found] == [other, *reversed(names)]
    assert set(found[0]) == {
        "CreationTime", "InferenceComponentArn", "InferenceComponentName", "EndpointArn", "EndpointName", "VariantName",
        "InferenceComponentStatus", "LastModifiedTime",
    }  # fmt: skip
    assert sagemaker.list_inference_components(EndpointNameEquals="none")["InferenceComponents"] == []
    remove(sagemaker, endpoint)


def test_requests_are_captured(serving: Any, sagemaker: Any, runtime: Any) -> None:
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    endpoint = hosting(sagemaker, DataCaptureConfig=capture)
    name = in_service(sagemaker, endpoint, model("a"))
    asked = {"EndpointName": endpoint, "InferenceComponentName": name, "ContentType": "text/csv"}
    runtime.invoke_endpoint(**asked, Body=b"1,2")
    s3 = serving.aws("s3")
    prefix = f"captured/{endpoint}/one/"
    (key,) = until(lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", []))
    line = json.loads(s3.get_object(Bucket=BUCKET, Key=key["Key"])["Body"].read())
    assert line["captureData"]["endpointInput"]["data"] == "1,2"
    assert line["captureData"]["endpointOutput"]["data"].startswith("a:")
    remove(sagemaker, endpoint)
