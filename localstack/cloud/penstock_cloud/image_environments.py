"""Environments that stand for AWS's own images, made when a job first names one.

The services process knows which locks may stand for an image; making environments (uv, interpreters, the cache) is this
package's trade. So it runs ``python -m penstock_cloud.image_environments`` with a JSON request on standard input::

    {"choices": [{"lock": "sklearn-1.2", "pythons": ["3.11", "3.10"]}, ...], "packages": ["penstock_pipelines"]}

and reads JSON lines: ``{"progress": text}`` while it works, at the end ``{"python": path, "version": "3.11",
"lock": "sklearn-1.2", "packages": {name: folder}}`` or ``{"error": text, "fix": text}``. The first choice for which there
is an interpreter is made. ``packages`` are packages of ours that the image's program imports.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from penstock_cloud.environments import base_interpreter, find_uv, from_lock, install_lock, lock_file, run_uv
from penstock_cloud.errors import CloudError

Progress = Callable[[str], None]
TORCH_BUILD = "PENSTOCK_TORCH_BUILD"


@functools.cache
def interpreter(version: str) -> str | None:
    """A Python of that minor version on this machine, or None; none is downloaded."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return base_interpreter()
    command = [find_uv(), "python", "find", "--no-project", "--no-python-downloads", "--system", version]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode == 0:
        return done.stdout.strip()
    # pyenv puts a command for every version that it has on PATH, which fails for those that are not chosen; uv gives up
    # there, so its folder is looked through.
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = sorted(root.glob(f"versions/{version}.*/bin/python{version}"))
    return str(found[-1]) if found else None


def without_torch(lock: Path) -> tuple[str, str]:
    """A lock without torch and the CUDA libraries that it names, and torch's own requirement."""
    kept, torch = [], ""
    for block in re.split(r"\n(?=\S)", lock.read_text()):
        name = re.split(r"[=<>!~ ;\[]", block, maxsplit=1)[0].lower()
        if name == "torch":
            torch = re.split(r"[\s;\\]", block, maxsplit=1)[0]
        elif name != "triton" and not name.startswith(("nvidia-", "cuda-")):
            kept.append(block)
    return "\n".join(kept) + "\n", torch


def install_torch(python: Path, lock: Path) -> None:
    """PyTorch without CUDA, for which the package index alone has no Linux wheels on x86-64; raises CloudError.

    The index's own wheel of a version is 0.9 GB there and needs 3 GB more of CUDA libraries. uv knows where PyTorch
    publishes its CPU builds (``--torch-backend cpu``); they have other digests than the lock, so that torch itself is
    pinned by version only.
    """
    rest, torch = without_torch(lock)
    try:
        run_uv("pip", "install", "--quiet", "--no-deps", "--torch-backend", "cpu", "--python", python, torch)
    except CloudError as error:
        raise CloudError(
            f"{torch} without CUDA is not to be had here: PyPI has it with CUDA only on Linux x86-64, and PyTorch's own "
            "index could not be reached",
            f"let uv reach it, or set {TORCH_BUILD}=cuda to take PyPI's build (4 GB of downloads, it runs on the CPU too)",
            detail=error.detail,
        ) from error
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(rest)
        file.flush()
        run_uv(
            "pip", "install", "--quiet", "--compile-bytecode", "--require-hashes", "--python", python, "-r", file.name
        )


def sync(python: Path, lock: Path) -> None:
    """Install a lock."""
    cuda_only = sys.platform == "linux" and platform.machine() in ("x86_64", "AMD64")
    if lock.stem.startswith("pytorch-") and cuda_only and os.environ.get(TORCH_BUILD) != "cuda":
        install_torch(python, lock)
    else:
        install_lock(python, lock)


def make(choices: list[dict[str, Any]], on_progress: Progress) -> dict[str, str]:
    """The environment of the first choice that can be made here. Raises CloudError."""
    for choice in choices:
        for version in choice["pythons"]:
            path = interpreter(version)
            if path is None:
                continue
            lock = str(choice["lock"])
            python = from_lock(
                f"image-{lock}-python{version}",
                lock_file(f"images/{lock}"),
                lambda _text, name=lock: on_progress(f"installing its libraries ({name}), once"),  # type: ignore[misc]
                interpreter=path,
                install=sync,
            )
            return {"python": str(python), "version": version, "lock": lock}
    wanted = ", ".join(dict.fromkeys(version for choice in choices for version in choice["pythons"]))
    raise CloudError(f"it needs a Python of one of the versions {wanted}", "install one, so that uv finds it")


def package_folder(name: str) -> str:
    """Where a package of ours lies."""
    specification = importlib.util.find_spec(name)
    if specification is None or not specification.submodule_search_locations:
        raise CloudError(f"the package {name} is missing", "install penstock again")
    return str(Path(specification.submodule_search_locations[0]).resolve())


def answer(request: dict[str, Any], say: Callable[[dict[str, Any]], None]) -> int:
    """Do what a request asks; the exit code."""
    try:
        made = make(request["choices"], lambda text: say({"progress": text}))
        say({**made, "packages": {name: package_folder(name) for name in request.get("packages", [])}})
    except CloudError as error:
        say({"error": error.message, "fix": error.fix, "detail": error.detail})
        return 1
    return 0


def main() -> int:
    """Answer the request on standard input."""
    return answer(json.load(sys.stdin), lambda line: print(json.dumps(line), flush=True))


if __name__ == "__main__":
    raise SystemExit(main())
