"""Inference experiments: a shadow variant beside an endpoint's own for a time, and what is left when it is over."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.localstack.services.sagemaker.endpoints.serving_endpoints import (
    BUCKET,
    IMAGE,
    ROLE,
    Load,
    configure,
    delete,
    deploy,
    settled,
    variant,
)
from tests.localstack.services.sagemaker.endpoints.shadow_tests import (
    HOUR,
    asked,
    compared,
    create,
    mode,
    now,
    reached,
    refused,
    shortly,
    statuses,
    stopped,
)
from tests.localstack.services.waiting import until

pytestmark = pytest.mark.cloud


def captured(serving: Any, prefix: str) -> list[dict[str, Any]]:
    """The captured requests in CSV (those of ``Load`` are not), with their answers."""
    s3 = serving.aws("s3")
    lines: list[dict[str, Any]] = []
    for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", []):
        text = s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read().decode()
        lines += [json.loads(line)["captureData"] for line in text.splitlines()]
    return [line for line in lines if line["endpointInput"]["encoding"] == "CSV"]


def test_an_experiment_mirrors_captures_and_ends_by_its_schedule(serving: Any, sagemaker: Any, runtime: Any) -> None:
    config = configure(sagemaker, variant("a"))
    endpoint = deploy(sagemaker, config)
    storage = {"Destination": f"s3://{BUCKET}/trial", "ContentType": {"CsvContentTypes": ["text/csv"]}}
    before = now()
    with Load(runtime, endpoint) as load:
        name = create(
            sagemaker,
            endpoint,
            DataStorageConfig=storage,
            Description="b against a",
            Tags=[{"Key": "team", "Value": "flights"}],
        )
        first = sagemaker.describe_inference_experiment(Name=name)
        assert first["Status"] in ("Creating", "Created", "Starting")
        assert statuses(first)["shade"] == "Creating"
        running = reached(sagemaker, name, "Running")
    assert load.errors == []
    assert running["Arn"].endswith(f":inference-experiment/{name}")
    assert running["Schedule"]["StartTime"] >= before - timedelta(seconds=1)
    assert timedelta(days=7) - HOUR < running["Schedule"]["EndTime"] - running["Schedule"]["StartTime"]
    assert running["Schedule"]["EndTime"] - running["Schedule"]["StartTime"] <= timedelta(days=7)
    assert statuses(running) == {"one": "InService", "shade": "InService"}
    assert "CompletionTime" not in running
    described = sagemaker.describe_endpoint(EndpointName=endpoint)
    assert described["EndpointConfigName"] != config
    assert running["EndpointMetadata"] == {
        "EndpointName": endpoint,
        "EndpointConfigName": described["EndpointConfigName"],
        "EndpointStatus": "InService",
    }
    assert [each["VariantName"] for each in described["ShadowProductionVariants"]] == ["shade"]
    assert sagemaker.list_tags(ResourceArn=running["Arn"])["Tags"] == [{"Key": "team", "Value": "flights"}]
    for number in range(4):
        answer = runtime.invoke_endpoint(EndpointName=endpoint, Body=f"{number}", ContentType="text/csv")
        assert answer["Body"].read().startswith(b"a:")
    copies = until(lambda: captured(serving, f"trial/{endpoint}/shade/"), lambda lines: len(lines) == 4)
    assert {each["endpointInput"]["data"] for each in copies} == set("0123")
    assert {each["endpointOutput"]["data"].split(":")[0] for each in copies} == {"b"}
    until(lambda: len(captured(serving, f"trial/{endpoint}/one/")) == 4)
    assert refused(sagemaker.delete_inference_experiment, Name=name)[0] == "ConflictException"
    assert refused(sagemaker.start_inference_experiment, Name=name)[0] == "ConflictException"

    end = shortly()
    sagemaker.update_inference_experiment(Name=name, Schedule={"EndTime": end})
    over = reached(sagemaker, name, "Completed")
    assert over["Schedule"]["EndTime"] == end
    assert over["CompletionTime"] >= end
    assert statuses(over) == {"one": "InService", "shade": "Deleted"}
    described = sagemaker.describe_endpoint(EndpointName=endpoint)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", config)
    assert not {"ShadowProductionVariants", "DataCaptureConfig"} & set(described)
    for call in (sagemaker.start_inference_experiment, sagemaker.update_inference_experiment):
        assert refused(call, Name=name)[0] == "ConflictException"
    sagemaker.delete_inference_experiment(Name=name)
    assert refused(sagemaker.describe_inference_experiment, Name=name)[0] == "ResourceNotFound"
    delete(sagemaker, endpoint)


def test_it_waits_for_its_start_and_can_be_changed_until_then(sagemaker: Any, runtime: Any) -> None:
    config = configure(sagemaker, variant("a"))
    endpoint = deploy(sagemaker, config)
    begin = now().replace(microsecond=0) + HOUR
    name = create(sagemaker, endpoint, Schedule={"StartTime": begin, "EndTime": begin + 2 * HOUR})
    created = reached(sagemaker, name, "Created")
    assert created["Schedule"] == {"StartTime": begin, "EndTime": begin + 2 * HOUR}
    assert created["EndpointMetadata"]["EndpointConfigName"] == config
    assert statuses(created) == {"one": "InService", "shade": "Creating"}

    def again(**more: Any) -> tuple[str, str]:
        return refused(sagemaker.create_inference_experiment, **asked(endpoint, **more))

    assert again(Name=name)[0] == "ResourceInUse"
    code, message = again(Schedule={"StartTime": begin + HOUR})
    assert code == "ResourceInUse"
    assert name in message
    later = create(sagemaker, endpoint, Schedule={"StartTime": begin + 3 * HOUR})

    update = sagemaker.update_inference_experiment
    assert "at most 30 days" in refused(update, Name=name, Schedule={"EndTime": begin + timedelta(days=31)})[1]
    assert "after its StartTime" in refused(update, Name=name, Schedule={"StartTime": begin + 3 * HOUR})[1]
    assert "not one of" in refused(update, Name=name, ModelVariants=[compared("b", "other")])[1]
    update(
        Name=name,
        Description="changed",
        ModelVariants=[compared("failing", "dusk", count=2)],
        ShadowModeConfig=mode(50, shadow="dusk"),
    )
    changed = reached(sagemaker, name, "Created")
    assert changed["Description"] == "changed"
    assert changed["LastModifiedTime"] > changed["CreationTime"]
    assert list(statuses(changed)) == ["one", "dusk"]
    assert sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"] == config

    update(Name=name, Schedule={"StartTime": now() + timedelta(seconds=1)})
    running = reached(sagemaker, name, "Running")
    assert running["Schedule"]["EndTime"] == begin + 2 * HOUR
    (shadow,) = sagemaker.describe_endpoint(EndpointName=endpoint)["ShadowProductionVariants"]
    assert (shadow["VariantName"], shadow["CurrentInstanceCount"], shadow["CurrentWeight"]) == ("dusk", 2, 0.5)
    code, message = refused(sagemaker.start_inference_experiment, Name=later)
    assert (code, name in message) == ("ConflictException", True)

    assert refused(update, Name=name, Schedule={"StartTime": begin})[0] == "ConflictException"
    assert refused(update, Name=name, ModelVariants=[compared("b", "dusk")])[0] == "ConflictException"
    update(Name=name, ShadowModeConfig=mode(25, shadow="dusk"), Description="a quarter")
    quarter = reached(sagemaker, name, "Running")
    assert quarter["ShadowModeConfig"]["ShadowModelVariants"][0]["SamplingPercentage"] == 25
    (shadow,) = sagemaker.describe_endpoint(EndpointName=endpoint)["ShadowProductionVariants"]
    assert shadow["CurrentWeight"] == 0.25

    sagemaker.delete_inference_experiment(Name=later)
    over = stopped(sagemaker, name, {"one": "Retain", "dusk": "Remove"}, Reason="seen enough")
    assert over["StatusReason"] == "seen enough"
    assert over["Schedule"]["EndTime"] == over["CompletionTime"]
    assert sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"] == config
    delete(sagemaker, endpoint)


def test_a_shadow_is_promoted_under_requests(serving: Any, sagemaker: Any, runtime: Any) -> None:
    endpoint = deploy(sagemaker, configure(sagemaker, variant("a", weight=2)))
    begin = now() + HOUR
    storage = {"Destination": f"s3://{BUCKET}/promoted"}
    name = create(sagemaker, endpoint, Schedule={"StartTime": begin}, DataStorageConfig=storage)
    reached(sagemaker, name, "Created")
    stop = sagemaker.stop_inference_experiment
    promote = {"one": "Remove", "shade": "Promote"}
    assert refused(stop, Name=name, ModelVariantActions=promote)[0] == "ConflictException"
    sagemaker.start_inference_experiment(Name=name)
    running = reached(sagemaker, name, "Running")
    assert running["Schedule"]["StartTime"] < begin
    described = sagemaker.describe_endpoint(EndpointName=endpoint)
    assert described["ShadowProductionVariants"][0]["CurrentWeight"] == 2, "all of the production variant's requests"
    assert described["DataCaptureConfig"]["DestinationS3Uri"] == storage["Destination"]
    for actions, problem in (
        ({"one": "Promote"}, "only a shadow variant can be promoted"),
        ({"one": "Remove"}, "an endpoint needs one"),
        ({"two": "Retain"}, "not one of"),
    ):
        assert problem in refused(stop, Name=name, ModelVariantActions=actions)[1]
    both = {"one": "Retain", "shade": "Promote"}
    assert refused(stop, Name=name, ModelVariantActions=both)[0] == "NotImplementedException"
    gone = [compared("a", "one")]
    assert "does not stay" in refused(stop, Name=name, ModelVariantActions=promote, DesiredModelVariants=gone)[1]
    assert sagemaker.describe_inference_experiment(Name=name)["Status"] == "Running"

    with Load(runtime, endpoint) as load:
        stop(
            Name=name,
            ModelVariantActions=promote,
            DesiredModelVariants=[compared("b", "shade", count=2)],
            DesiredState="Completed",
        )
        assert sagemaker.describe_inference_experiment(Name=name)["Status"] in ("Stopping", "Completed")
        over = reached(sagemaker, name, "Completed")
        load.answers.clear()
        until(lambda: load.answers["b"] > 5)
        assert load.answers["a"] == 0
    assert load.errors == []
    assert statuses(over) == {"one": "Deleted", "shade": "InService"}
    described = sagemaker.describe_endpoint(EndpointName=endpoint)
    (left,) = described["ProductionVariants"]
    assert (left["VariantName"], left["CurrentInstanceCount"]) == ("shade", 2)
    assert not {"ShadowProductionVariants", "DataCaptureConfig"} & set(described)
    delete(sagemaker, endpoint)
    assert sagemaker.describe_inference_experiment(Name=name)["EndpointMetadata"] == {"EndpointName": endpoint}


def test_what_is_retained_goes_on(sagemaker: Any, runtime: Any) -> None:
    endpoint = deploy(sagemaker, configure(sagemaker, variant("a")))
    name = create(sagemaker, endpoint)
    running = reached(sagemaker, name, "Running")
    over = stopped(sagemaker, name, {"one": "Retain", "shade": "Retain"}, DesiredState="Completed")
    assert statuses(over) == {"one": "InService", "shade": "InService"}
    assert over["EndpointMetadata"] == running["EndpointMetadata"], "nothing had to be deployed"
    described = sagemaker.describe_endpoint(EndpointName=endpoint)
    assert [each["VariantName"] for each in described["ShadowProductionVariants"]] == ["shade"]
    # An endpoint with a shadow variant can have an experiment too, and has its own shadow back afterwards.
    pair = [compared("a", "one"), compared("failing", "dusk")]
    name = create(sagemaker, endpoint, ModelVariants=pair, ShadowModeConfig=mode(shadow="dusk"))
    reached(sagemaker, name, "Running")
    sagemaker.update_inference_experiment(Name=name, Schedule={"EndTime": shortly()})
    reached(sagemaker, name, "Completed")
    described = sagemaker.describe_endpoint(EndpointName=endpoint)
    assert [each["VariantName"] for each in described["ShadowProductionVariants"]] == ["shade"]
    delete(sagemaker, endpoint)


def test_a_shadow_that_does_not_come_up_cancels_it(sagemaker: Any, runtime: Any) -> None:
    config = configure(sagemaker, variant("a"))
    endpoint = deploy(sagemaker, config)
    name = create(sagemaker, endpoint, "broken")
    over = reached(sagemaker, name, "Cancelled")
    assert "did not pass the ping health check" in over["StatusReason"]
    assert over["EndpointMetadata"]["EndpointConfigName"] == config
    assert "ping health check" in over["EndpointMetadata"]["FailureReason"]
    assert statuses(over) == {"one": "InService", "shade": "Deleted"}
    assert runtime.invoke_endpoint(EndpointName=endpoint, Body=b"x")["Body"].read().startswith(b"a:")
    delete(sagemaker, endpoint)


def test_an_update_that_fails_takes_the_shadow_away(serving: Any, sagemaker: Any, runtime: Any) -> None:
    s3 = serving.aws("s3")
    s3.copy_object(Bucket=BUCKET, Key="short-lived.tar.gz", CopySource={"Bucket": BUCKET, "Key": "model.tar.gz"})
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/short-lived.tar.gz", "Environment": {"TAG": "c"}}
    sagemaker.create_model(ModelName="short-lived", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    config = configure(sagemaker, variant("a"))
    endpoint = deploy(sagemaker, config)
    name = create(sagemaker, endpoint, "short-lived")
    reached(sagemaker, name, "Running")
    s3.delete_object(Bucket=BUCKET, Key="short-lived.tar.gz")
    sagemaker.update_inference_experiment(Name=name, ShadowModeConfig=mode(10))
    over = reached(sagemaker, name, "Cancelled")
    assert "variant shade: No S3 objects" in over["StatusReason"]
    assert statuses(over) == {"one": "InService", "shade": "Deleted"}
    assert sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"] == config
    delete(sagemaker, endpoint)


def test_an_endpoint_that_is_changed_or_deleted_cancels_it(sagemaker: Any) -> None:
    other = configure(sagemaker, variant("b"))
    endpoint = deploy(sagemaker, configure(sagemaker, variant("a")))
    name = create(sagemaker, endpoint)
    reached(sagemaker, name, "Running")
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=other)
    assert other in reached(sagemaker, name, "Cancelled")["StatusReason"]
    assert settled(sagemaker, endpoint)["EndpointConfigName"] == other

    waiting = create(sagemaker, endpoint, Schedule={"StartTime": now() + 200 * HOUR})
    running = create(sagemaker, endpoint)
    reached(sagemaker, running, "Running")
    delete(sagemaker, endpoint)
    for name in (running, waiting):
        assert reached(sagemaker, name, "Cancelled")["StatusReason"] == f"Endpoint {endpoint} was deleted."


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_experiments_go_on_after_a_restart(serving: Any, sagemaker: Any, runtime: Any, how: str) -> None:
    config = configure(sagemaker, variant("a"))
    endpoint, second = deploy(sagemaker, config), deploy(sagemaker, config)
    running = create(sagemaker, endpoint, Schedule={"EndTime": now() + HOUR})
    reached(sagemaker, running, "Running")
    during = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    starting = create(sagemaker, second, ModelVariants=[compared("a", "one"), compared("b", "shade", count=4)])
    begun = ("Starting", "Running")
    until(lambda: sagemaker.describe_inference_experiment(Name=starting)["Status"] in begun)
    getattr(serving, how)()
    serving.start()
    assert sagemaker.describe_inference_experiment(Name=running)["Status"] == "Running"
    assert sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"] == during
    reached(sagemaker, starting, "Running")
    assert runtime.invoke_endpoint(EndpointName=second, Body=b"x")["Body"].read().startswith(b"a:")
    waits = create(sagemaker, second, Schedule={"StartTime": now() + 200 * HOUR})
    reached(sagemaker, waits, "Created")
    end = shortly()
    sagemaker.update_inference_experiment(Name=running, Schedule={"EndTime": end})
    getattr(serving, how)()
    serving.start()
    assert reached(sagemaker, running, "Completed")["CompletionTime"] >= end
    assert sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"] == config
    assert sagemaker.describe_inference_experiment(Name=waits)["Status"] == "Created"
    for name in (endpoint, second):
        delete(sagemaker, name)
