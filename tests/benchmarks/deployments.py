"""The deployment engine with its provider: programs of 12, 120 and 1,000 resources from nothing to nothing again.

Where Pulumi's CLI is on PATH, it does the same with the same provider. Elsewhere the peer is the program itself: a process
that imports what the program imports. Times are wall clock; CPU seconds are those of the engine and all its children.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
from tests.benchmarks.measuring import NO_BYTE_CODE, Result, result

from penstock_cloud import cloud
from penstock_deploy import pulumi_cli

SIZES = (12, 120, 1000)
OPERATIONS = ("preview", "up", "no-change preview", "no-change up", "refresh", "destroy")
PER_GROUP = 6
IMPORTS = """
import json
import pulumi
import pulumi_aws as aws
from pulumi_aws import cloudwatch, iam, sns, sqs, ssm
"""
PROGRAM = (
    IMPORTS
    + """
trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
    "Principal": {"Service": "sagemaker.amazonaws.com"}}]})
for n in range((pulumi.Config().require_int("count") + 5) // 6):
    topic = sns.Topic(f"topic-{n}", tags={"number": str(n)})
    queue = sqs.Queue(f"queue-{n}", tags={"number": str(n)})
    role = iam.Role(f"role-{n}", assume_role_policy=trust)
    iam.RolePolicy(f"may-{n}", role=role.name, policy=queue.arn.apply(lambda arn: json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}]})))
    cloudwatch.LogGroup(f"log-{n}", retention_in_days=7)
    ssm.Parameter(f"where-{n}", type="String", value=topic.arn)
"""
)
_IMPORT_AGGREGATE = IMPORTS + "\n".join(
    f"{module}.{name}"
    for module, name in (
        ("cloudwatch", "LogGroup"),
        ("iam", "Role"),
        ("sns", "Topic"),
        ("sqs", "Queue"),
        ("ssm", "Parameter"),
    )
)
_SAMPLE_SECONDS = 0.05
_HALF = 0.5
# Where the CLI cannot be run: seconds on top of the imports, and for each resource (two or three calls of the local cloud).
_FIXED, _EACH = 2.0, 0.03
_RECORDED = "Pulumi's CLI 3.259 on 2 cores, recorded with another program of 12 resources and a like provider"
_RECORDED_SIZE = 12
_RECORDED_SECONDS = {
    "preview": 5.0, "up": 5.4, "no-change preview": 4.7, "no-change up": 4.6, "refresh": 3.0, "destroy": 3.5,
}  # fmt: skip


@dataclass(frozen=True)
class Usage:
    """What a command used: wall and CPU seconds, and the memory of it and its children at the peak, in MB."""

    wall: float
    cpu: float
    memory: float


def used(command: list[str], environment: Mapping[str, str], folder: Path) -> Usage:
    """Run a command to its end, quietly; it must go well."""
    variables = {name: value for name, value in os.environ.items() if name != NO_BYTE_CODE} | dict(environment)
    log = folder / "bench.log"
    begun = time.perf_counter()
    with log.open("w") as output:
        process = subprocess.Popen(command, env=variables, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
    peak = [0.0]
    ended = threading.Event()
    sampler = threading.Thread(target=_sample, args=(process.pid, peak, ended))
    sampler.start()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    ended.set()
    sampler.join()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}\n{log.read_text()[-4000:]}")
    return Usage(wall, usage.ru_utime + usage.ru_stime, peak[0])


def _sample(pid: int, peak: list[float], ended: threading.Event) -> None:
    while not ended.wait(_SAMPLE_SECONDS):
        try:
            process = psutil.Process(pid)
            held = sum(_held(each) for each in [process, *process.children(recursive=True)]) / 1e6
        except psutil.Error:
            continue
        peak[0] = max(peak[0], held)


def _held(process: psutil.Process) -> int:
    """Bytes that a process holds; on Linux pages that several share are shared out among them, not counted for each."""
    if sys.platform == "linux":
        return int(process.memory_full_info().pss)
    return int(process.memory_info().rss)


def _ours(operation: str) -> list[str]:
    verb = operation.removeprefix("no-change ")
    expected = ["--expect-no-changes"] if operation.startswith("no-change") or operation == "refresh" else []
    return [sys.executable, "-m", "penstock_deploy", verb, "--stack", "bench", *expected]


def _theirs(operation: str) -> list[str]:
    verb = operation.removeprefix("no-change ")
    expected = ["--expect-no-changes"] if operation.startswith("no-change") or operation == "refresh" else []
    yes = [] if verb == "preview" else ["--yes", "--skip-preview"]
    return ["pulumi", verb, "--stack", "bench", "--non-interactive", *yes, *expected]


def _project(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text(
        f"name: bench-{count}\nruntime:\n  name: python\n  options:\n    toolchain: pip\n    virtualenv: {sys.prefix}\n"
        f"config:\n  count: {{type: integer, value: {count}}}\n"
    )
    (folder / "__main__.py").write_text(PROGRAM)
    return folder


def _life(folder: Path, environment: Mapping[str, str], command: object) -> dict[str, Usage]:
    assert callable(command)
    return {operation: used(command(operation), environment, folder) for operation in OPERATIONS}


def deployments(info: cloud.CloudInfo, folder: Path, sizes: tuple[int, ...] = SIZES) -> list[Result]:
    """Every operation at every size: wall and CPU seconds beside the peer's, and what the aims are about."""
    environment = {
        **cloud.environment(info),
        "PULUMI_BACKEND_URL": f"file://{folder / 'states'}",
        "PULUMI_CONFIG_PASSPHRASE": "bench",
    }
    imports = [used([sys.executable, "-c", _IMPORT_AGGREGATE], environment, folder) for _ in range(3)][1:]
    alone = Usage(min(one.wall for one in imports), min(one.cpu for one in imports), imports[0].memory)
    with_cli = shutil.which("pulumi") is not None
    found: list[Result] = []
    for count in sizes:
        ours = _life(_project(folder / f"ours-{count}", count), environment, _ours)
        theirs: dict[str, Usage] = {}
        if with_cli:
            theirs = _with_the_cli(folder, environment, count)
        found += _compared(count, ours, theirs, alone)
        found += _aims(count, ours, alone)
    return found


def _with_the_cli(folder: Path, environment: Mapping[str, str], count: int) -> dict[str, Usage]:
    """The same with Pulumi's CLI, on states of its own."""
    own = {**environment, "PULUMI_BACKEND_URL": f"file://{folder / 'cli-states'}"}
    variables = pulumi_cli.environment({**own, "PATH": os.environ["PATH"]}, folder / "pulumi-home")
    project = _project(folder / f"cli-{count}", count)
    used(["pulumi", "stack", "init", "bench", "--non-interactive"], variables, project)
    return _life(project, variables, _theirs)


def _compared(count: int, ours: dict[str, Usage], theirs: dict[str, Usage], alone: Usage) -> list[Result]:
    found = []
    for operation, usage in ours.items():
        other = theirs.get(operation)
        peer = "Pulumi's CLI" if other else "the program's imports alone"
        name = f"{operation} of {count} resources"
        limit, most = ("value/peer_value", _HALF) if other else ("value-peer_value", _FIXED + _EACH * count)
        found.append(result(name, usage.wall, "s", peer, (other or alone).wall, limit, most))
        found.append(result(name, usage.cpu, "CPU s", peer, (other or alone).cpu, limit, most))
        if other is None and count == _RECORDED_SIZE:
            found.append(
                result(name, usage.wall, "s", _RECORDED, _RECORDED_SECONDS[operation], "value/peer_value", _HALF)
            )
    return found


def _aims(count: int, ours: dict[str, Usage], alone: Usage) -> list[Result]:
    """The aims of the engine: little CPU beside the program's own imports, little memory."""
    found = []
    if count == 120:
        cpu = ours["no-change preview"].cpu
        name = "all of a no-change preview of 120 resources beside the imports"
        found.append(result(name, cpu, "CPU s", "the program's imports alone", alone.cpu, "value-peer_value", 1.0))
    if count == 1000:
        most = max(usage.memory for usage in ours.values())
        name = "memory of engine, provider and program at 1,000 resources"
        found.append(result(name, most, "MB", "the program's imports alone", alone.memory, "value", 250.0))
    return found
