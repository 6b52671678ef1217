"""The drift job as a container runs it: capture files and a baseline in, Model Monitor's files and a message out."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from penstock_pipelines import monitor
from penstock_pipelines.monitoring import baseline
from penstock_pipelines.monitoring.capture import CaptureError, read
from penstock_pipelines.monitoring.job import processing_job_request


def event(moment: str, sent: str, answered: str, encoding: str = "CSV") -> dict[str, Any]:
    return {
        "captureData": {
            "endpointInput": {
                "observedContentType": "text/csv",
                "mode": "INPUT",
                "data": base64.b64encode(sent.encode()).decode() if encoding == "BASE64" else sent,
                "encoding": encoding,
            },
            "endpointOutput": {
                "observedContentType": "text/csv",
                "mode": "OUTPUT",
                "data": answered,
                "encoding": "CSV",
            },
        },
        "eventMetadata": {"eventId": "e", "inferenceTime": moment},
        "eventVersion": "0",
    }


def write(file: Path, events: list[dict[str, Any]]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(item) + "\n" for item in events))
    return file


def test_capture_is_read_by_window_and_column(tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.jsonl",
        [
            event("2026-11-21T10:00:00Z", "0.5,AA\n0.7,", "0.1\n0.2"),
            event("2026-11-21T11:00:00Z", "0.9,UA", "0.3", encoding="BASE64"),
        ],
    )
    everything = read([file], inputs=["late", "carrier"], outputs=["prediction"])
    assert everything["late"].tolist() == [0.5, 0.7, 0.9]
    assert everything["carrier"].fillna("missing").tolist() == ["AA", "missing", "UA"]
    assert everything["prediction"].tolist() == [0.1, 0.2, 0.3]
    late = read(
        [file], inputs=["late", "carrier"], outputs=["prediction"], start=monitor.moment("2026-11-21T10:30:00Z")
    )
    assert late["late"].tolist() == [0.9]


def test_a_request_of_another_width_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [event("2026-11-21T10:00:00Z", "0.5,AA", "0.1")])
    with pytest.raises(CaptureError, match="2 values where the baseline has 1 columns"):
        read([file], inputs=["late"], outputs=["prediction"])


@pytest.fixture
def container(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A container's folders under SAGEMAKER_BASE_DIR, and the environment that our request gives to the job."""
    start, end = monitor.moment("2026-11-21T10:00:00Z"), monitor.moment("2026-11-21T12:00:00Z")
    assert start
    assert end
    request = processing_job_request(
        job_name="drift", model="m", endpoint="e", image_uri="i", role_arn="r", capture_uri="s3://b/c",
        statistics_uri="s3://b/s", constraints_uri="s3://b/k", output_uri="s3://b/o", start=start, end=end,
        publish_metrics=False,
    )  # fmt: skip
    frame = pd.DataFrame({"late": [index / 100 for index in range(100)], "prediction": [0.5] * 100})
    statistics, constraints = baseline(frame, ["late"], 0.2)
    for name, document in {"stats/statistics.json": statistics, "constraints/constraints.json": constraints}.items():
        file = tmp_path / "processing/baseline" / name
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(document))
    return tmp_path, {**request["Environment"], "SAGEMAKER_BASE_DIR": str(tmp_path)}


def test_drift_leaves_violations_and_the_message(container: tuple[Path, dict[str, str]]) -> None:
    folder, environment = container
    rows = "\n".join(["0.9"] * 50)
    write(
        folder / "processing/input/endpoint/e/AllTraffic/2026/11/21/10/x.jsonl",
        [event("2026-11-21T10:10:00Z", rows, "\n".join(["0.5"] * 50))],
    )
    assert monitor.run(environment) == "CompletedWithViolations: Job completed successfully with 1 violations."
    output = folder / "processing/output"
    violations = json.loads((output / "constraint_violations.json").read_text())["violations"]
    assert [(item["feature_name"], item["constraint_check_type"]) for item in violations] == [
        ("late", "baseline_drift_check")
    ]
    (distance,) = json.loads((output / "distances.json").read_text())
    assert distance["violated"] is True
    assert json.loads((output / "statistics.json").read_text())["dataset"]["item_count"] == 50


def test_without_drift_there_are_none(container: tuple[Path, dict[str, str]]) -> None:
    folder, environment = container
    rows = "\n".join(str(index / 50) for index in range(50))
    write(
        folder / "processing/input/endpoint/x.jsonl",
        [event("2026-11-21T10:10:00Z", rows, "\n".join(["0.5"] * 50))],
    )
    assert monitor.run(environment) == "Completed: Job completed successfully with no violations."


def test_a_handful_of_rows_is_not_judged(container: tuple[Path, dict[str, str]]) -> None:
    folder, environment = container
    write(folder / "processing/input/endpoint/x.jsonl", [event("2026-11-21T10:10:00Z", "0.9\n0.9", "0.5\n0.5")])
    message = monitor.run({**environment, "minimum_rows": "3"})
    assert message == "Completed: only 2 rows were captured, fewer than 3: nothing was judged."
    assert json.loads((folder / "processing/output/constraint_violations.json").read_text()) == {"violations": []}
    assert "CompletedWithViolations" in monitor.run({**environment, "minimum_rows": "2"})


def test_nothing_captured_in_the_window_is_an_error_and_no_all_clear(
    container: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, environment = container
    write(folder / "processing/input/endpoint/x.jsonl", [event("2026-11-20T10:10:00Z", "0.5", "0.5")])
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert monitor.main() == 1
    assert "nothing was captured from 2026-11-21T10:00:00Z" in (folder / "output/message").read_text()
