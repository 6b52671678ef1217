"""The preparation of the abalone pipeline: rows for training and for test."""

from __future__ import annotations

import sys
from pathlib import Path

root = Path(sys.argv[0]).resolve()
while root.name != "processing" and root.parent != root:
    root = root.parent
rows = int(sys.argv[sys.argv.index("--rows") + 1])
for name, start in (("train", 0), ("test", rows)):
    (root / name).mkdir(parents=True, exist_ok=True)
    text = "".join(f"{2 * x},{x}\n" for x in range(start, start + rows))
    (root / name / "data.csv").write_text(text)
