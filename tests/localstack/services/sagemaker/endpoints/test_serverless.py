"""Serverless endpoints: processes come with requests and go without; too many requests at a time are throttled."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.sagemaker.endpoints.serving_endpoints import (
    configure,
    delete,
    deploy,
    settled,
    variant,
)
from tests.localstack.services.waiting import until

pytestmark = pytest.mark.cloud


def capacity(concurrency: int, **more: int) -> dict[str, Any]:
    return {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": concurrency, **more}}


def processes(serving: Any, endpoint: str) -> int:
    """The number of serving instances of an endpoint, by the folders that they run in."""
    found = set()
    for process in psutil.Process(serving.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found |= {word for word in process.cmdline() if "launch.json" in word and f"/{endpoint}/" in word}
    return len(found)


def starts(serving: Any, endpoint: str) -> int:
    """How often an instance of an endpoint was started, by their logs."""
    folder = Path(serving.state_dir) / "endpoints" / "000000000000-us-east-1" / endpoint
    return len(list(folder.rglob("log.txt")))


def test_it_scales_to_zero_and_comes_back(serving: Any, sagemaker: Any, runtime: Any) -> None:
    name = deploy(sagemaker, configure(sagemaker, variant("a", **capacity(2))))
    found = sagemaker.describe_endpoint(EndpointName=name)["ProductionVariants"][0]
    assert found["CurrentServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 2}
    assert "CurrentInstanceCount" not in found
    assert starts(serving, name) == 1, "the container was started once, to see that it can be"
    until(lambda: processes(serving, name), lambda count: count == 0)
    assert runtime.invoke_endpoint(EndpointName=name, Body=b"x")["Body"].read().startswith(b"a:")
    assert starts(serving, name) == 2
    second = configure(sagemaker, variant("b", **capacity(2)))
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=second)
    settled(sagemaker, name)
    assert runtime.invoke_endpoint(EndpointName=name, Body=b"x")["Body"].read().startswith(b"b:")
    with pytest.raises(ClientError, match="has 4194305 bytes; the limit is 4194304"):
        runtime.invoke_endpoint(EndpointName=name, Body=b"x" * (4 * 1024 * 1024 + 1))
    delete(sagemaker, name)
    assert processes(serving, name) == 0


def test_more_than_max_concurrency_is_throttled(serving: Any, sagemaker: Any, runtime: Any) -> None:
    name = deploy(sagemaker, configure(sagemaker, variant("a", **capacity(2))))
    codes, pids = [], set()

    def invoke() -> None:
        try:
            body = runtime.invoke_endpoint(EndpointName=name, Body=b"slow")["Body"].read()
            codes.append("OK")
            pids.add(body.split(b":")[1])
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=invoke) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["OK", "OK", "ThrottlingException", "ThrottlingException", "ThrottlingException"]
    until(lambda: processes(serving, name), lambda count: count == 0)
    with pytest.raises(ClientError, match="use ServerlessUpdateConfig"):
        scale(sagemaker, name, DesiredInstanceCount=2)
    with pytest.raises(ClientError, match="ProvisionedConcurrency 3 of variant one is above its MaxConcurrency 2"):
        scale(sagemaker, name, ServerlessUpdateConfig={"ProvisionedConcurrency": 3})
    scale(sagemaker, name, ServerlessUpdateConfig={"MaxConcurrency": 5, "ProvisionedConcurrency": 1})
    found = settled(sagemaker, name)["ProductionVariants"][0]
    assert found["CurrentServerlessConfig"] == {
        "MemorySizeInMB": 2048,
        "MaxConcurrency": 5,
        "ProvisionedConcurrency": 1,
    }
    assert processes(serving, name) == 1, "what is provisioned is warm"
    codes.clear()
    threads = [threading.Thread(target=invoke) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == ["OK"] * 5
    until(lambda: processes(serving, name), lambda count: count == 1)
    delete(sagemaker, name)


def scale(sagemaker: Any, name: str, **more: Any) -> None:
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "one", **more}]
    )


def test_a_container_that_does_not_start_fails_the_endpoint(sagemaker: Any) -> None:
    config = configure(sagemaker, variant("broken", **capacity(1)))
    sagemaker.create_endpoint(EndpointName="broken", EndpointConfigName=config)
    found = settled(sagemaker, "broken")
    assert found["EndpointStatus"] == "Failed"
    assert "cannot load the model" in found["FailureReason"]
    delete(sagemaker, "broken")
