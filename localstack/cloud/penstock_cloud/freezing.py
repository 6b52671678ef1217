"""Holding all processes of a running local cloud for a moment, so that its files can be copied as they are.

What was answered is on disk, and what is there at any moment can be read after a `kill -9`: a copy that is made while
nothing runs is as good as the folder of a killed cloud.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import psutil

from penstock_cloud.state import StateFolder, write_atomically


@contextlib.contextmanager
def frozen(folder: StateFolder, supervisor: int) -> Iterator[None]:
    """Every process below the supervisor stands still (jobs and endpoints, too); the supervisor watches over us."""
    write_atomically(folder.frozen, str(os.getpid()))
    try:
        _freeze(supervisor)
        yield
    finally:
        _signal(_below(supervisor), signal.SIGCONT)
        forget(folder)


def _freeze(supervisor: int) -> None:
    """Stop until nobody new appears: a process may have been starting another."""
    held: set[int] = set()
    while new := [process for process in _below(supervisor) if process.pid not in held]:
        _signal(new, signal.SIGSTOP)
        held |= {process.pid for process in new}


def thaw_abandoned(folder: StateFolder) -> None:
    """Called by the supervisor: let its children go on if who froze them is gone."""
    try:
        pid = int(folder.frozen.read_text())
    except (FileNotFoundError, ValueError):
        return
    if not psutil.pid_exists(pid):
        _signal(_below(os.getpid()), signal.SIGCONT)
        forget(folder)


def forget(folder: StateFolder) -> None:
    """Nobody holds the processes."""
    folder.frozen.unlink(missing_ok=True)


def _below(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error, PermissionError):
            process.send_signal(number)
