"""Processes stand still while a snapshot is copied, and go on: also when whoever held them was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.localstack.services.waiting import until

from penstock_cloud import freezing
from penstock_cloud.state import StateFolder

TREE = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)"


@pytest.fixture
def tree() -> Iterator[psutil.Process]:
    """A child of ours with a child of its own, in another session."""
    with subprocess.Popen([sys.executable, "-c", TREE]) as child:
        process = psutil.Process(child.pid)
        limit = time.monotonic() + 60
        while not process.children():
            assert time.monotonic() < limit
            time.sleep(0.02)
        yield process
        for each in [*process.children(recursive=True), process]:
            each.kill()


def become(process: psutil.Process, wanted: list[bool]) -> None:
    """Wait until it and its child stand still, or do not; a signal takes effect when a process has its turn."""
    until(
        lambda: [each.status() == psutil.STATUS_STOPPED for each in [process, *process.children(recursive=True)]],
        lambda found: found == wanted,
    )


def test_the_whole_tree_stands_still(tree: psutil.Process, tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    with freezing.frozen(folder, os.getpid()):
        become(tree, [True, True])
        freezing.thaw_abandoned(folder)  # we are there still
        become(tree, [True, True])
    become(tree, [False, False])
    assert not folder.frozen.exists()


def test_who_held_them_is_gone(tree: psutil.Process, tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    tree.suspend()
    folder.frozen.write_text(str(gone.pid))
    freezing.thaw_abandoned(folder)
    become(tree, [False, False])
    assert not folder.frozen.exists()
