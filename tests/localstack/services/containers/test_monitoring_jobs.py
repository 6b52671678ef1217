"""What the containers do for a scheduled run: the window, the baseline's names, the merge, the file of metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from penstock_services.containers.ground_truth_merger import __main__ as merger
from penstock_services.containers.model_monitor import __main__ as monitor
from penstock_services.containers.model_monitor import data_quality
from penstock_services.containers.model_monitor.captured import DatasetError

HOUR = {"start_time": "2026-01-01T10:00:00Z", "end_time": "2026-01-01T11:00:00Z"}


def event(identity: str, values: str, answer: str, moment: str = "10:30:00", **metadata: str) -> str:
    def side(text: str, mode: str) -> dict[str, str]:
        return {"observedContentType": "text/csv", "mode": mode, "data": text, "encoding": "CSV"}

    captured = {
        "captureData": {"endpointInput": side(values, "INPUT"), "endpointOutput": side(answer, "OUTPUT")},
        "eventMetadata": {"eventId": identity, "inferenceTime": f"2026-01-01T{moment}Z", **metadata},
        "eventVersion": "0",
    }
    return json.dumps(captured)


def label(identity: str, value: str) -> str:
    return json.dumps(
        {
            "groundTruthData": {"data": value, "encoding": "CSV"},
            "eventMetadata": {"eventId": identity},
            "eventVersion": "0",
        }
    )


def put(base: Path, path: str, *lines: str) -> None:
    file = base / "processing" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")


def environment(base: Path, form: str = "sagemakerCaptureJson", **more: str) -> dict[str, str]:
    return {
        "SAGEMAKER_BASE_DIR": str(base),
        "dataset_source": "/opt/ml/processing/data",
        "ground_truth_source": "/opt/ml/processing/truth",
        "output_path": "/opt/ml/processing/output",
        "dataset_format": json.dumps({form: {"captureIndexNames": ["endpointInput", "endpointOutput"]}}),
        **HOUR,
        **more,
    }


def baseline(base: Path) -> dict[str, str]:
    random = np.random.default_rng(0)
    table = pd.DataFrame({"score": random.normal(size=300), "age": random.integers(20, 60, 300)})
    for name, document in zip(("statistics", "constraints"), data_quality.suggested(table), strict=True):
        put(base, f"baseline/{name}.json", json.dumps(document))
    return {f"baseline_{name}": f"/opt/ml/processing/baseline/{name}.json" for name in ("statistics", "constraints")}


def test_only_events_of_the_window_count(tmp_path: Path) -> None:
    lines = [event("1", "30", "0.5", moment) for moment in ("09:59:59", "10:00:00", "10:59:59", "11:00:00")]
    put(tmp_path, "data/shop/All/2026/01/01/10/a.jsonl", *lines)
    monitor.run(environment(tmp_path))
    statistics = json.loads((tmp_path / "processing/output/statistics.json").read_text())
    assert statistics["dataset"]["item_count"] == 2
    with pytest.raises(DatasetError, match="Job inputs had no data"):
        monitor.run(environment(tmp_path, start_time="2026-01-02T10:00:00Z", end_time="2026-01-02T11:00:00Z"))


def test_captured_columns_take_the_names_of_the_baseline(tmp_path: Path) -> None:
    put(tmp_path, "data/a.jsonl", *(event(str(number), "200", "0.1") for number in range(20)))
    message = monitor.run(environment(tmp_path, **baseline(tmp_path)))
    assert message.startswith("CompletedWithViolations")
    found = json.loads((tmp_path / "processing/output/constraint_violations.json").read_text())["violations"]
    assert {each["feature_name"] for each in found} == {"score", "age"}


@pytest.mark.parametrize("enabled", ["Enabled", "Disabled"])
def test_the_file_of_metrics(tmp_path: Path, enabled: str) -> None:
    put(tmp_path, "data/a.jsonl", *(event(str(number), str(number), "0.1") for number in range(4)))
    names = {"sagemaker_endpoint_name": "shop", "sagemaker_monitoring_schedule_name": "hourly"}
    monitor.run(environment(tmp_path, publish_cloudwatch_metrics=enabled, **names, **baseline(tmp_path)))
    file = tmp_path / "output/metrics/cloudwatch/cloudwatch_metrics.jsonl"
    assert file.exists() == (enabled == "Enabled")
    if enabled == "Disabled":
        return
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    own: list[Any] = [{"Name": "Endpoint", "Value": "shop"}, {"Name": "MonitoringSchedule", "Value": "hourly"}]
    found = [line for line in lines if line["MetricName"] == "feature_data_age"]
    assert [line["Dimensions"] for line in found] == [own, [*own, {"Name": "Feature", "Value": "age"}]]
    assert found[0]["StatisticValues"] == {"SampleCount": 4.0, "Sum": 6.0, "Minimum": 0.0, "Maximum": 3.0}
    assert {"feature_baseline_drift_age", "feature_completeness_score"} <= {line["MetricName"] for line in lines}


def test_labels_are_merged_by_the_inference_id_first(tmp_path: Path) -> None:
    folder = "shop/All/2026/01/01/10"
    captured = [
        event("one", "1", "1"),
        event("two", "2", "0", inferenceId="mine"),
        event("three", "3", "0"),
        event("early", "4", "0", "09:00:00"),
    ]
    put(tmp_path, f"data/{folder}/a.jsonl", *captured)
    labels = [label("one", "1"), label("two", "9"), label("mine", "1"), label("early", "1")]
    put(tmp_path, "truth/2026/01/01/10/a.jsonl", *labels)
    assert merger.run(environment(tmp_path)) == "Completed: 2 of 3 captured events were merged with their labels."
    lines = [json.loads(line) for line in (tmp_path / f"processing/output/{folder}/a.jsonl").read_text().splitlines()]
    found = {line["eventMetadata"]["eventId"]: line["groundTruthData"]["data"] for line in lines}
    assert found == {"one": "1", "two": "1"}


@pytest.mark.parametrize(
    ("line", "said"),
    [(label("other", "1"), "their ids differ"), ("{}", "has no"), ("[]", "has no"), ("nothing", "no JSON")],
)
def test_labels_that_cannot_be_merged(tmp_path: Path, line: str, said: str) -> None:
    put(tmp_path, "data/a.jsonl", event("one", "1", "1"))
    put(tmp_path, "truth/a.jsonl", line)
    with pytest.raises(ValueError, match=said):
        merger.run(environment(tmp_path))


def test_quality_of_merged_data_needs_no_attribute_of_the_truth(tmp_path: Path) -> None:
    put(tmp_path, "data/a.jsonl", *(event(str(number), "5", str(number)) for number in range(4)))
    put(tmp_path, "truth/a.jsonl", *(label(str(number), str(number + 1)) for number in range(4)))
    merger.run(environment(tmp_path))
    more = {"analysis_type": "MODEL_QUALITY", "problem_type": "Regression", "inference_attribute": "0"}
    settings = environment(tmp_path, "sagemakerMergeJson", **more)
    settings |= {"dataset_source": "/opt/ml/processing/output", "output_path": "/opt/ml/processing/report"}
    monitor.run(settings)
    statistics = json.loads((tmp_path / "processing/report/statistics.json").read_text())
    assert statistics["regression_metrics"]["mae"]["value"] == 1.0
