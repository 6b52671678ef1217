"""The evaluation of the abalone pipeline."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

root = Path(sys.argv[0]).resolve()
while root.name != "processing" and root.parent != root:
    root = root.parent
(root / "evaluation").mkdir(parents=True, exist_ok=True)
report = {"regression_metrics": {"mse": {"value": 4.5, "standard_deviation": 2.1}}, "model": os.environ["MODEL"]}
(root / "evaluation" / "evaluation.json").write_text(json.dumps(report))
