"""Where the container contract's files are: below /opt/ml, or below SAGEMAKER_BASE_DIR where that is set."""

from __future__ import annotations

import os
from pathlib import Path

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR") or "/opt/ml")
INPUT = BASE / "input"
CONFIG = INPUT / "config"
DATA = INPUT / "data"
CODE = BASE / "code"
MODEL = BASE / "model"
OUTPUT = BASE / "output"
OUTPUT_DATA = OUTPUT / "data"
INTERMEDIATE = OUTPUT / "intermediate"
FAILURE = OUTPUT / "failure"
MESSAGE = OUTPUT / "message"
CHECKPOINTS = BASE / "checkpoints"
