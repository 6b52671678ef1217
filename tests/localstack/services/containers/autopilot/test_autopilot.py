"""What Autopilot's own programs find out about a table, fit and answer, in this process."""

from __future__ import annotations

import gzip
import json
import math
import random
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest

from penstock_services.containers.autopilot import analysis, features, inference, metrics, places, reading, training
from penstock_services.containers.autopilot.places import DataError
from penstock_services.containers.framework import paths

VARIABLES = {
    "TARGET": "y",
    "CONTENT_TYPE": "text/csv;header=present",
    "MODE": "ENSEMBLING",
    "PROBLEM_TYPE": "",
    "VALIDATION_FRACTION": "0.2",
}
NUMBERS = random.Random(0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The places of the programs, below a folder of this test."""
    for name in ("TRAINING", "VALIDATION", "OUTPUT"):
        monkeypatch.setattr(places, name, tmp_path / name.lower())
    monkeypatch.setattr(places, "PREPARED", tmp_path / "output")  # what the first program leaves is the second one's
    (tmp_path / "training").mkdir()
    return tmp_path


def table(count: int = 500, **columns: Any) -> pd.DataFrame:
    """A table with a number beside the given columns, each a list or a function of the row's number."""
    made = {name: [value(row) for row in range(count)] if callable(value) else value for name, value in columns.items()}
    return pd.DataFrame({"x": [NUMBERS.random() for _ in range(count)], **made})


def analyzed(folder: Path, frame: pd.DataFrame, **variables: str) -> dict[str, Any]:
    frame.to_csv(folder / "training/data.csv", index=False)
    analysis.analyze({**VARIABLES, **variables})
    found: dict[str, Any] = json.loads((folder / "output/analysis.json").read_text())
    return found


@pytest.mark.parametrize(
    ("target", "problem", "labels"),
    [
        (lambda row: row % 2, "BinaryClassification", ["0", "1"]),
        (lambda row: f"{row % 2 + 9}.0", "BinaryClassification", ["9", "10"]),
        (lambda row: "yes" if row % 3 else "no", "BinaryClassification", ["no", "yes"]),
        (lambda row: row % 20, "MulticlassClassification", [str(each) for each in range(20)]),
        (lambda row: "abc"[row % 3], "MulticlassClassification", ["a", "b", "c"]),
        (lambda row: row % 21, "Regression", None),
        (lambda row: row % 3 + 0.5, "Regression", None),
    ],
)
def test_the_problem_type_is_found(folder: Path, target: Any, problem: str, labels: Any) -> None:
    found = analyzed(folder, table(y=target))
    assert (found["problem_type"], found.get("labels")) == (problem, labels)


def test_the_problem_type_that_is_given_counts(folder: Path) -> None:
    assert analyzed(folder, table(y=lambda row: row % 2), PROBLEM_TYPE="Regression")["problem_type"] == "Regression"


def test_the_types_of_columns(folder: Path) -> None:
    words = ["a b c", "d e f", "c b a"]
    frame = table(
        number=lambda row: "" if row % 5 else f"{row}",
        city=lambda row: ["Rome", "Oslo"][row % 2],
        note=lambda row: f"{NUMBERS.choice(words)} {row}",
        day=lambda row: f"2026-01-{row % 28 + 1:02d}",
        key=lambda row: f"key-{row}",
        same="a",
        empty="",
        y=lambda row: row % 2,
    )
    columns = {each["name"]: each["type"] for each in analyzed(folder, frame)["columns"]}
    assert columns == {
        "x": "numeric", "number": "numeric", "city": "categorical", "note": "text", "day": "datetime", "key": "dropped",
        "same": "dropped", "empty": "dropped",
    }  # fmt: skip


def test_both_parts_have_the_classes_in_their_proportion(folder: Path) -> None:
    analyzed(folder, table(1000, y=lambda row: "yes" if row < 100 else "no"), VALIDATION_FRACTION="0.3")
    train, validation = (pd.read_csv(folder / "output" / name) for name in ("train.csv", "validation.csv"))
    assert (len(train), len(validation)) == (700, 300)
    assert (sum(train["y"] == "yes"), sum(validation["y"] == "yes")) == (70, 30)
    assert not set(train["x"]) & set(validation["x"])


def test_a_class_of_one_row_is_learnt_not_measured(folder: Path) -> None:
    found = analyzed(folder, table(y=lambda row: f"once-{row}" if row < 20 else "ab"[row % 2]))
    assert len(found["labels"]) == 22
    assert set(pd.read_csv(folder / "output/validation.csv")["y"]) == {"a", "b"}


def test_rows_without_a_target_do_not_count(folder: Path) -> None:
    frame = table(501, y=lambda row: "" if row < 2 else row % 2)
    with pytest.raises(DataError, match="has 499 rows with a value of the target column; a minimum of 500"):
        analyzed(folder, frame)


def test_a_validation_channel_is_taken_as_it_is(folder: Path) -> None:
    (folder / "validation").mkdir()
    other = table(30, y=lambda row: row % 2)
    other.to_csv(folder / "validation/data.csv", index=False)
    frame = table(y=lambda row: row % 2)
    analyzed(folder, frame)
    assert len(pd.read_csv(folder / "output/train.csv")) == 500
    assert list(pd.read_csv(folder / "output/validation.csv")["x"]) == list(other["x"])
    for changed, message in (
        (other.rename(columns={"x": "z"}), "must have the same columns"),
        (other.rename(columns={"y": "z"}), "the target column y is not in the validation data set"),
        (other.assign(y="7"), "has labels that the training data set has not: 7"),
        (other.assign(y=""), "no row of the validation data set has a value of the target column"),
    ):
        changed.to_csv(folder / "validation/data.csv", index=False)
        with pytest.raises(DataError, match=message):
            analyzed(folder, frame)


@pytest.mark.parametrize(
    ("frame", "variables", "message"),
    [
        (table(y=1), {}, "only one distinct value"),
        (table(y=lambda row: row % 3), {"PROBLEM_TYPE": "BinaryClassification"}, "has 3 distinct values"),
        (table(y=lambda row: "ab"[row % 2]), {"PROBLEM_TYPE": "Regression"}, "must hold numbers; it holds 'a'"),
        (table(y=lambda row: row % 2).assign(x=1), {}, "no column but the target column y"),
        (
            table(z=lambda row: row % 2),
            {},
            "the target column y is not in the training data set, whose columns are x, z",
        ),
    ],
)
def test_what_cannot_be_learnt_from(folder: Path, frame: Any, variables: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        analyzed(folder, frame, **variables)


def test_a_large_data_set_is_not_for_auto_mode(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "_ENSEMBLING_BYTES", 1000)
    frame = table(y=lambda row: row % 2)
    analyzed(folder, frame)
    with pytest.raises(DataError, match="set Mode to ENSEMBLING"):
        analyzed(folder, frame, MODE="AUTO")


def test_files_are_read_as_one_table(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    frame.to_csv(tmp_path / "1.csv", index=False)
    (tmp_path / "below").mkdir()
    (tmp_path / "below/2.csv").write_bytes(gzip.compress(frame.to_csv(index=False).encode()))
    read = reading.table(tmp_path, parquet=False)
    assert read["a"].tolist() == ["1", "2", "1", "2"]
    assert read["b"].isna().tolist() == [False, True, False, True]
    (tmp_path / "below/2.csv").write_text("a,c\n1,2\n")
    with pytest.raises(DataError, match=r"the header of 2.csv is not that of the other files"):
        reading.table(tmp_path, parquet=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read as CSV with a header: No columns"),
        ("a,a\n1,2\n", "column names must be unique; in the data set more than once: a"),
        ("a,b\n1,2,3\n", "cannot be read as CSV with a header: .*Expected 2 fields in line 2, saw 3"),
    ],
)
def test_files_that_are_no_tables(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        reading.table(tmp_path, parquet=False)


def test_parquet_is_read_as_texts(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.to_datetime(["2026-01-01", "2026-01-02"])})
    frame.to_parquet(tmp_path / "a.parquet")
    read = reading.table(tmp_path, parquet=True)
    assert read["a"].tolist() == ["1", "2"]
    assert read["b"].isna().tolist() == [False, True]
    assert read["c"].str.startswith("2026-01-0").all()
    (tmp_path / "a.parquet").write_text("no Parquet")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        reading.table(tmp_path, parquet=True)


@pytest.fixture
def trained(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """``train`` of a table's candidate: the model's folder and what was printed."""

    def run(frame: pd.DataFrame, **hyperparameters: str) -> tuple[Path, str]:
        analyzed(folder, frame)
        monkeypatch.setattr(places, "OUTPUT", folder / "encoded")
        features.features()
        for name, path in (("DATA", folder / "data"), ("MODEL", folder / "model"), ("CONFIG", folder / "config")):
            monkeypatch.setattr(paths, name, path)
        (folder / "data").mkdir(exist_ok=True)
        (folder / "data/features").symlink_to(folder / "encoded")
        (folder / "config").mkdir(exist_ok=True)
        (folder / "config/hyperparameters.json").write_text(json.dumps(hyperparameters))
        capsys.readouterr()
        training.train()
        return folder / "model", capsys.readouterr().out

    return run


def answers(model: Path, rows: str) -> list[str]:
    text, kind = inference.transform_fn(inference.model_fn(str(model)), rows, "text/csv; charset=utf-8", "*/*")
    assert kind == "text/csv"
    return text.splitlines()


def test_a_stacked_candidate_predicts_from_rows_with_gaps(trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = table(
        600,
        city=lambda row: ["Rome", "Oslo", ""][row % 3],
        key=lambda row: f"key-{row}",
        y=lambda row: "yes" if row % 3 == 0 else "no",
    )
    model, said = trained(frame, algorithms="xgboost,linear-learner")
    assert "validation:F1=1.0;" in said
    assert answers(model, "0.5,Rome,k\n,Oslo,\n,,\n0.1,Lima,\n") == ["yes", "no", "no", "no"]
    monkeypatch.setenv("SAGEMAKER_INFERENCE_OUTPUT", "predicted_label,probability,probabilities,labels")
    label, probability, *rest = answers(model, "0.5,Rome,k\n")[0].split(",", 2)
    assert label == "yes"
    assert 0.9 < float(probability) <= 1
    assert rest[0].endswith("\"['no', 'yes']\"")
    archived = joblib.load(model / "model.joblib")
    assert {type(step).__module__.partition(".")[0] for _, step in archived.steps} == {"sklearn"}, (
        "nothing of ours in it"
    )
    assert (model / "code/inference.py").read_text() == Path(inference.__file__).read_text()


def test_rows_of_another_form_are_refused(trained: Any) -> None:
    model, _ = trained(table(city=lambda row: ["Rome", "Oslo"][row % 2], y=lambda row: row % 2), algorithms="xgboost")
    assert answers(model, "0.5,Oslo\n") == ["1"]
    with pytest.raises(ValueError, match="a row must have 2 values"):
        answers(model, "0.5\n")
    with pytest.raises(ValueError, match="must be text/csv"):
        inference.transform_fn(inference.model_fn(str(model)), "{}", "application/json", "*/*")


def test_settings_of_a_candidate_are_heeded(trained: Any) -> None:
    frame = table(y=lambda row: row + 0.5)
    model, said = trained(frame.assign(x=range(500)), algorithms="randomforest", min_samples_leaf="5")
    estimator = joblib.load(model / "model.joblib").named_steps["estimator"]
    assert (type(estimator).__name__, estimator.min_samples_leaf) == ("RandomForestRegressor", 5)
    assert "validation:RMSE=" in said
    assert abs(float(answers(model, "250\n")[0]) - 250.5) < 10


class Fixed:
    """Answers the same, whatever is asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = np.array(answer)

    def predict(self, _rows: Any) -> Any:
        return self.answer

    predict_proba = predict


@pytest.mark.filterwarnings("ignore:A single label was found:UserWarning")
def test_metrics_by_hand() -> None:
    binary = Fixed([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.8, 0.2]])
    found = metrics.of(binary, None, np.array([0, 0, 1, 1]), "BinaryClassification", 2)
    assert found == pytest.approx(
        {
            "Accuracy": 0.5,
            "BalancedAccuracy": 0.5,
            "F1": 0.5,
            "Precision": 0.5,
            "Recall": 0.5,
            "AUC": 0.75,
            "LogLoss": -(math.log(0.9) + math.log(0.4) + math.log(0.7) + math.log(0.2)) / 4,
        }
    )
    assert "AUC" not in metrics.of(Fixed([[0.9, 0.1]] * 2), None, np.array([0, 0]), "BinaryClassification", 2)
    several = Fixed([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    found = metrics.of(several, None, np.array([0, 0, 1, 2]), "MulticlassClassification", 3)
    assert (found["Accuracy"], found["RecallMacro"]) == (0.75, pytest.approx(2.5 / 3))
    assert found["F1macro"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    found = metrics.of(Fixed([1.0, 2.0]), None, np.array([2.0, 4.0]), "Regression", 0)
    assert found == pytest.approx({"MAE": 1.5, "MSE": 2.5, "RMSE": math.sqrt(2.5), "R2": -1.5})
