"""Style, types and workflow checks, each the tool itself on the tree as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent


def run(*arguments: str | Path) -> None:
    done = subprocess.run(
        [str(PROGRAMS / str(arguments[0])), *map(str, arguments[1:])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


def test_ruff_check() -> None:
    run("ruff", "check", ".")


def test_ruff_format() -> None:
    run("ruff", "format", "--check", ".")


@pytest.mark.slow
def test_mypy_strict() -> None:
    run("mypy")


WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_our_workflows_against_the_schema() -> None:
    assert WORKFLOWS
    run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)
    run("check-jsonschema", "--builtin-schema", "custom.github-workflows-require-timeout", *WORKFLOWS)


def test_our_workflows_by_zizmor() -> None:
    run("zizmor", "--offline", "--no-progress", ".github")
