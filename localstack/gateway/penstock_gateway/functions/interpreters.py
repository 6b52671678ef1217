"""Which Python runs a Lambda function, and what it may import beside its own code.

AWS's Python runtimes hold the interpreter and boto3 with what boto3 needs, nothing else. So do these: an interpreter
without site-packages, and a folder with links to the gateway's own boto3, botocore and their requirements, all of them
pure Python and good for either version.
"""

from __future__ import annotations

import functools
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

RUNTIMES = {"python3.12": (3, 12), "python3.13": (3, 13)}
"""The runtimes that are run, and their versions."""

SDK = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
"""What AWS's Python runtimes bring (AWS Lambda developer guide, "Runtime-included SDK versions")."""


@functools.cache
def interpreter(runtime: str) -> tuple[str, str]:
    """An interpreter for `runtime` and its version: of just that version where the machine has one, else the gateway's."""
    own = (sys.version_info.major, sys.version_info.minor)
    wanted = RUNTIMES[runtime]
    version = ".".join(map(str, wanted))
    if wanted != own:
        for candidate in (shutil.which(f"python{version}"), f"/usr/bin/python{version}"):
            if candidate and _runs(candidate, version):
                return candidate, version
    version = ".".join(map(str, own))
    base = Path(sys.base_prefix) / f"bin/python{version}"
    return (str(base) if base.is_file() else sys.executable), version


def _runs(candidate: str, version: str) -> bool:
    """Whether an interpreter starts and is what its name says: one on PATH may be a version manager's shim that fails."""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([candidate, "-c", program], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.strip() == version


def sdk(folder: Path) -> Path:
    """The folder with links to boto3 and what it needs, made below `folder` where it is not there."""
    links = folder / "sdk"
    links.mkdir(parents=True, exist_ok=True)
    for name in SDK:
        specification = importlib.util.find_spec(name)
        if specification is None or specification.origin is None:
            continue
        origin = Path(specification.origin)
        place = origin.parent if specification.submodule_search_locations else origin
        link = links / place.name
        if not link.is_symlink() or link.readlink() != place:
            link.unlink(missing_ok=True)
            link.symlink_to(place)
    return links
