"""Process trees, by /proc."""

from __future__ import annotations

import contextlib
import os
import select
import signal

_ROUNDS = 200


def processes() -> list[int]:
    """The ids of all processes that /proc shows; none where there is no /proc."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 (pathlib is slow to import)
    except OSError:
        return []


def own_proc() -> bool:
    """Whether /proc shows this process: not after that of a PID namespace below has been mounted over it."""
    try:
        return os.readlink("/proc/self") == str(os.getpid())  # noqa: PTH115
    except OSError:
        return False


def read(path: str) -> bytes:
    """A file of /proc; empty if its process has gone."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (pathlib is slow to import)
            return file.read()
    except OSError:
        return b""


def descendants(ancestor: int) -> list[int]:
    """Processes below this one, zombies left out."""
    children: dict[int, list[int]] = {}
    for process in processes():
        fields = read(f"/proc/{process}/stat").rpartition(b")")[2].split()
        if len(fields) > 1 and fields[0] not in (b"Z", b"X"):
            children.setdefault(int(fields[1]), []).append(process)
    found: list[int] = []
    waiting = [ancestor]
    while waiting:
        below = children.get(waiting.pop(), [])
        found.extend(below)
        waiting.extend(below)
    return found


def _send(processes: list[int], number: int) -> None:
    for process in processes:
        with contextlib.suppress(OSError):
            os.kill(process, number)


def kill_descendants(group: int = 0) -> None:
    """Kill all that descends from this process (and a process group), however fast it forks, and reap it.

    All are stopped before one is killed, or a fork bomb would be quicker than we are.
    """
    with contextlib.suppress(OSError):
        if group:
            os.killpg(group, signal.SIGKILL)
    known: set[int] = set()
    for _ in range(_ROUNDS):
        fresh = [process for process in descendants(os.getpid()) if process not in known]
        if not fresh:
            break
        _send(fresh, signal.SIGSTOP)
        known.update(fresh)
    for _ in range(_ROUNDS):
        left = descendants(os.getpid())
        _send(left, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not left:
            return
        select.select([], [], [], 0.01)
