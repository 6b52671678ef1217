"""`penstock new`: answers are checked, nothing is overwritten, the result is a repository with a first commit."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.ci.conftest import Penstock

from penstock_ci import scaffold
from penstock_ci.errors import Failure, UserError

ANSWERS = ("project_name=Ship delays", "github_repository=acme/ship-delays")


@pytest.fixture(autouse=True)
def _git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No git settings of the person who runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))


def test_a_repository_with_a_first_commit(penstock: Penstock, tmp_path: Path) -> None:
    outcome = penstock("new", "--no-input", "-o", tmp_path, *ANSWERS, "--json")
    assert outcome.code == 0, outcome.err
    document = outcome.document
    folder = tmp_path / "ship-delays"
    assert document["folder"] == str(folder)
    assert (document["answers"]["slug"], document["answers"]["package"]) == ("ship-delays", "ship_delays")
    assert document["registered"] is False
    assert "name: ship-delays" in (folder / "penstock.yaml").read_text().replace('"', "")
    log = subprocess.run(
        ["git", "log", "--format=%H %an"], cwd=folder, capture_output=True, text=True, check=True
    ).stdout
    assert log.split()[0] == document["commit"]
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True
    ).stdout
    assert status == ""


def test_existing_folder_is_refused_and_left_alone(penstock: Penstock, tmp_path: Path) -> None:
    (tmp_path / "ship-delays").mkdir()
    (tmp_path / "ship-delays/mine.txt").write_text("mine")
    outcome = penstock("new", "--no-input", "-o", tmp_path, *ANSWERS)
    assert outcome.code == 2
    assert "exists already" in outcome.err
    assert [path.name for path in (tmp_path / "ship-delays").iterdir()] == ["mine.txt"]


def test_a_template_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = scaffold.defaults({"project_name": "Ship delays", "penstock_source": "penstock"}) | {
        "package": "not a package"
    }
    with pytest.raises(Failure, match="could not be rendered") as caught:
        scaffold.generate(answers, tmp_path)
    assert caught.value.detail
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("project_nme=x", "did you mean 'project_name'?"),
        ("project_name", "is not KEY=VALUE"),
        ("slug=Ship Delays", "lower-case words with dashes"),
        ("slug=" + "a" * 41, "at most 40"),
        ("package=ship-delays", "a Python package's name"),
        ("package=tests", "a name that is taken"),
        ("owner=", "owner is empty"),
        ("owner=<script>", "letters that AWS allows in tags"),
        ("github_repository=ship-delays", "owner/name"),
        ("aws_region=Frankfurt", "an AWS region"),
        ("description=two\nlines", "one line"),
        ("penstock_source=./nowhere", "does not exist"),
    ],
)
def test_bad_answers(penstock: Penstock, tmp_path: Path, answer: str, message: str) -> None:
    outcome = penstock("new", "--no-input", "-o", tmp_path, "project_name=Ship delays", answer)
    assert outcome.code == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_all_bad_answers_are_named_at_once() -> None:
    with pytest.raises(UserError) as caught:
        scaffold.check({"slug": "X", "package": "Y"})
    assert "slug is 'X'" in caught.value.message
    assert "package is 'Y'" in caught.value.message


def test_hostile_but_allowed_text_survives(penstock: Penstock, tmp_path: Path) -> None:
    text = """it's "quoted" \\ and ${{ github.sha }} #1"""
    outcome = penstock("new", "--no-input", "-o", tmp_path, *ANSWERS, f"description={text}", "--json")
    assert outcome.code == 0, outcome.err
    from penstock_pipelines.configuration import load

    assert load(tmp_path / "ship-delays/penstock.yaml").description == text


def test_the_source_is_a_folder_of_wheels_or_a_version(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no wheel of Penstock"):
        scaffold.checked_source(str(tmp_path))
    (tmp_path / "penstock-1.0-py3-none-any.whl").touch()
    assert scaffold.checked_source(str(tmp_path)) == str(tmp_path)
    assert scaffold.checked_source("penstock==0.1.0") == "penstock==0.1.0"
    assert (
        scaffold.checked_source("git+https://github.com/acme/penstock@v1") == "git+https://github.com/acme/penstock@v1"
    )
    assert scaffold.installed_source().startswith("penstock==")


def test_without_git_it_says_so(penstock: Penstock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    outcome = penstock("new", "--no-input", "-o", tmp_path, *ANSWERS)
    assert outcome.code == 2
    assert "git is not installed" in outcome.err
    assert (tmp_path / "ship-delays/penstock.yaml").exists()


def test_checkouts_are_registered_beside_each_other(tmp_path: Path) -> None:
    scaffold.register_checkout(tmp_path, "acme/one", Path("/one"))
    scaffold.register_checkout(tmp_path, "acme/two", Path("/two"))
    scaffold.register_checkout(tmp_path, "acme/one", Path("/elsewhere"))
    known = json.loads((tmp_path / "github/repositories.json").read_text())
    assert known == {"acme/one": "/elsewhere", "acme/two": "/two"}
