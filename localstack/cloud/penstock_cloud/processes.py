"""Child processes that die with their parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

PR_SET_PDEATHSIG = 1
CHILDREN = frozenset({"penstock_gateway", "penstock_services", "listen"})
"""Words of the command lines of what a supervisor starts."""
CLAIM_SECONDS = 60.0
_claims: list[tuple[float, socket.socket]] = []
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """In a new child: ask Linux to kill it when the thread that started it ends. Elsewhere it does nothing."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have died before we asked: then we belong to init, or to a reaper of another group.
        if os.getppid() == 1:
            os.kill(os.getpid(), signal.SIGKILL)


def start(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, its output appended to `log`. Call it from the main thread."""
    with log.open("ab") as stream:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
            preexec_fn=die_with_parent,
        )


def stop(process: subprocess.Popen[bytes], seconds: float) -> None:
    """SIGTERM, then after `seconds` SIGKILL, to the child's whole session."""
    if process.poll() is None:
        signal_session(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    signal_session(process.pid, signal.SIGKILL)
    process.wait()


def signal_session(pid: int, number: signal.Signals) -> None:
    """Signal the process group that a child leads, if it still has members."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def left_over(state_dir: Path) -> list[psutil.Process]:
    """Children of a supervisor of this state folder that are there still, though it is not: killed, they are ending."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = process.info["cmdline"] or []
        ours = "--state-dir" in line and line[line.index("--state-dir") + 1 :][:1] == [str(state_dir)]
        if ours and CHILDREN & set(line) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def wait_until_gone(state_dir: Path, seconds: float = 5.0) -> None:
    """Wait for the children of a supervisor that was killed; end them where the system does not."""
    limit = time.monotonic() + seconds
    while left := left_over(state_dir):
        if time.monotonic() > limit:
            for process in left:
                with contextlib.suppress(psutil.Error):
                    process.kill()
        time.sleep(0.05)


def free_port() -> int:
    """A port of the loopback interface on which nobody listens; nobody else who asks here gets it for a minute.

    The process that will listen takes a moment to start, and the system would give the port away again: the UDP port of
    the same number is kept bound meanwhile. The services' processes ask in the same way.
    """
    while _claims and _claims[0][0] < time.monotonic():
        _claims.pop(0)[1].close()
    for _ in range(100):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with contextlib.suppress(OSError):
            claim.bind(("127.0.0.1", port))
            _claims.append((time.monotonic() + CLAIM_SECONDS, claim))
            return port
        claim.close()
    return port


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def somebody_listens(port: int) -> bool:
    """Whether a server accepts connections on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def last_lines(log: Path, count: int = 20) -> str:
    """The end of a log, for an error message."""
    try:
        return "\n".join(log.read_text(errors="replace").strip().splitlines()[-count:])
    except FileNotFoundError:
        return ""
