"""The model monitor's program, as its container's contract has it: an environment, a data set, files of answers."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from penstock_services.containers.model_monitor import __main__ as container
from penstock_services.containers.model_monitor import model_quality
from penstock_services.containers.model_monitor.dataset import DatasetError, read

ROWS = 400


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "processing/input/dataset").mkdir(parents=True)
    return tmp_path


def environment(base: Path, dataset_format: dict[str, Any], **more: str) -> dict[str, str]:
    return {
        "SAGEMAKER_BASE_DIR": str(base),
        "dataset_source": "/opt/ml/processing/input/dataset",
        "output_path": "/opt/ml/processing/output",
        "dataset_format": json.dumps(dataset_format),
        **more,
    }


def document(base: Path, name: str) -> Any:
    return json.loads((base / "processing/output" / name).read_text())


def frame(shift: float = 0.0) -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "distance": random.normal(loc=shift, size=ROWS),
            "carrier": random.choice(["AA", "UA"], ROWS),
            "delayed": random.integers(0, 2, ROWS),
        }
    )


def save(base: Path, table: pd.DataFrame, name: str = "data.csv") -> None:
    table.to_csv(base / "processing/input/dataset" / name, index=False)


def test_a_baseline_is_suggested_when_there_is_none(base: Path) -> None:
    save(base, frame())
    message = container.run(environment(base, {"csv": {"header": True}}))
    assert message == "Completed: Job completed successfully with no violations."
    assert document(base, "statistics.json")["dataset"]["item_count"] == ROWS
    features = {each["name"]: each for each in document(base, "constraints.json")["features"]}
    assert features["carrier"]["string_constraints"]["domains"] == ["AA", "UA"]
    assert features["delayed"]["inferred_type"] == "Integral"
    assert not (base / "processing/output/constraint_violations.json").exists()


@pytest.fixture
def with_baseline(base: Path) -> Path:
    save(base, frame())
    container.run(environment(base, {"csv": {"header": True}}))
    (base / "processing/output").rename(base / "processing/baseline")
    return base


BASELINE = {
    "baseline_statistics": "/opt/ml/processing/baseline/statistics.json",
    "baseline_constraints": "/opt/ml/processing/baseline/constraints.json",
}


def test_the_same_data_break_nothing(with_baseline: Path) -> None:
    message = container.run(environment(with_baseline, {"csv": {"header": True}}, **BASELINE))
    assert message.startswith("Completed:")
    assert document(with_baseline, "constraint_violations.json") == {"violations": []}


def test_shifted_data_and_unknown_words_are_violations(with_baseline: Path) -> None:
    table = frame(shift=2.0)
    table.loc[0, "carrier"] = "ZZ"
    save(with_baseline, table)
    message = container.run(environment(with_baseline, {"csv": {"header": True}}, **BASELINE))
    found = {
        (each["feature_name"], each["constraint_check_type"])
        for each in document(with_baseline, "constraint_violations.json")["violations"]
    }
    assert found == {("distance", "baseline_drift_check"), ("carrier", "categorical_values_check")}
    assert message == "CompletedWithViolations: Job completed successfully with 2 violations."


def test_json_lines_and_parquet_are_read_alike(tmp_path: Path) -> None:
    table = frame()
    for name in ("lines", "parquet"):
        (tmp_path / name).mkdir()
    table.to_json(tmp_path / "lines/data.jsonl", orient="records", lines=True)
    table.to_parquet(tmp_path / "parquet/data.parquet")
    lines = read(tmp_path / "lines", {"json": {"lines": True}})
    parquet = read(tmp_path / "parquet", {"parquet": {}})
    assert list(lines.columns) == list(parquet.columns) == list(table.columns)
    assert len(lines) == len(parquet) == ROWS


def captured(value: str, answer: str, *, encoded: bool = False) -> str:
    def side(text: str, mode: str) -> dict[str, str]:
        data, encoding = (base64.b64encode(text.encode()).decode(), "BASE64") if encoded else (text, "CSV")
        return {"observedContentType": "text/csv", "mode": mode, "data": data, "encoding": encoding}

    event = {
        "captureData": {"endpointInput": side(value, "INPUT"), "endpointOutput": side(answer, "OUTPUT")},
        "eventMetadata": {"eventId": "1", "inferenceTime": "2026-01-01T00:00:00Z"},
        "eventVersion": "0",
    }
    return json.dumps(event)


def test_captured_traffic_has_the_answer_first(tmp_path: Path) -> None:
    lines = [captured("1.5,2", "0.9"), captured("2.5,3", "0.1", encoded=True)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    table = read(tmp_path, {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}})
    assert table.to_numpy(float).tolist() == [[0.9, 1.5, 2.0], [0.1, 2.5, 3.0]]


def test_the_preprocessor_of_the_user_is_called(base: Path) -> None:
    (base / "processing/input/dataset/a.jsonl").write_text(captured("1.5,2", "0.9"))
    script = base / "processing/input/script.py"
    script.write_text(
        "def preprocess_handler(inference_record):\n"
        "    return {'first': float(inference_record.endpoint_input.data.split(',')[0]) * 2}\n"
    )
    settings = environment(
        base, {"sagemakerCaptureJson": {}}, record_preprocessor_script="/opt/ml/processing/input/script.py"
    )
    container.run(settings)
    assert [each["name"] for each in document(base, "statistics.json")["features"]] == ["first"]
    assert document(base, "statistics.json")["features"][0]["numerical_statistics"]["mean"] == 3.0


@pytest.mark.parametrize(
    ("dataset_format", "complaint"),
    [({"xml": {}}, "not one of csv"), ({}, "one format"), ({"parquet": {}}, "cannot be read")],
)
def test_a_data_set_that_cannot_be_read_is_said(base: Path, dataset_format: dict[str, Any], complaint: str) -> None:
    save(base, frame())
    with pytest.raises(DatasetError, match=complaint):
        container.run(environment(base, dataset_format))


def test_a_failure_leaves_its_reason_as_the_exit_message(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(base, {"csv": {"header": True}}).items():
        monkeypatch.setenv(name, value)
    assert container.main() == 1
    assert "there are no files" in (base / "output/message").read_text()


def predictions(flipped: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(1)
    truth = random.integers(0, 2, ROWS)
    score = np.clip(truth * 0.6 + random.random(ROWS) * 0.4, 0, 1)
    score[:flipped] = 1 - score[:flipped]
    return pd.DataFrame({"truth": truth, "score": score})


def test_model_quality_of_a_classifier_and_its_decline(base: Path) -> None:
    more = {
        "analysis_type": "MODEL_QUALITY", "problem_type": "BinaryClassification", "ground_truth_attribute": "truth",
        "probability_attribute": "score", "probability_threshold_attribute": "0.5",
    }  # fmt: skip
    save(base, predictions(flipped=20))
    container.run(environment(base, {"csv": {"header": True}}, **more))
    metrics = document(base, "statistics.json")["binary_classification_metrics"]
    assert metrics["accuracy"]["value"] == pytest.approx(1 - 20 / ROWS)
    assert sum(sum(row.values()) for row in metrics["confusion_matrix"].values()) == ROWS
    assert metrics["accuracy"]["standard_deviation"] > 0
    (base / "processing/output").rename(base / "processing/baseline")
    save(base, predictions(flipped=200))
    message = container.run(
        environment(base, {"csv": {"header": True}}, **more, baseline_constraints=BASELINE["baseline_constraints"])
    )
    assert message.startswith("CompletedWithViolations")
    broken = {each["metric_name"]: each for each in document(base, "constraint_violations.json")["violations"]}
    assert broken["accuracy"]["constraint_check_type"] == "LessThanThreshold"
    assert broken["false_positive_rate"]["constraint_check_type"] == "GreaterThanThreshold"


def test_model_quality_of_a_regression_and_of_many_classes() -> None:
    table = pd.DataFrame({"truth": [1.0, 2.0, 3.0, 4.0], "said": [1.0, 2.0, 3.0, 6.0]})
    statistics, constraints = model_quality.evaluate(table, "Regression", model_quality.Columns("truth", "said"))
    assert statistics["regression_metrics"]["mae"] == {"value": 0.5}
    assert constraints["regression_constraints"]["rmse"]["comparison_operator"] == "GreaterThanThreshold"
    words = pd.DataFrame({"truth": list("abca"), "said": list("abcb")})
    statistics, _ = model_quality.evaluate(words, "MulticlassClassification", model_quality.Columns("truth", "said"))
    assert statistics["multiclass_classification_metrics"]["accuracy"] == {"value": 0.75}


@pytest.mark.parametrize(
    ("problem_type", "columns", "complaint"),
    [
        ("Ranking", model_quality.Columns("truth", "said"), "problem_type must be one of"),
        ("Regression", model_quality.Columns("nothing", "said"), "no column 'nothing'"),
        ("BinaryClassification", model_quality.Columns("truth", "said"), "two labels, not 3"),
    ],
)
def test_predictions_that_cannot_be_judged_are_said(
    problem_type: str, columns: model_quality.Columns, complaint: str
) -> None:
    table = pd.DataFrame({"truth": ["a", "b", "c"], "said": ["a", "b", "c"]})
    with pytest.raises(model_quality.ModelQualityError, match=complaint):
        model_quality.evaluate(table, problem_type, columns)
