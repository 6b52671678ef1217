"""One step alone on this machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from penstock_pipelines import step
from penstock_pipelines.errors import ConfigurationError

from .conftest import DOCUMENT

JOB = """
import sys
from pathlib import Path
from penstock_pipelines.container import processing


class Arguments(processing.Arguments):
    add: int


def main(arguments):
    values = [int(f.read_text()) for f in sorted(processing.input_folder("numbers").rglob("*.txt"))]
    if sum(values) > 100:
        raise ValueError("too many")
    print("sum", sum(values))
    (processing.output_folder("sum") / "sum.txt").write_text(str(sum(values) + arguments.add))


if __name__ == "__main__":
    processing.run(main, Arguments)
"""


def place(*parts: Any) -> dict[str, Any]:
    return {"Std:Join": {"On": "/", "Values": ["s3:/", *parts]}}


def processing(name: str, source: Any, add: str) -> dict[str, Any]:
    target = place({"Get": "Parameters.ArtifactBucket"}, {"Get": "Execution.PipelineExecutionId"}, name)
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "AppSpecification": {
                "ImageUri": {"Get": "Parameters.ImageUri"},
                "ContainerEntrypoint": ["python", "-m", "tide_job"],
                "ContainerArguments": ["--add", add],
            },
            "ProcessingInputs": [
                {"InputName": "numbers", "S3Input": {"S3Uri": source, "LocalPath": "/opt/ml/processing/input/numbers"}}
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {"OutputName": "sum", "S3Output": {"S3Uri": target, "LocalPath": "/opt/ml/processing/output/sum"}}
                ]
            },
        },
    }


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PENSTOCK_OUTPUT_rawBucket", "PENSTOCK_OUTPUT_artifactBucket"):
        monkeypatch.delenv(name, raising=False)
    names = ["ImageUri", "RoleArn", "ArtifactBucket", "RawBucket", "TrainFrom", "TrainTo", "EvaluateFrom", "EvaluateTo"]
    first = processing("First", place({"Get": "Parameters.RawBucket"}, "levels"), "1")
    second = processing("Second", {"Get": "Steps.First.ProcessingOutputConfig.Outputs['sum'].S3Output.S3Uri"}, "10")
    done = {"Name": "Done", "Type": "Fail", "Arguments": {"ErrorMessage": ""}}
    document = {
        "Parameters": [{"Name": name, "Type": "String"} for name in [*names, "Register"]],
        "Steps": [first, second, done],
    }
    folder = tmp_path / "tides"
    folder.mkdir()
    (folder / "pipeline.json").write_text(json.dumps(document))
    settings = {**DOCUMENT, "pipeline": {"start": "2013-01-01", "landing_table": "levels", "evaluation_months": 1}}
    (folder / "penstock.yaml").write_text(yaml.safe_dump(settings))
    (tmp_path / "tide_job.py").write_text(JOB)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for month, value in (("01", "3"), ("02", "4")):
        file = tmp_path / "data/levels/year=2013" / f"month={month}" / "x.txt"
        file.parent.mkdir(parents=True)
        file.write_text(value)
    return folder


def run(repository: Path, *line: str) -> int:
    return step.main([*line, "--repository", str(repository)])


def result(repository: Path, name: str) -> str:
    return (repository / f"build/steps/s3/artifacts/local/{name}/sum.txt").read_text()


def test_a_step_and_the_one_that_needs_it(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(repository, "First", "--data", str(repository.parent / "data")) == 0
    assert result(repository, "First") == "8"
    assert run(repository, "Second") == 0
    assert result(repository, "Second") == "18"
    assert "sum 8" in capsys.readouterr().out


def test_with_all_before_it(repository: Path) -> None:
    assert run(repository, "Second", "--upstream", "--data", str(repository.parent / "data")) == 0
    assert result(repository, "Second") == "18"


def test_without_what_it_needs(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = [f"--parameter={name}=2013-01-01" for name in ("TrainFrom", "TrainTo", "EvaluateFrom", "EvaluateTo")]
    assert run(repository, "Second", *line) == 2
    assert "--upstream" in capsys.readouterr().err


def test_a_step_that_fails_says_why(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository.parent / "data/levels/year=2013/month=01/x.txt").write_text("1000")
    assert run(repository, "Second", "--upstream", "--data", str(repository.parent / "data"), "--json") == 1
    (outcome,) = json.loads(capsys.readouterr().out)
    assert outcome["step"] == "First"
    assert outcome["ok"] is False
    assert "ValueError: too many" in outcome["reason"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["Frist"], "no step 'Frist'"),
        (["Done"], "only jobs (Processing, Training) run alone"),
        (["First", "--parameter", "Sead=1"], "no parameters Sead"),
        (["First", "--data", "/nowhere"], "not a folder of raw tables"),
    ],
)
def test_mistakes(repository: Path, capsys: pytest.CaptureFixture[str], line: list[str], expected: str) -> None:
    whole = line if "--data" in line else [*line, "--data", str(repository.parent / "data")]
    assert run(repository, *whole) == 2
    assert expected in capsys.readouterr().err


def test_buckets_of_a_platform_are_used(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_OUTPUT_rawBucket", "real-raw")
    runner = step.LocalRunner(repository, python=Path(sys.executable))
    assert runner.scope["Parameters.RawBucket"] == "real-raw"
    assert runner.scope["Parameters.Register"] == "false"


def test_an_unknown_parameter(repository: Path) -> None:
    with pytest.raises(ConfigurationError):
        step.LocalRunner(repository, python=Path(sys.executable), parameters={"X": "1"})
