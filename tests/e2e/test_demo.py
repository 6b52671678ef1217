"""What `make demo` does, on a sample of the flights, as a user runs it; at the end nothing is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from penstock_cloud import cloud, processes

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1600)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A whole demo that takes itself away; its folder and what it printed."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    command = [str(Path(sys.executable).with_name("penstock")), "demo", "--folder", str(folder), "--sample", "0.15"]
    command += ["--port", str(processes.free_port()), "--destroy"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PENSTOCK_", "DEMO_"))}
    if "PENSTOCK_CACHE_DIR" in os.environ:
        environment["PENSTOCK_CACHE_DIR"] = os.environ["PENSTOCK_CACHE_DIR"]
    try:
        yield (
            folder,
            subprocess.run(
                command, capture_output=True, text=True, timeout=1500, env={**environment, "CI": "true"}, check=False
            ),
        )
    finally:
        cloud.reset(folder / "state")


def test_every_stage_succeeds(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, done = demo
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]
    run = json.loads((folder / "run.json").read_text())
    assert run["ok"] is True
    assert {stage["status"] for stage in run["stages"]} == {"ok"}
    assert len(run["stages"]) >= 12


def test_the_run_tells_what_happened(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = demo
    report = json.loads((folder / "run.json").read_text())["report"]
    first, second = report["versions"]
    assert (first["version"], second["version"]) == (1, 2)
    assert first["data_version"] != second["data_version"]
    assert 0.5 < report["comparison"]["champion"]["metrics"]["auc"] < 1
    assert not any(feature["violated"] for feature in report["drift"]["unshifted"])
    assert any(feature["violated"] for feature in report["drift"]["shifted"])
    assert {"Ingest", "Validate", "Features", "TrainingSet", "Train", "Evaluate", "Gate"} <= {
        step["Name"] for step in report["definition"]["Steps"]
    }
    assert report["resources"]
    html = (folder / "report.html").read_text()
    assert "ran through" in html


def test_no_process_outlives_it(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = demo
    left = [
        process.info["cmdline"]
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in part for part in process.info["cmdline"] or [])
    ]
    assert left == []
