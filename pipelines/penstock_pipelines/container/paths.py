"""Folders of SageMaker's container contract.

Everything lies under /opt/ml. Where a machine cannot give a job its own /opt/ml, the platform names another root in
$SAGEMAKER_BASE_DIR (as AWS's own training toolkit understands it), and the same layout lies there.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = "/opt/ml"
PROCESSING_INPUT = f"{ROOT}/processing/input"
PROCESSING_OUTPUT = f"{ROOT}/processing/output"


def base() -> Path:
    """The root of this job's folders."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR") or ROOT)


def resolve(path: str | Path) -> Path:
    """A path of the contract (`/opt/ml/...`) as it is on this machine; other paths stay as they are."""
    try:
        return base() / Path(path).relative_to(ROOT)
    except ValueError:
        return Path(path)


def processing_input(name: str) -> Path:
    """Folder of a processing input."""
    return resolve(f"{PROCESSING_INPUT}/{name}")


def processing_output(name: str) -> Path:
    """Folder of a processing output, made if it is not there."""
    folder = resolve(f"{PROCESSING_OUTPUT}/{name}")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def channel(name: str) -> Path:
    """Folder of a training channel."""
    return base() / "input" / "data" / name


def configuration(name: str) -> Path:
    """A training job's configuration file, e.g. `hyperparameters`."""
    return base() / "input" / "config" / f"{name}.json"


def model() -> Path:
    """Where training leaves the model and serving finds it."""
    return base() / "model"


def output() -> Path:
    """Where the failure reason, the message and other outputs of a job go."""
    return base() / "output"
