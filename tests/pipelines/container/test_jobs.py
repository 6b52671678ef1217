"""Entries of training and processing jobs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from penstock_pipelines.container import failure, model, paths, processing, training
from penstock_pipelines.errors import DataError, PipelinesError

MODULE = """
import json

def train(training, hyperparameters):
    if hyperparameters.get("explode"):
        raise RuntimeError("the tide is too high")
    return {"mean": float(training["level"].mean()), **hyperparameters}

def save(model, folder):
    (folder / "model.json").write_text(json.dumps(model))

def load(folder):
    return json.loads((folder / "model.json").read_text())

def predict(model, rows):
    return [model["mean"]] * len(rows)

def inputs(model):
    return {"level": "number"}
"""


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A training job's folders and a model package to train."""
    (tmp_path / "tide_model.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PENSTOCK_MODEL", "tide_model")
    base = tmp_path / "opt"
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(base))
    (base / "input/config").mkdir(parents=True)
    (base / "input/config/hyperparameters.json").write_text(json.dumps({"rounds": 3}))
    (base / "input/data/train").mkdir(parents=True)
    for number in (1, 2):
        pd.DataFrame({"level": [float(number)]}).to_parquet(base / f"input/data/train/{number}.parquet")
    return base


def test_training_leaves_the_model(job: Path) -> None:
    training.main()
    assert json.loads((job / "model/model.json").read_text()) == {"mean": 1.5, "rounds": "3"}
    assert not (job / "output/failure").exists()


def test_a_training_function_that_raises_leaves_its_reason(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (job / "input/config/hyperparameters.json").write_text(json.dumps({"explode": "yes"}))
    with pytest.raises(SystemExit) as caught:
        training.main()
    assert caught.value.code == 1
    reason = (job / "output/failure").read_text()
    assert reason.startswith("RuntimeError: the tide is too high (in train, tide_model.py line 6)")
    assert "Traceback" in capsys.readouterr().err


def test_a_channel_without_data(job: Path) -> None:
    for file in (job / "input/data/train").iterdir():
        file.unlink()
    with pytest.raises(SystemExit):
        training.main()
    assert "'train' holds no Parquet file" in (job / "output/failure").read_text()


def test_a_model_without_a_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_model.py").write_text("def train(): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PENSTOCK_MODEL", "half_model")
    with pytest.raises(PipelinesError, match="lacks the functions save, load, predict, inputs"):
        model.find()


class Arguments(processing.Arguments):
    first: int
    loud: bool = False


def test_a_job_gets_typed_arguments(job: Path) -> None:
    seen = []
    processing.run(seen.append, Arguments, ["--first", "3", "--loud", "true"])
    assert seen == [Arguments(first=3, loud=True)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ([], "--first: Field required"),
        (["--first", "x"], "--first"),
        (["--first", "1", "--last", "2"], "--last"),
        (["first"], "'first'"),
        (["--first"], "'--first'"),
    ],
)
def test_wrong_arguments_are_named(line: list[str], expected: str) -> None:
    with pytest.raises(PipelinesError) as caught:
        processing.parse(Arguments, line)
    assert expected in str(caught.value)


def test_a_job_that_fails_tells_why_without_a_traceback(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_: Arguments) -> None:
        raise DataError("The well is dry.", "Dig.")

    with pytest.raises(SystemExit) as caught:
        processing.run(fail, Arguments, ["--first", "1"])
    assert caught.value.code == 1
    assert (job / "output/message").read_text() == "The well is dry.\nDig."
    assert "Traceback" not in capsys.readouterr().err


def test_a_reason_is_short(job: Path) -> None:
    assert len(failure.reason(ValueError("x" * 5000))) == failure.LONGEST_REASON


def test_folders_move_with_the_base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAGEMAKER_BASE_DIR", raising=False)
    assert paths.processing_input("x") == Path("/opt/ml/processing/input/x")
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", "/somewhere")
    assert paths.resolve("/opt/ml/model") == Path("/somewhere/model")
    assert paths.resolve("/etc/x") == Path("/etc/x")


def test_a_missing_input_is_named(job: Path) -> None:
    with pytest.raises(DataError, match="no input 'raw'"):
        processing.input_folder("raw")


def test_nothing_heavy_is_imported_by_the_container() -> None:
    """Serving must start fast: no Ibis, no pandera, no SDK."""
    import subprocess

    code = "import sys, penstock_pipelines.container.serving; print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"ibis", "pandera", "sagemaker", "boto3", "duckdb", "sklearn"} & set(modules)
