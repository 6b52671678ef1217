"""One step of the pipeline alone, in the repository's own environment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from penstock_ci.errors import UserError

if TYPE_CHECKING:
    from penstock_ci.repository import Repository

JOBS = ("Processing", "Training")
"""Types of steps that run code."""


def run(
    repository: Repository,
    name: str,
    *,
    upstream: bool,
    data: Path | None,
    parameters: list[str],
    stack: str | None,
    as_json: bool,
) -> int:
    """Run the step and return its exit code: 1 when it failed, 2 when it could not begin.

    Raises:
        UserError: the repository has no environment yet.
    """
    command = [str(repository.python), "-m", "penstock_pipelines.step", name, "--repository", str(repository.root)]
    command += ["--upstream"] * upstream + ["--json"] * as_json
    for pair in parameters:
        command += ["--parameter", pair]
    if data is not None:
        command += ["--data", str(data.resolve())]
    done = subprocess.run(command, cwd=repository.root, env=_environment(stack, offline=data is not None), check=False)
    return done.returncode if done.returncode in {0, 2} else 1


def _environment(stack: str | None, *, offline: bool) -> dict[str, str]:
    """The target's, with the platform's outputs, so that inputs can be fetched; this shell's where no platform is up."""
    from penstock_ci import platform
    from penstock_ci.target import resolve

    if offline:
        return dict(os.environ)
    try:
        target = resolve(stack)
        outputs = platform.outputs(target)
    except UserError:
        return dict(os.environ)
    given = {f"PENSTOCK_OUTPUT_{name}": value for name, value in outputs.items() if isinstance(value, str)}
    return target.environment | given
