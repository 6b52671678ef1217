"""A services process that starts JupyterLabs, and what looks into them."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.localstack.services.conftest import Services
from tests.localstack.services.waiting import until

from penstock_cloud.environments import from_lock, lock_file

ROLE = "arn:aws:iam::000000000000:role/notebook"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, gateway_url: str) -> Iterator[Services]:
    running = Services(tmp_path_factory.mktemp("studio"), gateway_url)
    running.environment["PENSTOCK_PYTHON"] = sys.executable
    yield running.start()
    running.stop()
    assert not until(lambda: servers(running), lambda found: not found)


@pytest.fixture(scope="module")
def sagemaker(studio: Services) -> Any:
    return studio.client()


def servers(services: Services) -> list[psutil.Process]:
    """The processes of a state folder's notebooks: servers, kernels, scripts and their launchers."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(services.state_dir / "notebooks") in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def run_cell(authorized_url: str, code: str) -> str:
    """What a cell prints that is run by the kernel API of the server behind a presigned URL."""
    python = from_lock("notebooks", lock_file("notebooks"))
    script = Path(__file__).with_name("cell.py")
    done = subprocess.run([python, script, authorized_url, code], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


def encoded(script: str) -> str:
    return base64.b64encode(script.encode()).decode()


def logged(logs: Any, group: str, stream: str, text: str) -> None:
    """Wait until a log stream has a text; `logs` is a client of CloudWatch Logs."""

    def messages() -> str:
        try:
            events = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return ""
        return "\n".join(event["message"] for event in events)

    until(messages, lambda found: text in found)
