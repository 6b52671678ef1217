"""The pipeline's jobs one after the other, as SageMaker starts them, in folders of the container contract."""

import json
import shutil
import tarfile
from pathlib import Path

import pandas as pd
import pytest
from penstock_pipelines.container import paths, processing, training

import synthetic
from @{{ cookiecutter.package }}.jobs import evaluate, features, ingest, training_set, validate

WINDOW = ["--first", "2013-01-01", "--until", "2013-04-01"]
WINDOWS = [
    *["--train-from", "2013-01-01", "--train-to", "2013-03-01"],
    *["--evaluate-from", "2013-03-01", "--evaluate-to", "2013-04-01"],
]


class Container:
    """A job's /opt/ml, with inputs from folders of earlier jobs."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch

    def start(self, name: str, inputs: dict[str, Path], under: str = "processing/input") -> Path:
        """Lays out a job's folders and points the contract at them."""
        base = self.folder / name
        shutil.rmtree(base, ignore_errors=True)
        for key, source in inputs.items():
            shutil.copytree(source, base / under / key)
        self.monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(base))
        self.monkeypatch.setenv("PENSTOCK_MODEL", "@{{ cookiecutter.package }}.model")
        return base

    def output(self, name: str, output: str) -> Path:
        """Where a job left an output."""
        return self.folder / name / "processing" / "output" / output


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Container:
    return Container(tmp_path / "jobs", monkeypatch)


def tables(raw: Path) -> dict[str, Path]:
    return {table: raw / table for table in ("flights", "weather", "planes")}


def test_the_whole_pipeline(raw: Path, container: Container) -> None:
    container.start("ingest", tables(raw))
    processing.run(ingest.main, ingest.Arguments, WINDOW)
    curated = container.output("ingest", "curated")

    container.start("validate", {**tables(raw), "curated": curated})
    processing.run(validate.main, validate.Arguments, WINDOW)

    container.start("features", {"curated": curated})
    processing.run(features.main, features.Arguments, ["--model", "m", "--publish", "false"])

    container.start("set", {"curated": curated, "features": container.output("features", "features")})
    sampling = ["--sample-fraction", "1.0", "--seed", "7"]
    processing.run(training_set.main, training_set.Arguments, [*WINDOWS, *sampling])

    base = container.start("train", {"train": container.output("set", "training")}, under="input/data")
    paths.configuration("hyperparameters").parent.mkdir(parents=True)
    paths.configuration("hyperparameters").write_text(json.dumps({"rounds": "20", "seed": "7"}))
    training.main()
    archive = container.folder / "archive"
    archive.mkdir()
    with tarfile.open(archive / "model.tar.gz", "w:gz") as tar:
        tar.add(base / "model", arcname=".")

    container.start(
        "evaluate",
        {
            "model": archive,
            "evaluation": container.output("set", "evaluation"),
            "ingest": container.output("ingest", "summary"),
        },
    )
    about = ["--group", "", "--image-uri", "image@sha256:0", "--git-commit", "abc"]
    processing.run(evaluate.main, evaluate.Arguments, [*WINDOWS, *sampling, *about])
    report = json.loads((container.output("evaluate", "evaluation") / "evaluation.json").read_text())
    assert report["metrics"]["auc"] > 0.6
    assert report["champion"]["reason"] == "no champion yet"
    assert all(isinstance(value, str) and value for value in report["metadata"].values())
    constraints = json.loads((container.output("evaluate", "baseline") / "constraints.json").read_text())
    assert {feature["name"] for feature in constraints["features"]} >= {"prediction"}


def broken(folder: Path, change: pd.DataFrame) -> Path:
    """A raw zone whose first flights are those given."""
    raw = synthetic.raw_zone(folder / "raw", months=1)
    change.to_parquet(raw / "flights" / "year=2013" / "month=01" / "part-0.parquet", index=False)
    return raw


FLIGHTS = synthetic.flights("2013-01-01", 5)
BROKEN = {
    "a value out of range": (FLIGHTS.assign(distance=-5), "'distance' breaks the rule 'in_range(1, 12500)'"),
    "a wrong type": (FLIGHTS.assign(distance="far"), "'distance' breaks the rule"),
    "a missing column": (FLIGHTS.drop(columns=["carrier"]), "'carrier' breaks the rule 'required column'"),
    "an empty value": (FLIGHTS.assign(origin=None), "'origin' breaks the rule 'not empty'"),
    "a wrong code": (FLIGHTS.assign(carrier="United"), "'carrier' breaks the rule"),
    "a row twice": (pd.concat([FLIGHTS, FLIGHTS.head(1)]), "carrier, flight, origin' breaks the rule 'unique'"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_data_that_break_the_schema_stop_at_validate(
    case: str, tmp_path: Path, container: Container, capsys: pytest.CaptureFixture[str]
) -> None:
    flights, expected = BROKEN[case]
    raw = broken(tmp_path, flights)
    curated = tmp_path / "curated"
    curated.mkdir()
    base = container.start("validate", {**tables(raw), "curated": curated})
    with pytest.raises(SystemExit):
        processing.run(validate.main, validate.Arguments, WINDOW)
    reason = (base / "output" / "failure").read_text()
    assert expected in reason
    assert (base / "output" / "message").read_text() == reason
    assert "Traceback" not in capsys.readouterr().err


def test_arguments_that_are_wrong_are_named(container: Container) -> None:
    base = container.start("validate", {})
    with pytest.raises(SystemExit):
        processing.run(validate.main, validate.Arguments, ["--first", "soon"])
    reason = (base / "output" / "failure").read_text()
    assert "--first" in reason
    assert "--until" in reason
