"""The control plane against moto's server: Create, Describe, and List with few and with many records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Result, client, moto_server, paired, rate, result

from penstock_cloud import cloud

RECORDS = 10_000
CALLS = 200
CLIENTS = 8
ROLE = "arn:aws:iam::000000000000:role/bench"


def _create(sagemaker: Any, number: int) -> None:
    sagemaker.create_model(ModelName=f"bench-{number:05}", ExecutionRoleArn=ROLE)


def _describe(sagemaker: Any) -> None:
    for number in range(CALLS):
        sagemaker.describe_model(ModelName=f"bench-{number:05}")


def _list(sagemaker: Any) -> None:
    for _ in range(20):
        sagemaker.list_models(MaxResults=10)


def control_plane(info: cloud.CloudInfo, folder: Path) -> list[Result]:
    """Our services by themselves (as our clients reach the data planes) and at the gateway, moto's server beside them."""
    own, gateway = client("sagemaker", info.runtime_endpoint), client("sagemaker", info.endpoint)
    with moto_server(folder) as endpoint:
        moto = client("sagemaker", endpoint)
        results = [
            result(
                "CreateModel, 8 clients", rate(lambda number: _create(own, number), 1000, CLIENTS), "requests/s",
                "moto server", rate(lambda number: _create(moto, number), 1000, CLIENTS), "peer_value/value", 1.0,
            )
        ]  # fmt: skip
        ours, theirs = paired(lambda: _describe(own), lambda: _describe(moto))
        results.append(
            result(
                "DescribeModel", ours / CALLS * 1000, "ms", "moto server", theirs / CALLS * 1000, "value/peer_value", 1
            )
        )
        through, theirs = paired(lambda: _describe(gateway), lambda: _describe(moto), 3)
        results.append(
            result(
                "DescribeModel through the gateway", through / CALLS * 1000, "ms", "moto server", theirs / CALLS * 1000,
                "value", 15.0,
            )
        )  # fmt: skip
        results.append(
            result(
                "DescribeModel, 8 clients", rate(lambda n: own.describe_model(ModelName=f"bench-{n:05}"), 1000, CLIENTS),
                "requests/s", "moto server",
                rate(lambda n: moto.describe_model(ModelName=f"bench-{n:05}"), 1000, CLIENTS), "peer_value/value", 1.0,
            )
        )  # fmt: skip
        few = paired(lambda: _list(own), lambda: None)[0]
        for number in range(1000, RECORDS):
            _create(own, number)
        many, theirs = paired(lambda: _list(own), lambda: _list(moto))
        results += [
            result(f"ListModels, {RECORDS} records", many * 50, "ms", "1000 records", few * 50, "value/peer_value", 1.5),
            result("ListModels, page of 10", many * 50, "ms", "moto server, 1000", theirs * 50, "value/peer_value", 1.5),
        ]  # fmt: skip
    return results
