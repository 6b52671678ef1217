"""One deployment of a stack at a time: Pulumi's lock file, which also says who holds it."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock_deploy.errors import DeploymentError
from penstock_deploy.state.disk import writing
from penstock_deploy.state.resource import now


class LockedError(DeploymentError):
    """Another process deploys this stack."""


class StackLock:
    """The lock of one stack: `.pulumi/locks/organization/<project>/<stack>/<uuid>.json`.

    A lock left behind by a process of this host that no longer lives is taken away: its state is resolved at the next
    deployment. One from another host stays until `unlock`, as with the Pulumi CLI's `cancel`.
    """

    def __init__(self, folder: Path, stack: str) -> None:
        self._folder = folder
        self._stack = stack
        self._mine: Path | None = None

    def holders(self) -> list[dict[str, Any]]:
        """Who holds the lock now; stale locks of this host are left out."""
        return [content for path, content in self._read() if not _is_stale(path, content)]

    def _read(self) -> list[tuple[Path, dict[str, Any]]]:
        found = []
        for path in sorted(self._folder.glob("*.json")) if self._folder.is_dir() else []:
            try:
                found.append((path, json.loads(path.read_text(encoding="utf-8"))))
            except FileNotFoundError:
                continue
            except (ValueError, OSError):
                found.append((path, {}))
        return found

    def acquire(self) -> None:
        """Take the lock, or raise `LockedError`, which says who holds it and what to do."""
        with writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        with writing(self._folder), self._exclusively():
            for path, content in self._read():
                if _is_stale(path, content):
                    path.unlink(missing_ok=True)
                    continue
                raise LockedError(*self._refusal(content))
            mine = self._folder / f"{uuid.uuid4()}.json"
            holder = {
                "pid": os.getpid(),
                "username": _user(),
                "hostname": socket.gethostname(),
                "timestamp": now(),
                "started": _start_of(os.getpid()),
            }
            # Whole or not at all: a lock without its holder would never be known to be stale.
            half = mine.with_suffix(".half")
            try:
                half.write_text(json.dumps(holder), encoding="utf-8")
                half.replace(mine)
            finally:
                half.unlink(missing_ok=True)
            self._mine = mine

    def _refusal(self, content: dict[str, Any]) -> tuple[str, str]:
        who = (
            f"process {content.get('pid', '?')} of {content.get('username', '?')} on {content.get('hostname', '?')}, "
            f"since {str(content.get('timestamp', '?'))[:19]}"
        )
        return (
            f"the stack {self._stack} is locked by {who}",
            "Wait until that deployment ends. If it no longer runs, `pulumilocal cancel` in the project's folder "
            "(or `pulumi cancel`) takes the lock away.",
        )

    def release(self) -> None:
        """Give the lock back."""
        if self._mine is not None:
            self._mine.unlink(missing_ok=True)
            self._mine = None

    def clear(self) -> int:
        """Take every lock away, whoever holds it; how many there were."""
        paths = [path for path, _ in self._read()]
        for path in paths:
            path.unlink(missing_ok=True)
        return len(paths)

    @contextlib.contextmanager
    def _exclusively(self) -> Iterator[None]:
        """Check and write as one, among the processes of this host."""
        with (self._folder / ".guard").open("w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            yield


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _start_of(pid: int) -> str:
    """When a process began, in its kernel's ticks: tells it from a later one of the same id. Empty where unknown."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return ""


def _is_stale(path: Path, content: dict[str, Any]) -> bool:
    if not path.exists():
        return True
    pid = content.get("pid")
    if content.get("hostname") != socket.gethostname() or not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    started = content.get("started")
    return bool(started) and started != _start_of(pid)
