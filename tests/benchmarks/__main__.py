"""`make bench`: run every benchmark and write `build/bench/results.json`.

Each result is `{"name", "value", "unit", "peer", "peer_value", "limit", "limit_value", "machine"}`; `limit` says what the
value must not exceed ("value/peer_value" or "value"), and a result beyond its limit is printed as such.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from penstock_cloud import cloud, environments, processes

ROOT = Path(__file__).resolve().parents[2]
MACHINE = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
NO_BYTE_CODE = "PYTHONDONTWRITEBYTECODE"


def seconds(action: Callable[[], Any], times: int = 5) -> float:
    """The median wall time of an action."""
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        action()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def result(
    name: str, value: float, unit: str, peer: str, peer_value: float, limit: str, limit_value: float
) -> dict[str, Any]:
    return {
        "name": name, "value": round(value, 4), "unit": unit, "peer": peer, "peer_value": round(peer_value, 4),
        "limit": limit, "limit_value": limit_value, "machine": MACHINE,
    }  # fmt: skip


def run(*command: str | Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != NO_BYTE_CODE}
    subprocess.run([str(part) for part in command], check=True, capture_output=True, env=environment, timeout=120)


def wait_for(url: str) -> None:
    limit = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=1)
            return
        except OSError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.02)


@contextmanager
def server(command: list[str], url: str, folder: Path) -> Iterator[float]:
    """A peer's server while it is needed; gives the seconds that it took to answer."""
    begin = time.perf_counter()
    process = processes.start(command, folder / "peer.log", dict(os.environ))
    try:
        wait_for(url)
        yield time.perf_counter() - begin
    finally:
        processes.stop(process, 2)


def help_page() -> dict[str, Any]:
    penstock = Path(sys.executable).with_name("penstock")
    ours = seconds(lambda: run(penstock, "--help"))
    bare = seconds(lambda: run(sys.executable, "-c", "import typer"))
    return result("penstock --help", ours, "s", "python -c 'import typer'", bare, "value", 0.3)


def cloud_start(state: Path) -> dict[str, Any]:
    begin = time.perf_counter()
    cloud.up(state, 0)
    ours = time.perf_counter() - begin
    port = processes.free_port()
    settings = {
        "GATEWAY_LISTEN": f"127.0.0.1:{port}", "DISABLE_EVENTS": "1", "SKIP_SSL_CERT_DOWNLOAD": "1", "DNS_ADDRESS": "0",
        "LOCALSTACK_VOLUME_DIR": str(state.parent / "bare"), "FILESYSTEM_ROOT": str(state.parent / "bare"),
    }  # fmt: skip
    command = ["env", *(f"{name}={value}" for name, value in settings.items())]
    command += [str(environments.ensure("gateway")), "-m", "localstack.runtime.main"]
    with server(command, f"http://127.0.0.1:{port}/_localstack/health", state.parent) as bare:
        pass
    return result("local cloud up", ours, "s", "bare LocalStack 4.14", bare, "value-peer_value", 2.0)


def describe(info: cloud.CloudInfo) -> dict[str, Any]:
    session: dict[str, Any] = {
        "region_name": "us-east-1", "aws_access_key_id": "000000000000", "aws_secret_access_key": "test",
    }  # fmt: skip
    sagemaker = boto3.client("sagemaker", endpoint_url=info.endpoint, **session)
    sagemaker.create_model_package_group(ModelPackageGroupName="bench")
    ecr = boto3.client("ecr", endpoint_url=info.endpoint, **session)
    ecr.create_repository(repositoryName="bench")

    def ours() -> None:
        for _ in range(100):
            sagemaker.describe_model_package_group(ModelPackageGroupName="bench")

    def moto() -> None:
        for _ in range(100):
            ecr.describe_repositories(repositoryNames=["bench"])

    return result(
        "DescribeModelPackageGroup at the gateway", 10 * seconds(ours, 3), "ms",
        "DescribeRepositories by moto at the gateway", 10 * seconds(moto, 3), "value/peer_value", 1.0,
    )  # fmt: skip


def training_job(info: cloud.CloudInfo) -> dict[str, Any]:
    digest = "0" * 64
    record = {
        "repository": "000000000000.dkr.ecr.us-east-1.amazonaws.com/bench", "digest": f"sha256:{digest}", "tags": ["1"],
        "python": sys.executable, "path": ["/usr/bin", "/bin"], "environment": {}, "entrypoint": None,
    }  # fmt: skip
    (info.state_dir / f"images/{digest}.json").write_text(json.dumps(record))
    session: dict[str, Any] = {
        "region_name": "us-east-1", "aws_access_key_id": "000000000000", "aws_secret_access_key": "test",
    }  # fmt: skip
    boto3.client("s3", endpoint_url=info.endpoint, **session).create_bucket(Bucket="bench")
    sagemaker = boto3.client("sagemaker", endpoint_url=info.runtime_endpoint, **session)
    counter = iter(range(100))

    def job() -> None:
        name = f"bench-{next(counter)}"
        sagemaker.create_training_job(
            TrainingJobName=name,
            RoleArn="arn:aws:iam::000000000000:role/bench",
            AlgorithmSpecification={
                "TrainingImage": f"{record['repository']}:1", "TrainingInputMode": "File", "ContainerEntrypoint": ["/bin/true"],
            },
            OutputDataConfig={"S3OutputPath": "s3://bench/out"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
        )  # fmt: skip
        while (status := sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"]) == "InProgress":
            time.sleep(0.01)
        assert status == "Completed", sagemaker.describe_training_job(TrainingJobName=name)

    bare = seconds(lambda: run("/bin/true"))
    return result("trivial training job", seconds(job), "s", "the bare process", bare, "value-peer_value", 0.3)


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="penstock-bench-"))
    state = folder / "state"
    try:
        results = [help_page(), cloud_start(state)]
        info = cloud.info(state)
        assert info
        results += [describe(info), training_job(info)]
    finally:
        cloud.reset(state)
    output = ROOT / "build/bench/results.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(results, indent=2) + "\n")
    for item in results:
        measured = {"value": item["value"], "value/peer_value": item["value"] / item["peer_value"]}
        measured["value-peer_value"] = item["value"] - item["peer_value"]
        verdict = "within" if measured[item["limit"]] <= item["limit_value"] else "BEYOND"
        print(
            f"{item['name']}: {item['value']} {item['unit']}; {item['peer']}: {item['peer_value']} {item['unit']};"
            f" {item['limit']} = {measured[item['limit']]:.2f}, {verdict} the limit of {item['limit_value']}"
        )
    print(f"written to {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
