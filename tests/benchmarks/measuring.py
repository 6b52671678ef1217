"""How the benchmarks measure, and what a result is."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import psutil
from botocore.config import Config

from penstock_cloud import environments, processes

ROOT = Path(__file__).resolve().parents[2]
MACHINE = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
NO_BYTE_CODE = "PYTHONDONTWRITEBYTECODE"

Result = dict[str, Any]


def result(name: str, value: float, unit: str, peer: str, peer_value: float, limit: str, limit_value: float) -> Result:
    """One line of results.json; `limit` is "value", "value/peer_value", "value-peer_value" or "peer_value/value"."""
    return {
        "name": name, "value": round(value, 4), "unit": unit, "peer": peer, "peer_value": round(peer_value, 4),
        "limit": limit, "limit_value": limit_value, "machine": MACHINE,
    }  # fmt: skip


def measured(item: Result) -> float:
    """The figure that the limit is about."""
    figures: dict[str, Callable[[float, float], float]] = {
        "value": lambda value, _peer: value,
        "value/peer_value": lambda value, peer: value / peer,
        "value-peer_value": lambda value, peer: value - peer,
        "peer_value/value": lambda value, peer: peer / value,
    }
    return figures[item["limit"]](item["value"], item["peer_value"])


def seconds(action: Callable[[], Any], times: int = 5) -> float:
    """The median wall time of an action."""
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        action()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def paired(ours: Callable[[], Any], theirs: Callable[[], Any], times: int = 5) -> tuple[float, float]:
    """Median wall times of two actions that take turns, so that a busy machine slows both alike."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(times):
        for list_of, action in zip(taken, (ours, theirs), strict=True):
            begin = time.perf_counter()
            action()
            list_of.append(time.perf_counter() - begin)
    return statistics.median(taken[0]), statistics.median(taken[1])


def rate(action: Callable[[int], Any], calls: int, clients: int) -> float:
    """Calls a second when `clients` threads share the work."""
    begin = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(action, range(calls)))
    return calls / (time.perf_counter() - begin)


def run(*command: str | Path, environment: dict[str, str] | None = None) -> None:
    """Run a command, quietly, to its end."""
    variables = {name: value for name, value in os.environ.items() if name != NO_BYTE_CODE}
    subprocess.run(
        [str(part) for part in command],
        check=True, capture_output=True, env=variables | (environment or {}), timeout=300,
    )  # fmt: skip


def client(service: str, endpoint: str) -> Any:
    """A boto3 client of the local account."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="test",
        config=Config(max_pool_connections=64, retries={"max_attempts": 2}),
    )


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


def memory(pid: int) -> float:
    """Resident memory of a process and its descendants, in MB."""
    process = psutil.Process(pid)
    return sum(each.memory_info().rss for each in [process, *process.children(recursive=True)]) / 1e6


def peers() -> Path:
    """The interpreter of the environment in which the peers live."""
    return environments.from_lock("benchmarks", environments.lock_file("benchmarks"))


@contextmanager
def server(command: list[str], url: str, folder: Path) -> Iterator[tuple[float, int]]:
    """A peer's server while it is needed; gives the seconds that it took to answer, and its process id."""
    begin = time.perf_counter()
    process = processes.start(command, folder / "peer.log", dict(os.environ))
    try:
        wait_for(url)
        yield time.perf_counter() - begin, process.pid
    finally:
        processes.stop(process, 2)


@contextmanager
def moto_server(folder: Path) -> Iterator[str]:
    """moto's server while it is needed; gives its endpoint."""
    port = processes.free_port()
    command = [str(peers().with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    endpoint = f"http://127.0.0.1:{port}"
    with server(command, f"{endpoint}/moto-api/", folder):
        yield endpoint
