"""The environments that stand for AWS's own images: made by the kit on first use, and laid under each job.

Making one takes from seconds to minutes and needs uv and a package index, which are the kit's trade
(``penstock_cloud.image_environments``, run as a command: the services process imports nothing of the kit's other
packages). A job never writes to the environment itself, which is shared: it gets one of its own over it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from penstock_services.execution.framework_images import Choice

Tell = Callable[[str], None]
_MODULE = "penstock_cloud.image_environments"
_ERROR_LINES = 5


class EnvironmentFailedError(Exception):
    """An image's environment cannot be made here; the text says why and what to do."""


@dataclass(frozen=True)
class Made:
    """An environment: its interpreter, that one's version, its lock, and where packages of ours lie."""

    python: Path
    version: str
    lock: str
    packages: dict[str, str]


_made: dict[tuple[tuple[Choice, ...], tuple[str, ...]], Made] = {}
_lock = threading.Lock()


def make(choices: tuple[Choice, ...], packages: tuple[str, ...], tell: Tell) -> Made:
    """The environment for the first choice that can be made here; ``tell`` hears what takes time.

    Raises EnvironmentFailedError.
    """
    with _lock:
        known = _made.get((choices, packages))
    if known is not None and known.python.exists():
        return known
    request = {
        "choices": [{"lock": choice.lock, "pythons": choice.pythons} for choice in choices],
        "packages": packages,
    }
    made = _ask(json.dumps(request), tell)
    with _lock:
        _made[choices, packages] = made
    return made


def _ask(request: str, tell: Tell) -> Made:
    own = os.environ.get("PENSTOCK_PYTHON")
    variables = dict(os.environ)
    if own:
        variables.pop("PYTHONPATH", None)
    process = subprocess.Popen(
        [own or sys.executable, "-m", _MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=variables,
        cwd="/",
    )
    said: list[str] = []
    with process:
        if process.stdin is not None:
            # It may have ended without reading: what it said tells why.
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(request)
                process.stdin.close()
        for line in process.stdout or ():
            try:
                answer = json.loads(line)
            except ValueError:
                said.append(line.rstrip())
                continue
            if "progress" in answer:
                tell(answer["progress"])
            elif "error" in answer:
                detail = "".join(f"\n{each}" for each in answer.get("detail", "").splitlines()[-_ERROR_LINES:])
                message = f"{answer['error']}: {answer['fix']}{detail}"
                raise EnvironmentFailedError(message)
            else:
                return Made(Path(answer["python"]), answer["version"], answer["lock"], answer["packages"])
    message = "\n".join(["the kit's environments are not at hand", *said[-_ERROR_LINES:]])
    raise EnvironmentFailedError(message)


def lay_over(base: Path, own: Path | None, folder: Path, commands: dict[str, list[str]]) -> Path:
    """An environment over ``base`` that a job may write to, as a container may to its file system; its folder of programs.

    ``base`` is the interpreter below, ``own`` a folder with packages of ours (if any), ``commands`` are programs by name. What
    the job installs by pip lies above what the image brings, and goes with the job. Laying it again changes nothing.
    """
    programs = folder / "bin"
    if (folder / "pyvenv.cfg").exists():
        return programs
    environment = base.parent.parent
    packages = next(environment.glob("lib/python3.*/site-packages"))
    site = folder / packages.relative_to(environment)
    site.mkdir(parents=True, exist_ok=True)
    programs.mkdir(parents=True, exist_ok=True)
    (site / "image.pth").write_text("".join(f"{place}\n" for place in (packages, own) if place))
    interpreter = base.resolve()
    for name in ("python", "python3", interpreter.name):
        (programs / name).unlink(missing_ok=True)
        (programs / name).symlink_to(interpreter)
    python = shlex.quote(str(programs / "python"))
    for name, command in {"pip": ["-m", "pip"], "pip3": ["-m", "pip"], **commands}.items():
        script = programs / name
        script.write_text(f'#!/bin/sh\nexec {python} {shlex.join(command)} "$@"\n')
        script.chmod(0o755)
    shutil.copy(environment / "pyvenv.cfg", folder / "pyvenv.cfg")
    return programs
