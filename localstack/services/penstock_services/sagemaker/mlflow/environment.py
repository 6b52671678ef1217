"""The environment of MLflow's server: made by the kit from its own lock on first use, in a minute or two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

_MODULE = "penstock_cloud.lock_environment"
_lock = threading.Lock()
_made: Path | None = None


class EnvironmentFailedError(Exception):
    """The environment cannot be made here; the text says why and what to do."""


def interpreter() -> Path:
    """The interpreter that has MLflow. Raises EnvironmentFailedError."""
    global _made
    with _lock:
        if _made is None or not _made.exists():
            _made = _make()
        return _made


def _make() -> Path:
    own = os.environ.get("PENSTOCK_PYTHON")
    variables = dict(os.environ)
    if own:
        variables.pop("PYTHONPATH", None)
    command = [own or sys.executable, "-m", _MODULE, "mlflow"]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, cwd="/", check=False)
    try:
        answer = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        message = f"the kit's environments are not at hand: {done.stderr.strip()[-500:]}"
        raise EnvironmentFailedError(message) from None
    if "error" in answer:
        message = f"{answer['error']}: {answer['fix']} {answer.get('detail', '')}".strip()
        raise EnvironmentFailedError(message)
    return Path(answer["python"])
