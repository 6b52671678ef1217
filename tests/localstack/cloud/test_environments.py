"""Environments from locks: made once, shared, made again when half made, with our own package laid over them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from penstock_cloud import environments
from penstock_cloud.errors import CloudError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PENSTOCK_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    file = tmp_path / "empty.txt"
    file.write_text("# nothing pinned\n")
    return file


def test_an_environment_is_made_once_and_a_half_made_one_again(cache: Path, lock: Path) -> None:
    told: list[str] = []
    python = environments.from_lock("empty", lock, told.append)
    assert python.is_relative_to(cache)
    assert environments.from_lock("empty", lock, told.append) == python
    assert told == ["making the environment 'empty' from its lock"]
    (python.parent.parent / ".complete").unlink()
    python.unlink()
    assert environments.from_lock("empty", lock) == python
    done = subprocess.run(
        [python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(part) for part in sys.version_info[:2]]


def test_another_lock_is_another_environment(cache: Path, lock: Path) -> None:
    first = environments.from_lock("empty", lock)
    lock.write_text("# still nothing\n")
    assert environments.from_lock("empty", lock) != first
    assert first.is_relative_to(cache)


def test_a_package_of_ours_lies_over_it(cache: Path, lock: Path, tmp_path: Path) -> None:
    package = tmp_path / "checkout/penstock_thing"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("WHERE = __file__\n")
    base = environments.from_lock("empty", lock)
    python = environments.over(base.parent.parent, package)
    assert python.is_relative_to(cache)
    done = subprocess.run(
        [python, "-c", "import penstock_thing as t; print(t.WHERE)"], capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).resolve() == package / "__init__.py"
    assert subprocess.run([base, "-c", "import penstock_thing"], capture_output=True, check=False).returncode == 1


def test_a_lock_that_cannot_be_installed_shows_uvs_words(cache: Path, lock: Path) -> None:
    lock.write_text(f"no-such-package==1 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(CloudError, match="uv pip failed") as error:
        environments.from_lock("broken", lock)
    assert "no-such-package" in error.value.detail
    assert not list(cache.glob("environments/broken-*/.complete"))
