"""Environments of images: the first lock for which there is an interpreter, and PyTorch without CUDA."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from penstock_cloud import environments, image_environments
from penstock_cloud.errors import CloudError

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
LOCK = """\
numpy==2.0.0 \\
    --hash=sha256:aa
nvidia-cublas-cu12==12.8 ; sys_platform == 'linux' \\
    --hash=sha256:bb
torch==2.6.0 ; python_full_version < '3.14' \\
    --hash=sha256:cc \\
    --hash=sha256:dd
    # via -r x.in
triton==3.2.0 ; sys_platform == 'linux' \\
    --hash=sha256:ee
typing-extensions==4.0 \\
    --hash=sha256:ff
"""


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PENSTOCK_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "locks"
    folder.mkdir()
    monkeypatch.setattr(image_environments, "lock_file", lambda name: folder / f"{Path(name).name}.txt")
    return folder


def test_the_first_choice_that_can_be_made_is_made(locks: Path) -> None:
    (locks / "old.txt").write_text("# nothing\n")
    (locks / "new.txt").write_text("# nothing\n")
    choices = [{"lock": "old", "pythons": ["9.7", "9.8"]}, {"lock": "new", "pythons": ["9.7", HERE]}]
    said: list[dict[str, Any]] = []
    request = {"choices": choices, "packages": ["penstock_cloud"]}
    assert image_environments.answer(request, said.append) == 0
    assert said[0] == {"progress": "installing its libraries (new), once"}
    assert said[1]["lock"] == "new"
    assert said[1]["version"] == HERE
    assert Path(said[1]["python"]).exists()
    assert Path(said[1]["packages"]["penstock_cloud"]) == Path(image_environments.__file__).parent
    said.clear()
    assert image_environments.answer(request, said.append) == 0
    assert len(said) == 1


def test_without_an_interpreter_the_versions_are_named(locks: Path) -> None:
    said: list[dict[str, Any]] = []
    assert image_environments.answer({"choices": [{"lock": "old", "pythons": ["9.7", "9.8"]}]}, said.append) == 1
    assert said[0]["error"] == "it needs a Python of one of the versions 9.7, 9.8"


def test_torch_and_its_cuda_libraries_are_taken_out_of_a_lock(tmp_path: Path) -> None:
    file = tmp_path / "pytorch-2.6.txt"
    file.write_text(LOCK)
    rest, torch = image_environments.without_torch(file)
    assert torch == "torch==2.6.0"
    assert [line.split("==")[0] for line in rest.splitlines() if line and line[0] != " "] == [
        "numpy", "typing-extensions",
    ]  # fmt: skip
    assert "cc" not in rest


def test_pytorch_without_cuda_is_refused_in_words_where_it_is_not_to_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pytorch-2.6.txt"
    file.write_text(LOCK)

    def fails(*arguments: str | Path) -> None:
        assert "--torch-backend" in arguments
        raise CloudError("uv pip failed", "", detail="no route")

    monkeypatch.setattr(image_environments, "run_uv", fails)
    monkeypatch.setattr(image_environments.sys, "platform", "linux")
    monkeypatch.setattr(image_environments.platform, "machine", lambda: "x86_64")
    with pytest.raises(CloudError, match="without CUDA is not to be had here") as caught:
        image_environments.sync(tmp_path / "python", file)
    assert "PENSTOCK_TORCH_BUILD=cuda" in caught.value.fix
    installed: list[Path] = []
    monkeypatch.setattr(image_environments, "install_lock", lambda _python, lock: installed.append(lock))
    monkeypatch.setenv("PENSTOCK_TORCH_BUILD", "cuda")
    image_environments.sync(tmp_path / "python", file)
    assert installed == [file]


def test_our_own_interpreter_is_known_and_a_missing_one_is_none() -> None:
    assert image_environments.interpreter(HERE) == environments.base_interpreter()
    assert image_environments.interpreter("9.7") is None


def test_two_that_need_it_at_once_make_it_once(locks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (locks / "new.txt").write_text("# nothing\n")
    made: list[Path] = []

    def slowly(python: Path, _lock: Path) -> None:
        time.sleep(0.3)
        made.append(python)

    monkeypatch.setattr(image_environments, "sync", slowly)
    told: list[str] = []
    request = [{"lock": "new", "pythons": [HERE]}]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: image_environments.make(request, told.append), range(3)))
    assert len(made) == 1
    assert len({answer["python"] for answer in answers}) == 1
    assert len(told) == 3
