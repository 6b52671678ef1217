"""A job's own environment over a shared one, and what is said when an environment cannot be made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from penstock_services.execution import image_environments, images
from penstock_services.execution.framework_images import Choice


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A shared environment with one package."""
    folder = tmp_path / "base"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "lib" / version / "site-packages"
    site.mkdir(parents=True)
    (site / "shared.py").write_text("WHAT = 'of the image'\n")
    (folder / "bin").mkdir()
    (folder / "bin/python").symlink_to(Path(sys.base_prefix) / "bin" / version)
    (folder / "pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\n")
    return folder / "bin/python"


def run(programs: Path, *command: str) -> str:
    environment = {"PATH": f"{programs}:/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_job_has_the_image_and_what_it_installs_itself(base: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "ours").mkdir(parents=True)
    (own / "ours/__init__.py").write_text("")
    (own / "ours/__main__.py").write_text("import sys; print('ours', sys.argv[1:])")
    first = image_environments.lay_over(base, own, tmp_path / "first", {"serve": ["-m", "ours", "serve"]})
    second = image_environments.lay_over(base, own, tmp_path / "second", {})
    assert image_environments.lay_over(base, own, tmp_path / "first", {}) == first
    assert run(first, "serve", "--now") == "ours ['serve', '--now']"
    site = Path(run(first, "python3", "-c", "import site; print(site.getsitepackages()[0])"))
    assert site.is_relative_to(tmp_path / "first")
    (site / "shared.py").write_text("WHAT = 'of the job'\n")
    for programs, what in ((first, "of the job"), (second, "of the image")):
        assert run(programs, "python", "-c", "import shared; print(shared.WHAT)") == what


def test_the_kit_must_be_at_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'No module named penstock_cloud'\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setenv("PENSTOCK_PYTHON", str(python))
    with pytest.raises(image_environments.EnvironmentFailedError, match="No module named penstock_cloud"):
        image_environments.make((Choice("nothing", "Nothing 1.0", ("3.13",)),), (), print)


def test_what_cannot_be_made_is_an_unknown_image_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    answer = '{"error": "no Python 3.10", "fix": "install one", "detail": ""}'
    python.write_text(f"#!/bin/sh\ncat > /dev/null\necho '{{\"progress\": \"trying\"}}'\necho '{answer}'\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setenv("PENSTOCK_PYTHON", str(python))
    monkeypatch.setattr(image_environments, "_made", {})
    told: list[str] = []
    uri = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.0-1"
    with pytest.raises(images.UnknownImageError, match=r"no Python 3\.10: install one"):
        images.find(tmp_path, uri, told.append)
    assert told == ["Preparing the image: trying"]


def test_an_own_image_is_found_before_all_and_unknown_ones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(images.UnknownImageError, match="penstock build"):
        images.find(tmp_path, f"{'0' * 12}.dkr.ecr.us-east-1.amazonaws.com/models:v1")
    assert not (tmp_path / "images/own").exists()
    assert "PATH" in os.environ
