"""Compiling a pipeline: sealed, repeatable, and clear about mistakes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from penstock_cloud import environments

from .conftest import DOCUMENT

pytestmark = pytest.mark.slow

PIPELINE = """
from penstock_pipelines import steps
from penstock_pipelines.steps import PipelineBuilder


def build(configuration):
    make = PipelineBuilder(configuration)
    first = make.processing(
        "First",
        module="tides.jobs.first",
        inputs={"raw": make.uri("RawBucket", "levels")},
        outputs={"rows": make.artifact("rows")},
        arguments={"seed": make.parameter("Seed"), "train_from": make.parameter("TrainFrom")},
    )
    seed = make.parameter("Seed")
    train = make.training("Train", channels={"train": make.output(first, "rows")}, hyperparameters={"seed": seed})
    return make.pipeline([first, train])
"""

Compile = Callable[..., tuple[subprocess.CompletedProcess[str], Path]]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "tides"
    (folder / "src/tides").mkdir(parents=True)
    (folder / "src/tides/__init__.py").touch()
    (folder / "src/tides/pipeline.py").write_text(PIPELINE)
    (folder / "penstock.yaml").write_text(yaml.safe_dump(DOCUMENT))
    return folder


@pytest.fixture
def compiled(repository: Path, tmp_path: Path) -> Compile:
    """Compiles the repository with a user's AWS settings, which must not count, and without a way out to the network."""

    def run(**environment: str) -> tuple[subprocess.CompletedProcess[str], Path]:
        output = tmp_path / "pipeline.json"
        command = [
            str(environments.ensure("compile")),
            "-m",
            "penstock_pipelines.compile",
            "--repository",
            str(repository),
            "--output",
            str(output),
        ]
        settings = {"AWS_PROFILE": "nobody", "AWS_DEFAULT_REGION": "mars-north-1", "HTTPS_PROXY": "http://127.0.0.1:9"}
        return (
            subprocess.run(
                command, env={**os.environ, **settings, **environment}, capture_output=True, text=True, timeout=200
            ),
            output,
        )

    return run


def test_twice_is_equal_and_free_of_the_machine(compiled: Compile, repository: Path) -> None:
    result, output = compiled(PYTHONHASHSEED="1")
    assert result.returncode == 0, result.stderr
    first = output.read_text()
    compiled(PYTHONHASHSEED="2")
    assert output.read_text() == first
    assert first.endswith("}\n")
    assert str(repository) not in first
    assert "mars-north-1" not in first
    document = json.loads(first)
    assert document["Version"] == "2020-12-01"
    step, train = document["Steps"]
    assert step["Arguments"]["AppSpecification"]["ContainerEntrypoint"] == ["python", "-m", "tides.jobs.first"]
    assert step["Arguments"]["AppSpecification"]["ContainerArguments"][0] == "--seed"
    assert train["Arguments"]["RoleArn"] == {"Get": "Parameters.RoleArn"}
    assert "ContainerEntrypoint" not in train["Arguments"]["AlgorithmSpecification"]


def test_a_mistake_in_the_pipeline_is_shown_where_it_is(compiled: Compile, repository: Path) -> None:
    (repository / "src/tides/pipeline.py").write_text(PIPELINE.replace('"Seed"', '"Sead"'))
    result, output = compiled()
    assert result.returncode == 2
    assert "pipeline.py:13: KeyError: 'Sead'" in result.stderr
    assert "Traceback" not in result.stderr
    assert not output.exists()


def test_a_mistake_in_the_configuration(compiled: Compile, repository: Path) -> None:
    (repository / "penstock.yaml").write_text(yaml.safe_dump({**DOCUMENT, "packge": "x"}))
    result, _ = compiled()
    assert result.returncode == 2
    assert "did you mean 'package'?" in result.stderr


def test_a_package_that_is_not_there(compiled: Compile, repository: Path) -> None:
    (repository / "penstock.yaml").write_text(yaml.safe_dump({**DOCUMENT, "package": "sands"}))
    result, _ = compiled()
    assert result.returncode == 2
    assert "Check `package` in penstock.yaml" in result.stderr
