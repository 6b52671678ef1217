"""Up, down, status and reset of a local cloud; its supervisor does the rest."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout
from pydantic import ValidationError

from penstock_cloud import compatibility, environments, ports, processes
from penstock_cloud.environment import variables as environment
from penstock_cloud.errors import CloudError
from penstock_cloud.state import CloudInfo, StateFolder
from penstock_cloud.supervisor import START_SECONDS

__all__ = ["CloudError", "CloudInfo", "down", "environment", "info", "reset", "status", "up"]

DEFAULT_PORT = 4566


def is_running(folder: StateFolder) -> bool:
    """Whether a supervisor holds the state folder's lock."""
    if not folder.lock.exists():
        return False
    lock = FileLock(folder.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def info(state_dir: Path) -> CloudInfo | None:
    """The running local cloud of a state folder; None where none runs, or where it is not ready yet."""
    folder = StateFolder(state_dir.absolute())
    try:
        found = CloudInfo.model_validate_json(folder.cloud.read_text())
    except (FileNotFoundError, ValidationError):
        return None
    return found if is_running(folder) else None


def up(
    state_dir: Path,
    port: int = DEFAULT_PORT,
    receiver: Sequence[str] | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> CloudInfo:
    """Start the local cloud of a state folder and wait until everything answers. One that runs already is returned.

    `port` is the gateway's on 127.0.0.1 (0: any free one); `receiver` the command of the local GitHub, in which `{port}` and
    `{state_dir}` are filled in. Raises CloudError: port taken, environment not made, a process that does not come up.
    """
    folder = StateFolder(state_dir.absolute())
    tell = on_progress or (lambda _: None)
    running = info(folder.path)
    if running:
        return running
    if not is_running(folder):
        processes.wait_until_gone(folder.path)
    if port and not is_running(folder) and not processes.port_is_free(port):
        raise CloudError(
            f"port {port} of 127.0.0.1 is in use{holder(port)}",
            "stop what listens there, or take another port: penstock cloud up --port 4567",
        )
    compatibility.require(folder)
    with ThreadPoolExecutor() as pool:
        made = pool.map(lambda name: environments.ensure(name, tell), ("gateway", "services"))
        gateway, services = (str(path) for path in made)
    folder.prepare()
    compatibility.write(folder)
    tell("starting the gateway, the services and the receiver")
    try:
        return start(folder, port or ports.gateway(folder), gateway, services, receiver)
    except CloudError:
        if port:
            raise
        # Somebody may have taken a port between our look and our start: look once more.
        return start(folder, processes.free_port(), gateway, services, receiver)


def start(
    folder: StateFolder, port: int, gateway_python: str, services_python: str, receiver: Sequence[str] | None
) -> CloudInfo:
    """Start a supervisor and wait until everything answers. Raises CloudError."""
    folder.failure.unlink(missing_ok=True)
    command = [
        sys.executable, "-m", "penstock_cloud", "supervise", "--state-dir", str(folder.path), "--port", str(port),
        "--gateway-python", gateway_python, "--services-python", services_python,
    ]  # fmt: skip
    if receiver:
        command += ["--receiver", json.dumps(list(receiver))]
    with folder.log("supervisor").open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, cwd="/"
        )
    try:
        return wait_until_up(folder, process)
    except BaseException:
        # Ctrl-C, too: what was asked to start must not go on starting by itself.
        process.terminate()
        raise


def wait_until_up(folder: StateFolder, supervisor: subprocess.Popen[bytes]) -> CloudInfo:
    """Wait for a supervisor that was just started (or for another that was faster). Raises CloudError."""
    limit = time.monotonic() + START_SECONDS + 10
    while time.monotonic() < limit:
        running = info(folder.path)
        if running:
            return running
        if supervisor.poll() is not None and not is_running(folder):
            raise failure(folder)
        time.sleep(0.05)
    raise CloudError("the local cloud did not come up in time", f"read the logs in {folder.logs}")


def failure(folder: StateFolder) -> CloudError:
    """Why the start failed, as the supervisor left it; else the end of its log."""
    try:
        told: dict[str, Any] = json.loads(folder.failure.read_text())
        return CloudError(told["message"], told["fix"], detail=told["detail"])
    except (FileNotFoundError, json.JSONDecodeError, KeyError):
        log = folder.log("supervisor")
        return CloudError(
            "the local cloud's supervisor ended at its start", f"read its log: {log}", detail=processes.last_lines(log)
        )


def holder(port: int) -> str:
    """Who listens on a port, as far as this user may see; empty otherwise."""
    try:
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr
                and connection.laddr[1] == port
                and connection.pid
            ):
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except (psutil.Error, OSError):
        pass
    return ""


def down(state_dir: Path, seconds: float = 30.0) -> bool:
    """Stop the local cloud of a state folder; its files stay. False where none ran. Raises CloudError when it will not stop."""
    folder = StateFolder(state_dir.absolute())
    if not is_running(folder):
        return False
    pid = supervisor_pid(folder)
    if pid is None:
        raise CloudError(
            f"something holds {folder.lock}, but no supervisor was found", "wait a moment and run the command again"
        )
    os.kill(pid, signal.SIGTERM)
    limit = time.monotonic() + seconds
    while is_running(folder):
        if time.monotonic() > limit:
            os.kill(pid, signal.SIGKILL)
            time.sleep(0.5)
            break
        time.sleep(0.05)
    return True


def supervisor_pid(folder: StateFolder) -> int | None:
    """The supervisor's process: as it said itself, or, while it starts, by its command line."""
    try:
        return CloudInfo.model_validate_json(folder.cloud.read_text()).pid
    except (FileNotFoundError, ValidationError):
        pass
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if "supervise" in line and "penstock_cloud" in line and str(folder.path) in line:
            return int(process.pid)
    return None


def status(state_dir: Path) -> dict[str, Any]:
    """What a state folder's local cloud is doing: `running`, its endpoints, and its processes with their memory in MB."""
    folder = StateFolder(state_dir.absolute())
    found = info(folder.path)
    if found is None:
        return {"running": False, "starting": is_running(folder), "state_dir": str(folder.path), "processes": []}
    members = []
    try:
        for child in psutil.Process(found.pid).children():
            name = next(
                (n for n in ("penstock_gateway", "penstock_services") if n in child.cmdline()), "penstock receiver"
            )
            megabytes = round(child.memory_info().rss / 2**20)
            members.append({"name": name.removeprefix("penstock_"), "pid": child.pid, "memory_mb": megabytes})
    except psutil.Error:
        pass
    return {"running": True, **json.loads(found.model_dump_json()), "processes": members}


def reset(state_dir: Path) -> bool:
    """Stop the local cloud and remove all of its state; False where there was none. Raises CloudError for a foreign folder."""
    folder = StateFolder(state_dir.absolute())
    down(folder.path)
    if not folder.path.exists():
        return False
    if any(folder.path.iterdir()) and not folder.lock.exists():
        raise CloudError(
            f"{folder.path} does not look like a local cloud's state folder",
            "name the folder that you meant with --state-dir",
        )
    shutil.rmtree(folder.path, ignore_errors=True)
    if folder.path.exists():
        # Files of a job that was being stopped may come up while the tree is removed.
        time.sleep(0.5)
        shutil.rmtree(folder.path)
    return True
