"""Make `.venv`: the lock's packages, Penstock, and this repository (editable). Quiet and quick when nothing changed.

The lock's packages are installed and byte-compiled once for each lock, into `${PENSTOCK_CACHE_DIR:-~/.cache/penstock}`,
and hard-linked from there: a fresh checkout (every local workflow run is one) has its environment in a second.
Needs only Python's standard library and uv.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

LOCK = Path("requirements/dev.txt")
ENVIRONMENT = Path(".venv")
STAMP = ENVIRONMENT / ".penstock-setup"


def main() -> None:
    """Read the options, make what is missing."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--source",
        default="",
        help="where Penstock comes from: a folder of wheels, a version, or a git URL; empty: the lock has it",
    )
    source = options.parse_args().source
    if not LOCK.is_file():
        fail(f"{LOCK} is missing", "run this in the repository's root")
    if sys.version_info < (3, 12):
        fail(f"this is Python {platform.python_version()}", "install Python 3.12 or newer")
    wanted = digest(LOCK.read_bytes(), python_identity(), source.encode(), *wheel_facts(source), Path("pyproject.toml").read_bytes())
    here = str(Path.cwd()).encode()
    stamp = digest(wanted.encode(), here)
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == stamp:
        return
    link(cached(digest(LOCK.read_bytes(), python_identity())[:12]))
    install_penstock(source)
    uv("pip", "install", "--no-deps", "--no-build-isolation", "--editable", ".", "--python", str(python(ENVIRONMENT)))
    STAMP.write_text(stamp, encoding="utf-8")


def fail(problem: str, remedy: str) -> None:
    """Say what is wrong and what to do, and end."""
    sys.exit(f"error: {problem}\n  fix: {remedy}")


def digest(*parts: bytes) -> str:
    """One digest of several texts."""
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()


def python_identity() -> bytes:
    """What makes an environment fit for one machine only."""
    return f"{platform.python_version()} {platform.machine()} {sys.platform} {Path(sys.executable).resolve()}".encode()


def wheel_facts(source: str) -> list[bytes]:
    """The wheels of a source that is a folder: rebuilt ones are installed again."""
    if not Path(source).is_dir():
        return []
    wheels = sorted(Path(source).glob("*.whl"))
    if not wheels:
        fail(f"there are no wheels in {source}", "build them, or set PENSTOCK_SOURCE to a version")
    return [wheel.name.encode() + wheel.read_bytes() for wheel in wheels]


def python(environment: Path) -> Path:
    """The interpreter of an environment."""
    return environment / "bin" / "python"


def uv(*arguments: str) -> None:
    """Run uv; its own message explains a failure."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    finished = subprocess.run(["uv", *arguments, "--quiet"], check=False, env=environment)
    if finished.returncode:
        sys.exit(finished.returncode)


def cached(key: str) -> Path:
    """The environment of the lock's packages alone, made at the first need."""
    home = os.environ.get("PENSTOCK_CACHE_DIR") or str(Path.home() / ".cache" / "penstock")
    folder = Path(home) / "repositories"
    folder.mkdir(parents=True, exist_ok=True)
    environment = folder / key
    with (folder / f"{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not environment.is_dir():
            print(f"making the environment of {LOCK} (once for each lock)", flush=True)
            making = folder / f"{key}.part"
            shutil.rmtree(making, ignore_errors=True)
            uv("venv", "--relocatable", "--python", str(Path(sys.executable).resolve()), str(making))
            uv("pip", "sync", "--compile-bytecode", "--python", str(python(making)), str(LOCK))
            making.rename(environment)
    return environment


def link(environment: Path) -> None:
    """`.venv` as hard links to the cached files; a copy where the file system cannot link."""
    if ENVIRONMENT.is_symlink() or ENVIRONMENT.is_file():
        ENVIRONMENT.unlink()
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)

    def place(source: str, target: str) -> str:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)
        return target

    shutil.copytree(environment, ENVIRONMENT, symlinks=True, copy_function=place)


def install_penstock(source: str) -> None:
    """Penstock itself; its dependencies are in the lock."""
    common = ["pip", "install", "--no-deps", "--compile-bytecode", "--python", str(python(ENVIRONMENT))]
    if not source:
        return
    if Path(source).is_dir():
        uv(*common, "--no-index", "--find-links", source, "--refresh-package", "penstock", "--reinstall-package", "penstock", "penstock")
    elif "://" in source or source.startswith("git+"):
        uv(*common, f"penstock @ {source}")
    else:
        uv(*common, f"penstock=={source}")


if __name__ == "__main__":
    main()
