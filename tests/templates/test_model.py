"""The model template: what it renders works, whatever is answered, and bad answers are refused in words."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from penstock_pipelines import configuration
from penstock_pipelines.features import definition as features

from .conftest import ROOT, TEMPLATE, TOOLS, Render, cookiecutter

LONG = {
    "project_name": 'A "quoted" name, it\'s {{ odd }} & <b>ünïcode</b> \\ ${HOME}',
    "slug": "a-very-long-name-of-a-model-with-40-char",
    "package": "a_very_long_name_of_a_model_with_40_char",
    "description": "Says \"yes\" or 'no': 50 % {% raw %} {{ x }} é # no comment \\n",
    "owner": "data: science/europe",
    "cost_center": "0042",
    "github_repository": "Some-Org/a.repository_with-dots",
    "aws_region": "eu-central-1",
}
SHORT = {"project_name": "z", "slug": "z", "package": "zz", "owner": "1", "cost_center": "1e3", "description": ""}
ANSWERS = [{}, LONG, SHORT]
NAMES = ["defaults", "long", "short"]

each = pytest.mark.parametrize("answers", ANSWERS, ids=NAMES)


def run(folder: Path, *command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PENSTOCK_", "PYTEST_"))}
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=280,
    )


def text_files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts]


@each
def test_nothing_of_the_template_is_left_over(render: Render, answers: dict[str, str]) -> None:
    for file in text_files(render(**answers)):
        assert "@{{" not in str(file)
        left = [line for line in file.read_text().splitlines() if "@{{" in line or "cookiecutter." in line]
        assert left == [], file


@each
def test_the_configuration_says_what_was_answered(render: Render, answers: dict[str, str]) -> None:
    folder = render(**answers)
    settings = configuration.load(folder)
    for name, value in answers.items():
        if name in ("description", "owner", "cost_center", "package"):
            assert getattr(settings, name) == value
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    assert project["project"]["name"] == settings.name
    assert features.load(folder / "features")


@each
def test_style_and_format(render: Render, answers: dict[str, str]) -> None:
    folder = render(**answers)
    checked = run(folder, TOOLS / "ruff", "check", "--no-cache", ".")
    assert checked.returncode == 0, checked.stdout
    formatted = run(folder, TOOLS / "ruff", "format", "--no-cache", "--diff", ".")
    assert formatted.returncode == 0, formatted.stdout


@pytest.mark.slow
def test_types(render: Render, tmp_path: Path) -> None:
    checked = run(render(), TOOLS / "mypy", "--cache-dir", tmp_path)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.slow
@each
def test_the_committed_pipeline_is_the_compiled_one(
    render: Render, compiler: Path, tmp_path: Path, answers: dict[str, str]
) -> None:
    folder = render(**answers)
    output = tmp_path / "pipeline.json"
    compiled = run(folder, compiler, "-m", "penstock_pipelines.compile", "--repository", ".", "--output", output)
    assert compiled.returncode == 0, compiled.stderr
    assert output.read_text() == (folder / "pipeline.json").read_text()


@pytest.mark.slow
def test_its_own_tests_pass(render: Render) -> None:
    folder = render()
    tested = run(folder, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", PYTHONPATH="src")
    assert tested.returncode == 0, tested.stdout[-4000:]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"slug": "Flight_Delays"}, "slug: 'Flight_Delays' will not do. It must be lower case letters"),
        ({"slug": "x" * 41}, "has 41 characters"),
        ({"package": "flight-delays"}, "package: 'flight-delays' will not do"),
        ({"package": "class"}, "is taken by Python"),
        ({"package": "statistics"}, "is taken by Python"),
        ({"github_repository": "flight-delays"}, "owner/name"),
        ({"aws_region": "Frankfurt"}, "a region of AWS"),
        ({"owner": 'a"; import os'}, "a value of an AWS tag"),
        ({"owner": '"""\nraise SystemExit(0)'}, "a value of an AWS tag"),
        ({"penstock_source": "$(rm -rf x)"}, "without spaces and quotes"),
        ({"description": "two\nlines"}, "one line"),
    ],
)
def test_bad_answers_get_a_message(tmp_path: Path, answers: dict[str, str], expected: str) -> None:
    result = cookiecutter(tmp_path, **answers)
    assert result.returncode != 0
    assert expected in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_all_bad_answers_are_told_at_once(tmp_path: Path) -> None:
    result = cookiecutter(tmp_path, slug="A", aws_region="x")
    assert "slug:" in result.stderr
    assert "aws_region:" in result.stderr


def names_of(file: Path) -> set[str]:
    """Normalised names of the packages in a requirements file."""
    found = (re.match(r"[A-Za-z0-9._-]+", line) for line in file.read_text().splitlines() if line[:1].isalnum())
    return {re.sub(r"[-_.]+", "-", match[0]).lower() for match in found if match}


@pytest.mark.parametrize("name", ["image", "dev"])
def test_locks_are_pinned_by_hash_and_name_no_index(render: Render, name: str) -> None:
    text = (render() / "requirements" / f"{name}.txt").read_text()
    pins = re.findall(r"^[a-z0-9][^\s]*==", text, flags=re.MULTILINE)
    assert len(pins) > 20
    assert text.count("--hash=sha256:") >= len(pins)
    assert "://" not in "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    assert names_of(render() / "requirements" / f"{name}.in") <= names_of(render() / "requirements" / f"{name}.txt")


def test_the_repository_has_all_that_penstock_needs(render: Render) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.sub(r"[-_.]+", "-", re.split(r"[<>=\[;! ]", item)[0]).lower() for item in project["dependencies"]}
    assert needed <= names_of(render() / "requirements" / "dev.txt")


def test_image_and_development_agree_on_versions(render: Render) -> None:
    def pins(name: str) -> dict[str, str]:
        text = (render() / "requirements" / f"{name}.txt").read_text()
        return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", text, flags=re.MULTILINE))

    image, dev = pins("image"), pins("dev")
    assert {name: version for name, version in image.items() if dev.get(name, version) != version} == {}


def test_the_committed_schema_is_ours() -> None:
    folder = TEMPLATE / "@{{cookiecutter.slug}}"
    import json

    assert json.loads((folder / "penstock.schema.json").read_text()) == configuration.json_schema()


def test_workflows_are_yaml(render: Render) -> None:
    for file in (render() / ".github").rglob("*.yml"):
        assert isinstance(yaml.safe_load(file.read_text()), dict), file
