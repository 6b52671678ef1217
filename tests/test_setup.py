"""The set-up that the two commands do for themselves: `ci/environment.sh`, the locks and the wheel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted(
    [*ROOT.glob("requirements/*.txt"), *ROOT.glob("templates/model/*/requirements/*.txt")], key=lambda path: str(path)
)


def test_there_are_locks() -> None:
    assert {"development.txt", "gateway.txt", "services.txt", "compile.txt"} <= {lock.name for lock in LOCKS}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_lock_pins_hashes_and_names_no_index(lock: Path) -> None:
    text = lock.read_text()
    pinned = re.findall(r"^([A-Za-z0-9_.\[\]-]+)==", text, re.MULTILINE)
    assert pinned
    assert "--index-url" not in text
    assert "://" not in text
    for block in re.split(r"\n(?=[a-z0-9])", text):
        if "==" in block.split("\n")[0]:
            assert "--hash=sha256:" in block, block.split("\n")[0]


def test_setup_is_quiet_and_quick_when_there_is_nothing_to_do() -> None:
    done = subprocess.run(["bash", "ci/environment.sh"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_setup_without_a_fitting_python_says_what_to_do(tmp_path: Path) -> None:
    """A machine with a uv that finds no Python 3.12 or 3.13: cause and remedy, no half-made environment."""
    (tmp_path / "ci").mkdir()
    (tmp_path / "requirements").mkdir()
    for name in ("ci/environment.sh", "requirements/development.txt", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    programs = tmp_path / "programs"
    programs.mkdir()
    uv = programs / "uv"
    uv.write_text('#!/bin/sh\n[ "$1" = "--version" ] && echo "uv 0" && exit 0\nexit 2\n')
    uv.chmod(0o755)
    done = subprocess.run(
        ["bash", "ci/environment.sh"],
        cwd=tmp_path,
        env={"PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "no Python 3.12 or 3.13 was found" in done.stderr
    assert "fix: install Python 3.13" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_wheel_carries_packages_locks_template_and_platform_projects(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    packages = ("infra", "policy", "pipelines", "ci", "cloud", "deploy", "services", "gateway")
    assert {f"penstock_{package}/__init__.py" for package in packages} <= names
    assert {f"penstock_cloud/locks/{name}.txt" for name in ("gateway", "services", "images/analysis")} <= names
    assert "penstock_ci/templates/model/cookiecutter.json" in names
    assert "penstock_infra/projects/foundation/Pulumi.yaml" in names
    assert not [name for name in names if name.startswith("tests/") or "__pycache__" in name]
