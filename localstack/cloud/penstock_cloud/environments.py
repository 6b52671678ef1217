"""Python environments from hash-pinned locks, made once per lock and kept in the user's cache.

A lock's environment is `environments/<name>-<digest of the lock>` and holds third-party packages only, so that every
checkout and every installation of Penstock shares it. Our own packages come in by a small environment over it,
`<name>-<digest of the lock>-<digest of their place>`: an interpreter and a path file.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from penstock_cloud.errors import CloudError

OWN_PACKAGES = {
    "gateway": "penstock_gateway",
    "services": "penstock_services",
    "compile": "penstock_pipelines",
}
"""Environment of ours -> the package of ours in it."""

Progress = Callable[[str], None]


def cache_folder() -> Path:
    """$PENSTOCK_CACHE_DIR, else penstock in the user's cache folder."""
    given = os.environ.get("PENSTOCK_CACHE_DIR")
    if given:
        return Path(given).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "penstock"


def lock_file(name: str) -> Path:
    """The lock of an environment of ours: in the wheel beside this file, in a checkout in `requirements/`."""
    here = Path(__file__).resolve().parent
    for folder in (here / "locks", here.parents[2] / "requirements"):
        if (folder / f"{name}.txt").is_file():
            return folder / f"{name}.txt"
    raise CloudError(f"the lock of the environment '{name}' is missing", "install penstock again")


@functools.cache
def find_uv() -> str:
    """A uv that works: the one on PATH (which may be a version manager's shim that fails), else the one of our wheel."""
    candidates = [shutil.which("uv")]
    if importlib.util.find_spec("uv"):
        import uv

        with contextlib.suppress(FileNotFoundError):
            candidates.append(uv.find_uv_bin())
    for candidate in candidates:
        if candidate and subprocess.run([candidate, "--version"], capture_output=True, check=False).returncode == 0:
            return candidate
    raise CloudError("uv was not found", "install it from PyPI: python3 -m pip install uv")


def run_uv(*arguments: str | Path) -> None:
    """Run uv quietly. Raises CloudError with the end of what it said."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(
        [find_uv(), *map(str, arguments)], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        raise CloudError(
            f"uv {arguments[0]} failed (exit code {done.returncode})",
            "see uv's message; a package index must be reachable",
            detail="\n".join(done.stderr.strip().splitlines()[-20:]),
        )


def base_interpreter() -> str:
    """The interpreter below our own virtual environment, which may go away: its path, or else its version.

    Not the version alone: where `python3.13` on PATH is a version manager's shim, uv does not find it from every folder.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    path = Path(sys.base_prefix) / f"bin/python{version}"
    return str(path) if path.is_file() else version


def install_lock(python: Path, lock: Path) -> None:
    """Make the environment of `python` have what a lock lists, and nothing else. Raises CloudError."""
    run_uv("pip", "sync", "--quiet", "--compile-bytecode", "--require-hashes", "--python", python, lock)


def from_lock(
    name: str,
    lock: Path,
    on_progress: Progress | None = None,
    *,
    interpreter: str | None = None,
    install: Callable[[Path, Path], None] = install_lock,
) -> Path:
    """The interpreter of the environment that a lock describes, made if it is not there. Raises CloudError.

    It is made from `interpreter` (our own, if None). Safe to call from several processes at once; a half-made
    environment is made again.
    """
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    folder = cache_folder() / "environments" / f"{name}-{digest}"
    python, complete = folder / "bin/python", folder / ".complete"
    if complete.exists():
        return python
    folder.parent.mkdir(parents=True, exist_ok=True)
    if on_progress:
        # Before the lock: who waits for another process to make it is told the same.
        on_progress(f"making the environment '{name}' from its lock")
    with FileLock(f"{folder}.lock"):
        if complete.exists():
            return python
        run_uv("venv", "--quiet", "--clear", "--python", interpreter or base_interpreter(), folder)
        install(python, lock)
        complete.touch()
    return python


def ensure(name: str, on_progress: Progress | None = None) -> Path:
    """The interpreter of one of our environments (gateway, services, compile), with our own package in it."""
    base = from_lock(name, lock_file(name), on_progress)
    package = OWN_PACKAGES[name]
    specification = importlib.util.find_spec(package)
    if specification is None or not specification.submodule_search_locations:
        raise CloudError(f"the package {package} is missing", "install penstock again")
    place = Path(specification.submodule_search_locations[0]).resolve()
    return over(base.parent.parent, place)


def over(base: Path, package: Path) -> Path:
    """The interpreter of a small environment over `base` that also finds `package`."""
    folder = base.with_name(f"{base.name}-{hashlib.sha256(str(package).encode()).hexdigest()[:8]}")
    python = folder / "bin/python"
    if (folder / ".complete").exists():
        return python
    with FileLock(f"{folder}.lock"):
        if (folder / ".complete").exists():
            return python
        shutil.rmtree(folder, ignore_errors=True)
        packages = next(base.glob("lib/python3.*/site-packages"))
        own = folder / "own"
        site = folder / packages.relative_to(base)
        for made in (own, site, folder / "bin"):
            made.mkdir(parents=True)
        (own / package.name).symlink_to(package)
        (site / "penstock.pth").write_text(f"{packages}\n{own}\n")
        shutil.copy(base / "pyvenv.cfg", folder / "pyvenv.cfg")
        python.symlink_to((base / "bin/python").resolve())
        (folder / ".complete").touch()
    return python
