"""Script mode: run the user's script as the SageMaker training toolkit does.

The script is named by the hyperparameter ``sagemaker_program`` or the variable SAGEMAKER_PROGRAM; its folder by
``sagemaker_submit_directory`` or SAGEMAKER_SUBMIT_DIRECTORY (an S3 archive or a folder), else it is the channel ``code``
or /opt/ml/code. A .py file is run with hyperparameters as arguments, a .sh file by bash, a package is installed and run.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path
from types import FrameType

from penstock_services.containers.framework import paths, source, variables
from penstock_services.containers.framework.failure import ExecuteUserScriptError, UserError
from penstock_services.containers.framework.job import TrainingJob

_SAID = 30
_PORT = 7777
_UNSUPPORTED = {
    "sagemaker_mpi_enabled": "MPI",
    "sagemaker_parameter_server_enabled": "parameter servers",
    "sagemaker_distributed_dataparallel_enabled": "SageMaker's distributed data parallel library",
    "sagemaker_multi_worker_mirrored_strategy_enabled": "MultiWorkerMirroredStrategy",
    "sagemaker_pytorch_xla_multi_worker_enabled": "PyTorch/XLA",
}


def program(job: TrainingJob) -> str | None:
    """The script that the job names, if it names one."""
    own = variables.framework_parameters(job)
    named = own.get("sagemaker_program") or os.environ.get("SAGEMAKER_PROGRAM")
    return str(named) if named else None


def code_folder(job: TrainingJob) -> Path:
    """Where the script is, brought there if need be."""
    own = variables.framework_parameters(job)
    location = own.get("sagemaker_submit_directory") or os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY")
    if location:
        return source.bring(str(location), paths.CODE)
    return job.channel("code") if "code" in job.channels else paths.CODE


def command(script: str, folder: Path, job: TrainingJob) -> list[str]:
    """The command that runs a script with the job's hyperparameters. Raises UserError."""
    words = variables.arguments(variables.user_hyperparameters(job))
    own = variables.framework_parameters(job)
    for name, what in _UNSUPPORTED.items():
        if own.get(name) is True:
            message = f"Penstock's local SageMaker does not run training with {what} ({name})"
            raise UserError(message)
    if script.endswith(".sh"):
        return ["/bin/bash", "-c", f'./{script} "$@"', script, *words]
    if not script.endswith(".py"):
        if not (folder / "setup.py").is_file() and not (folder / "pyproject.toml").is_file():
            message = f"{script} is neither a .py nor a .sh file, and there is no package in {folder}"
            raise UserError(message)
        return [sys.executable, "-m", script, *words]
    if own.get("sagemaker_torch_distributed_enabled") is True or own.get("sagemaker_pytorch_ddp_enabled") is True:
        first, rank = job.hosts[0], job.hosts.index(job.host)
        place = [f"--nnodes={len(job.hosts)}", f"--node_rank={rank}", "--nproc_per_node=1"]
        return [
            sys.executable, "-m", "torch.distributed.run", *place,
            f"--master_addr={first}", f"--master_port={_PORT}", script, *words,
        ]  # fmt: skip
    return [sys.executable, script, *words]


def run(job: TrainingJob, script: str) -> None:
    """Run the script to its end. Raises UserError or ExecuteUserScriptError."""
    folder = code_folder(job)
    if (script.endswith((".py", ".sh"))) and not (folder / script).is_file():
        message = f"the script {script} is not in {folder}"
        raise UserError(message)
    if script.endswith(".sh"):
        (folder / script).chmod(0o755)
    own = variables.framework_parameters(job)
    source.install_requirements(folder, str(own.get("sagemaker_requirements") or "requirements.txt"))
    words = command(script, folder, job)
    if "-m" in words[:2] and words[2] == script:
        _install_package(folder)
    own_variables = variables.training(job, script, str(folder))
    search = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, **own_variables, "PYTHONPATH": os.pathsep.join(search)}
    print("Training Env:", own_variables["SM_TRAINING_ENV"], flush=True)
    print("Invoking script with the following command:\n", " ".join(words), flush=True)
    code, said = execute(words, folder, environment)
    if code:
        text = "\n".join(said).strip()
        message = f'ExitCode {code}\nErrorMessage "{text}"\nCommand "{" ".join(words)}"'
        raise ExecuteUserScriptError(message, code if code > 0 else 128 - code)


def _install_package(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "install", "."], cwd=folder, check=False)
    if done.returncode:
        message = f"pip could not install the package in {folder} (exit code {done.returncode})"
        raise UserError(message)


def execute(words: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, list[str]]:
    """Run a command, its output passed on; its exit code and the end of what it said on standard error.

    SIGTERM goes to the command, and only to it: what it does then is its own affair.
    """
    process = subprocess.Popen(words, cwd=folder, env=environment, stderr=subprocess.PIPE)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        process.send_signal(number)

    before = signal.signal(signal.SIGTERM, pass_on)
    said: deque[str] = deque(maxlen=_SAID)
    try:
        for raw in process.stderr or ():
            line = raw.decode(errors="replace")
            sys.stderr.write(line)
            sys.stderr.flush()
            said.append(line.rstrip())
        return process.wait(), _error_part(list(said))
    finally:
        signal.signal(signal.SIGTERM, before)


def _error_part(lines: list[str]) -> list[str]:
    """What matters of the end of standard error: from the last traceback's error on, else the last lines."""
    for number in range(len(lines) - 1, -1, -1):
        if lines[number].startswith("Traceback (most recent call last)"):
            errors = [line for line in lines[number + 1 :] if line and not line.startswith(" ")]
            return errors or lines[number:]
    return lines[-5:]
