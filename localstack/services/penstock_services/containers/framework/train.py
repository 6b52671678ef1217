"""``train``: the user's script where the job names one, else the image's algorithm."""

from __future__ import annotations

import os
import subprocess
import sys

from penstock_services.containers.framework import job as jobs
from penstock_services.containers.framework import paths, script_mode
from penstock_services.containers.framework.failure import ExecuteUserScriptError, UserError


def train(arguments: list[str]) -> None:
    """Train as the job says. Raises ContainerError."""
    for folder in (paths.MODEL, paths.OUTPUT_DATA):
        folder.mkdir(parents=True, exist_ok=True)
    if arguments:
        done = subprocess.run([sys.executable, *arguments], check=False)
        if done.returncode:
            message = f"{' '.join(arguments)} ended with exit code {done.returncode}"
            raise ExecuteUserScriptError(message, done.returncode)
        return
    job = jobs.read()
    script = script_mode.program(job)
    if script:
        script_mode.run(job, script)
    elif os.environ.get("PENSTOCK_FRAMEWORK") == "xgboost":
        from penstock_services.containers.framework.xgboost_algorithm.training import train as train_xgboost

        train_xgboost(job)
    else:
        message = (
            "the job names no script: set the hyperparameter sagemaker_program (and sagemaker_submit_directory), or the "
            "variable SAGEMAKER_PROGRAM"
        )
        raise UserError(message)
