"""Inference components that change: more and fewer copies, another model at once or rolling, the way back, a restart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.localstack.services.conftest import running_jobs
from tests.localstack.services.sagemaker.endpoints.conftest import PACE
from tests.localstack.services.sagemaker.endpoints.endpoint_metrics import error_alarm, metric
from tests.localstack.services.sagemaker.endpoints.hosted_components import (
    HALF,
    answers,
    copies,
    create,
    described,
    error,
    host,
    hosting,
    in_service,
    model,
    remove,
    settled,
)
from tests.localstack.services.sagemaker.endpoints.serving_endpoints import (
    Load,
    prepare,
)
from tests.localstack.services.waiting import until

pytestmark = pytest.mark.cloud


def test_copies_are_added_and_taken_down_to_none(serving: Any, sagemaker: Any, runtime: Any) -> None:
    endpoint = hosting(sagemaker)
    name = in_service(sagemaker, endpoint, model("a"))
    update = sagemaker.update_inference_component_runtime_config
    for count in (3, 0):
        answer = update(InferenceComponentName=name, DesiredRuntimeConfig={"CopyCount": count})
        assert answer["InferenceComponentArn"].endswith(f":inference-component/{name}")
        found = settled(sagemaker, name)
        assert (found["InferenceComponentStatus"], copies(found)) == ("InService", (count, count))
        if count:
            assert len({server for _, server in answers(runtime, endpoint, name, 12)}) == count
    asked = {"EndpointName": endpoint, "InferenceComponentName": name, "Body": b"x"}
    code, text = error(runtime.invoke_endpoint, **asked)
    assert code == "ValidationError"
    assert text.startswith("Inference Component has no capacity to process this request.")
    processes = Path(serving.state_dir) / "endpoints" / "000000000000-us-east-1" / endpoint
    assert not list(processes.rglob("left-behind")), "no copy is left"
    sagemaker.update_inference_component(InferenceComponentName=name, RuntimeConfig={"CopyCount": 1})
    assert copies(settled(sagemaker, name)) == (1, 1)
    assert answers(runtime, endpoint, name, 1)[0][0] == "a"
    sums = until(
        lambda: metric(serving, "NoCapacityInvocationFailures", InferenceComponentName=name), lambda found: found == 1
    )
    assert sums == 1
    assert until(lambda: metric(serving, "Invocations", InferenceComponentName=name), lambda found: found == 13)
    assert metric(serving, "InvocationsPerCopy", InferenceComponentName=name) == pytest.approx(12 / 3 + 1)
    remove(sagemaker, endpoint)


def test_what_cannot_start_fails_and_an_update_goes_back(sagemaker: Any, runtime: Any) -> None:
    endpoint = hosting(sagemaker)
    broken = create(sagemaker, endpoint, model("broken"))
    found = settled(sagemaker, broken)
    assert (found["InferenceComponentStatus"], copies(found)) == ("Failed", (0, 1))
    assert f"inference component {broken} did not pass the ping health check" in found["FailureReason"]
    assert "cannot load the model" in found["FailureReason"]
    code, text = error(
        sagemaker.update_inference_component, InferenceComponentName=broken, RuntimeConfig={"CopyCount": 1}
    )
    assert (code, "it can only be deleted" in text) == ("ValidationException", True)
    name = in_service(sagemaker, endpoint, model("a"), 2)
    sagemaker.update_inference_component(InferenceComponentName=name, Specification=model("broken"))
    found = settled(sagemaker, name)
    assert found["InferenceComponentStatus"] == "InService"
    assert "cannot load the model" in found["FailureReason"]
    assert (found["Specification"]["ModelName"], copies(found)) == ("a", (2, 2))
    with Load(runtime, endpoint, InferenceComponentName=name) as load:
        sagemaker.update_inference_component(
            InferenceComponentName=name, Specification=model("b"), RuntimeConfig={"CopyCount": 1}
        )
        found = settled(sagemaker, name)
        until(lambda: load.answers["b"])
    assert load.errors == []
    assert "FailureReason" not in found
    assert (found["Specification"]["ModelName"], copies(found)) == ("b", (1, 1))
    assert {tag for tag, _ in answers(runtime, endpoint, name)} == {"b"}
    remove(sagemaker, endpoint)


def test_instances_come_and_go_with_managed_instance_scaling(sagemaker: Any, runtime: Any) -> None:
    scaling = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2}
    endpoint = hosting(sagemaker, host(ManagedInstanceScaling=scaling))

    def instances() -> int:
        (found,) = sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
        assert found["ManagedInstanceScaling"] == scaling
        assert found["DesiredInstanceCount"] == found["CurrentInstanceCount"]
        return int(found["CurrentInstanceCount"])

    assert instances() == 1
    name = in_service(sagemaker, endpoint, model("a", NumberOfCpuCoresRequired=2, MinMemoryRequiredInMb=512))
    assert instances() == 1
    update = sagemaker.update_inference_component_runtime_config
    update(InferenceComponentName=name, DesiredRuntimeConfig={"CopyCount": 2})
    assert copies(settled(sagemaker, name)) == (2, 2)
    until(lambda: instances() == 2)
    update(InferenceComponentName=name, DesiredRuntimeConfig={"CopyCount": 3})
    assert "at most 2" in settled(sagemaker, name)["FailureReason"]
    update(InferenceComponentName=name, DesiredRuntimeConfig={"CopyCount": 1})
    assert copies(settled(sagemaker, name)) == (1, 1)
    until(lambda: instances() == 1)
    assert answers(runtime, endpoint, name, 1)[0][0] == "a"
    other = model("b", NumberOfCpuCoresRequired=2, MinMemoryRequiredInMb=512)
    sagemaker.update_inference_component(InferenceComponentName=name, Specification=other)
    assert settled(sagemaker, name)["Specification"] == other, "with an instance more while both are there"
    until(lambda: instances() == 1)
    assert answers(runtime, endpoint, name, 1)[0][0] == "b"
    remove(sagemaker, endpoint)


def rolling(batch: int, *alarms: str, wait: int = 0, kind: str = "COPY_COUNT") -> dict[str, Any]:
    stated: dict[str, Any] = {
        "RollingUpdatePolicy": {"MaximumBatchSize": {"Type": kind, "Value": batch}, "WaitIntervalInSeconds": wait}
    }
    if alarms:
        stated["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": each} for each in alarms]}
    return stated


def test_a_rolling_update_goes_batch_by_batch(sagemaker: Any, runtime: Any) -> None:
    endpoint = hosting(sagemaker, host(count=2))
    name = in_service(sagemaker, endpoint, model("a", **HALF), 3)
    deployment = rolling(1, wait=100)
    with Load(runtime, endpoint, InferenceComponentName=name) as load:
        sagemaker.update_inference_component(
            InferenceComponentName=name, Specification=model("b", **HALF), DeploymentConfig=deployment
        )
        seen, mixed = set(), False
        while described(sagemaker, name)["InferenceComponentStatus"] == "Updating":
            seen.add(copies(described(sagemaker, name))[0])
            mixed = mixed or bool(load.answers["a"] and load.answers["b"])
        found = settled(sagemaker, name)
    assert load.errors == []
    assert seen <= {3, 4}, "one comes, one goes: there would be no room for three more"
    assert 4 in seen
    assert mixed
    assert found["LastDeploymentConfig"] == deployment
    assert (found["Specification"]["ModelName"], copies(found)) == ("b", (3, 3))
    assert {tag for tag, _ in answers(runtime, endpoint, name)} == {"b"}
    remove(sagemaker, endpoint)


def test_a_rolling_update_is_rolled_back_by_an_alarm(serving: Any, sagemaker: Any, runtime: Any) -> None:
    endpoint = hosting(sagemaker)
    name = in_service(sagemaker, endpoint, model("a"), 2)
    alarm = error_alarm(serving, name, InferenceComponentName=name)
    with Load(runtime, endpoint, InferenceComponentName=name):
        sagemaker.update_inference_component(
            InferenceComponentName=name,
            Specification=model("failing"),
            DeploymentConfig=rolling(50, alarm, wait=3000, kind="CAPACITY_PERCENT"),
        )
        found = settled(sagemaker, name)
    assert found["InferenceComponentStatus"] == "InService"
    assert found["FailureReason"] == f"The deployment was rolled back: alarm {name}-errors is in state ALARM."
    assert (found["Specification"]["ModelName"], copies(found)) == ("a", (2, 2))
    assert "LastDeploymentConfig" not in found
    assert {tag for tag, _ in answers(runtime, endpoint, name)} == {"a"}
    remove(sagemaker, endpoint)


@pytest.fixture
def own(gateway_url: str) -> Iterator[Any]:
    """A services process that a test stops and kills."""
    yield from running_jobs("own", gateway_url, **PACE)


def test_components_serve_again_after_a_restart(own: Any) -> None:
    sagemaker, runtime = prepare(own), own.client("sagemaker-runtime")
    scaling = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 3}
    endpoint = hosting(sagemaker, host(ManagedInstanceScaling=scaling))
    name = in_service(sagemaker, endpoint, model("a", NumberOfCpuCoresRequired=2, MinMemoryRequiredInMb=512), 2)
    none = in_service(sagemaker, endpoint, model("b"))
    sagemaker.update_inference_component_runtime_config(
        InferenceComponentName=none, DesiredRuntimeConfig={"CopyCount": 0}
    )
    assert copies(settled(sagemaker, none)) == (0, 0)
    for end in (own.stop, own.kill):
        end()
        own.start()
        assert {tag for tag, _ in answers(runtime, endpoint, name)} == {"a"}
        found = until(lambda: described(sagemaker, name), lambda found: copies(found) == (2, 2))
        assert found["InferenceComponentStatus"] == "InService"
        assert "FailureReason" not in found
        asked = {"EndpointName": endpoint, "InferenceComponentName": none, "Body": b"x"}
        assert "has no capacity" in error(runtime.invoke_endpoint, **asked)[1]
        (shown,) = sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
        assert shown["CurrentInstanceCount"] == 2
        beyond = create(sagemaker, endpoint, model("a", NumberOfCpuCoresRequired=2, MinMemoryRequiredInMb=512), 2)
        assert "not enough capacity" in settled(sagemaker, beyond)["FailureReason"], "what serves has its room again"
    slow = rolling(50, wait=3600, kind="CAPACITY_PERCENT")
    sagemaker.update_inference_component(
        InferenceComponentName=name, Specification=model("b", **HALF), DeploymentConfig=slow
    )
    until(lambda: copies(described(sagemaker, name))[0] == 3)
    own.kill()
    own.start()
    found = until(
        lambda: described(sagemaker, name), lambda found: copies(found) == (2, 2) and "FailureReason" in found
    )
    assert (found["InferenceComponentStatus"], found["Specification"]["ModelName"]) == ("InService", "a")
    assert "stopped while the component was being updated" in found["FailureReason"]
    assert {tag for tag, _ in answers(runtime, endpoint, name)} == {"a"}
    remove(sagemaker, endpoint)


def test_an_instance_more_makes_room_and_is_there_after_a_restart_too(own: Any) -> None:
    sagemaker, runtime = prepare(own), own.client("sagemaker-runtime")
    endpoint = hosting(sagemaker)
    name = in_service(sagemaker, endpoint, model("a", **HALF), 2)

    def resized(count: int) -> Any:
        sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=endpoint, DesiredWeightsAndCapacities=[{"VariantName": "one", "DesiredInstanceCount": count}]
        )
        return until(
            lambda: sagemaker.describe_endpoint(EndpointName=endpoint),
            lambda found: found["EndpointStatus"] == "InService",
        )

    assert resized(2)["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    sagemaker.update_inference_component(InferenceComponentName=name, RuntimeConfig={"CopyCount": 4})
    assert copies(settled(sagemaker, name)) == (4, 4)
    found = resized(1)
    assert found["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert "copies are on 2 of them" in found["FailureReason"]
    found = resized(3)
    assert (found["ProductionVariants"][0]["CurrentInstanceCount"], "FailureReason" in found) == (3, False)
    own.kill()
    own.start()
    assert {tag for tag, _ in answers(runtime, endpoint, name)} == {"a"}
    update = {"InferenceComponentName": name, "RuntimeConfig": {"CopyCount": 6}}
    sagemaker.update_inference_component(**update)
    assert copies(settled(sagemaker, name)) == (6, 6), "there is still room on a third instance"
    remove(sagemaker, endpoint)
