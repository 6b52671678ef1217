"""Small repositories with workflows."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

CLOUD = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ACCESS_KEY_ID": "000000000000",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "GITHUB_API_URL": "http://127.0.0.1:2",
    "GITHUB_TOKEN": "a-token-of-a-test",
}
MakeRepository = Callable[[dict[str, str]], Path]


@pytest.fixture
def cloud() -> dict[str, str]:
    """The variables of a local cloud that nobody asks anything."""
    return dict(CLOUD)


@pytest.fixture
def make_repository(tmp_path: Path) -> MakeRepository:
    """Makes a git repository of files, with one commit on main."""

    def make(files: dict[str, str]) -> Path:
        folder = tmp_path / "repository"
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for command in (
            ["init", "--quiet", "--initial-branch", "main"],
            ["add", "--all"],
            ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--message", "first"],
        ):
            subprocess.run(["git", *command], cwd=folder, check=True)
        return folder

    return make
