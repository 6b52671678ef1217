"""The environment of a server: made by the kit from its own lock on first use, in seconds to minutes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from penstock_services.sagemaker.servers.keeping import StartFailedError

_MODULE = "penstock_cloud.lock_environment"
_lock = threading.Lock()
_made: dict[str, Path] = {}


def interpreter(name: str) -> Path:
    """The interpreter of the environment that the lock ``name`` describes. Raises StartFailedError."""
    with _lock:
        known = _made.get(name)
        if known is None or not known.exists():
            known = _made[name] = _make(name)
        return known


def _make(name: str) -> Path:
    own = os.environ.get("PENSTOCK_PYTHON")
    variables = dict(os.environ)
    if own:
        variables.pop("PYTHONPATH", None)
    command = [own or sys.executable, "-m", _MODULE, name]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, cwd="/", check=False)
    try:
        answer = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        message = f"the kit's environments are not at hand: {done.stderr.strip()[-500:]}"
        raise StartFailedError(message) from None
    if "error" in answer:
        message = f"{answer['error']}: {answer['fix']} {answer.get('detail', '')}".strip()
        raise StartFailedError(message)
    return Path(answer["python"])
