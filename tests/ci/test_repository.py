"""Finding the model repository one stands in, and projects by name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from penstock_ci import projects, repository
from penstock_ci.errors import UserError


def test_found_from_below(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from penstock_ci.repository import find

    (repository / "src/tides").mkdir(parents=True)
    monkeypatch.chdir(repository / "src/tides")
    assert find().root == repository
    assert find().name == "tides"


def test_outside_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="not in a model repository"):
        repository.find()
    with pytest.raises(UserError, match="no model was named"):
        repository.model_name(None)
    assert repository.model_name("tides") == "tides"
    with pytest.raises(UserError, match="is not a folder"):
        repository.find(tmp_path / "nowhere")


def test_a_wrong_key_gets_the_nearest_one(repository: Path) -> None:
    from penstock_ci.errors import explain
    from penstock_ci.repository import find
    from penstock_pipelines.errors import ConfigurationError

    file = repository / "penstock.yaml"
    file.write_text(file.read_text().replace("owner:", "ownr:"))
    with pytest.raises(ConfigurationError) as caught:
        _ = find().configuration
    explained = explain(caught.value)
    assert explained is not None
    assert explained.exit_code == 2
    assert "did you mean 'owner'?" in explained.message


def test_commit_and_dirt(repository: Path) -> None:
    from penstock_ci.repository import find

    found = find()
    assert found.commit() == ""
    for arguments in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", "first"],
    ):
        subprocess.run(["git", *arguments], cwd=repository, check=True)
    clean = found.commit()
    assert len(clean) == 40
    (repository / "pipeline.json").write_text("{}")
    assert found.commit() == f"{clean}-dirty"


def test_no_environment_yet(repository: Path) -> None:
    from penstock_ci.repository import find

    with pytest.raises(UserError, match=r"no environment") as caught:
        _ = find().python
    assert caught.value.fix == "make it: make setup"


def test_platform_projects_in_order() -> None:
    assert [project.name for project in projects.platform()] == [
        "foundation",
        "datalake",
        "featurestore",
        "training",
        "operations",
    ]
    assert all((project.folder / "Pulumi.yaml").is_file() for project in projects.platform())


def test_projects_by_name_folder_and_default(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert projects.resolve(None).folder == repository / "infra"
    assert projects.resolve("infra").folder == repository / "infra"
    assert projects.resolve(str(repository / "infra")).folder == repository / "infra"
    assert projects.resolve("datalake").folder == projects.platform_folder() / "datalake"
    monkeypatch.chdir(repository / "infra")
    assert projects.resolve("infra").folder == repository / "infra"


@pytest.mark.parametrize(
    ("name", "message"),
    [("datalak", "did you mean 'datalake'?"), (".", "has no Pulumi.yaml"), ("infra", "and this is none")],
)
def test_no_such_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        projects.resolve(name)
    assert message in caught.value.message
    with pytest.raises(UserError, match="no project was named"):
        projects.resolve(None)
