"""Compiling a repository's pipeline: in the environment that has the SageMaker SDK, never in this one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from penstock_ci.errors import Failure

if TYPE_CHECKING:
    from penstock_ci.repository import Repository


def compile_pipeline(repository: Repository, output: Path, on_progress: Callable[[str], None]) -> None:
    """Write the compiled definition to a file. Equal sources give equal bytes.

    Raises:
        Failure: the repository's pipeline does not compile (its own message is shown).
    """
    from penstock_cloud import environments

    python = environments.ensure("compile", on_progress=on_progress)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAGEMAKER_"))}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [
            str(python),
            "-m",
            "penstock_pipelines.compile",
            "--repository",
            str(repository.root),
            "--output",
            str(output),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise Failure(
            f"the pipeline of {repository.root} does not compile",
            "mend src/*/pipeline.py (its message is above), then: penstock pipeline compile",
            detail="\n".join(lines[-15:]),
        )
