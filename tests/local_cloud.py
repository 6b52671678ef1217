"""A local cloud that lives as long as some tests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil

from penstock_cloud import cloud


@contextlib.contextmanager
def running(state: Path) -> Iterator[cloud.CloudInfo]:
    """The local cloud of a state folder, ended afterwards."""
    info = cloud.up(state, port=0)
    try:
        yield info
    finally:
        end(state)


def end(state: Path) -> None:
    """Kill a local cloud of which nothing is wanted any more: a graceful stop takes a second, and more on a busy machine."""
    info = cloud.info(state)
    if info is None:
        cloud.down(state)
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        supervisor = psutil.Process(info.pid)
        below = supervisor.children(recursive=True)
        supervisor.kill()  # first, so that it starts nothing again
        for process in below:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs([supervisor, *below], timeout=30)
