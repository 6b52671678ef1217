"""The supervisor: owns the gateway, the services process and the receiver, as long as it lives.

It is started detached by `cloud.up`. It writes `cloud.json` when everything answers, starts a child that ends again
with growing pauses, and on SIGTERM stops all of them in order. Children die with it, even by `kill -9`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from penstock_cloud import freezing, ports, processes
from penstock_cloud.environment import variables, without_proxy
from penstock_cloud.errors import CloudError
from penstock_cloud.state import CloudInfo, StateFolder, write_atomically

# A proxy of the user's must not stand between us and our own children.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

START_SECONDS = 90.0
FIRST_PAUSE, LONGEST_PAUSE, STEADY_SECONDS = 0.5, 30.0, 60.0


@dataclass
class Child:
    """One supervised process: its command, where it answers when it is ready, and how its last start went."""

    name: str
    command: list[str]
    health: str
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    next_start: float = field(default=0.0)

    def start(self, folder: StateFolder) -> None:
        self.process = processes.start(self.command, folder.log(self.name), self.environment)
        self.started = time.monotonic()

    def answers(self) -> bool:
        try:
            with DIRECT.open(self.health, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def ended(self) -> int | None:
        return self.process.poll() if self.process else None


def log(message: str) -> None:
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {message}", flush=True)


class Supervisor:
    """Runs until it is told to stop. Raises CloudError when a child does not come up at the start."""

    def __init__(self, folder: StateFolder, info: CloudInfo, children: list[Child]) -> None:
        self.folder = folder
        self.info = info
        self.children = children
        self.stopping = False

    def run(self) -> None:
        """Bring everything up, watch it, and take it down when a signal comes."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        try:
            for child in self.children:
                child.start(self.folder)
            self._wait_until_ready()
            if not self.stopping:
                write_atomically(self.folder.cloud, self.info.model_dump_json(indent=2))
                log("ready")
            while not self.stopping:
                freezing.thaw_abandoned(self.folder)
                self._restart_ended()
                time.sleep(0.2)
        finally:
            self.folder.cloud.unlink(missing_ok=True)
            log("stopping")
            # The receiver first, so that no workflow starts; the gateway last, for the others flush into it.
            for child in reversed(self.children):
                if child.process:
                    processes.stop(child.process, 4.0 if child.name == "gateway" else 8.0)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.stopping = True

    def _wait_until_ready(self) -> None:
        waiting = list(self.children)
        limit = time.monotonic() + START_SECONDS
        while waiting and not self.stopping:
            for child in list(waiting):
                code = child.ended()
                if code is not None:
                    raise self._failure(child, f"ended at its start with exit code {code}")
                if child.answers():
                    log(f"{child.name} answers after {time.monotonic() - child.started:.1f} s")
                    waiting.remove(child)
            if waiting and time.monotonic() > limit:
                raise self._failure(waiting[0], f"did not answer within {START_SECONDS:.0f} s")
            time.sleep(0.05)

    def _failure(self, child: Child, what: str) -> CloudError:
        file = self.folder.log(child.name)
        return CloudError(
            f"the local cloud's {child.name} {what}",
            f"read its log: {file}",
            detail=processes.last_lines(file),
        )

    def _restart_ended(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if child.ended() is None:
                continue
            if child.next_start == 0.0:
                steady = now - child.started > STEADY_SECONDS
                child.pause = FIRST_PAUSE if steady else min(child.pause * 2, LONGEST_PAUSE)
                child.next_start = now + child.pause
                log(f"{child.name} ended with exit code {child.ended()}; starting it again in {child.pause:.1f} s")
                # What it left behind in its session would hold its port.
                assert child.process
                processes.signal_session(child.process.pid, signal.SIGKILL)
            elif now >= child.next_start:
                child.next_start = 0.0
                child.start(self.folder)


def serve(state_dir: Path, port: int, gateway_python: str, services_python: str, receiver: list[str] | None) -> int:
    """The supervisor process: takes the state folder's lock and runs. Failures are left for `cloud.up` to read."""
    folder = StateFolder(state_dir)
    folder.prepare()
    lock = FileLock(folder.lock)
    try:
        # Longer than a moment: `is_running` takes the lock to see whether it is free.
        lock.acquire(timeout=2)
    except Timeout:
        return 3
    with contextlib.suppress(OSError):
        folder.cloud.unlink()
    folder.failure.unlink(missing_ok=True)
    freezing.forget(folder)
    chosen = ports.choose(folder, port, with_receiver=bool(receiver))
    services_port, receiver_port = chosen.services, chosen.receiver
    gateway_url, services_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{services_port}"
    receiver_url = f"http://127.0.0.1:{receiver_port}" if receiver else None
    info = CloudInfo(
        endpoint=gateway_url,
        runtime_endpoint=services_url,
        featurestore_endpoint=services_url,
        receiver_endpoint=receiver_url,
        pid=os.getpid(),
        state_dir=state_dir,
    )
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PULUMI_", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"))
    }
    # Without byte code every start of a child costs several times as much.
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    inherited["PYTHONUNBUFFERED"] = "1"
    inherited |= without_proxy(os.environ)
    children = [
        Child(
            "gateway",
            [
                gateway_python, "-m", "penstock_gateway", "--state-dir", str(state_dir),
                "--port", str(port), "--services-url", services_url,
            ],
            f"{gateway_url}/_localstack/health",
            inherited,
        ),
        Child(
            "services",
            [
                services_python, "-m", "penstock_services", "--state-dir", str(state_dir),
                "--gateway-url", gateway_url, "--port", str(services_port),
            ],
            f"{services_url}/_penstock/health",
            # It asks us to make the environments of images (image_environments.py).
            inherited | {"PENSTOCK_PYTHON": sys.executable},
        ),
    ]  # fmt: skip
    if receiver:
        command = [part.format(port=receiver_port, state_dir=state_dir) for part in receiver]
        children.append(Child("receiver", command, f"{receiver_url}/_penstock/health", inherited | variables(info)))
    try:
        Supervisor(folder, info, children).run()
    except CloudError as error:
        failure = {"message": error.message, "fix": error.fix, "detail": error.detail}
        write_atomically(folder.failure, json.dumps(failure))
        log(f"failed: {error.message}")
        return 1
    finally:
        lock.release()
    return 0
