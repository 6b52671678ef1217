"""Model repositories rendered from the template."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock_cloud import environments

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "templates" / "model"
TOOLS = ROOT / ".venv" / "bin"

Render = Callable[..., Path]


def cookiecutter(folder: Path, **answers: str) -> subprocess.CompletedProcess[str]:
    """Plain cookiecutter, as a user runs it."""
    command = [str(TOOLS / "cookiecutter"), "--no-input", "--output-dir", str(folder), str(TEMPLATE)]
    command += [f"{name}={value}" for name, value in answers.items()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Renders a repository and returns its folder; equal answers are rendered once."""
    made: dict[tuple[tuple[str, str], ...], Path] = {}

    def rendered(**answers: str) -> Path:
        key = tuple(sorted(answers.items()))
        if key not in made:
            folder = tmp_path_factory.mktemp("rendered")
            result = cookiecutter(folder, **answers)
            assert result.returncode == 0, result.stderr
            (made[key],) = folder.iterdir()
        return made[key]

    return rendered


@pytest.fixture(scope="session")
def compiler() -> Path:
    """The interpreter that has the SageMaker Python SDK."""
    return environments.ensure("compile")
