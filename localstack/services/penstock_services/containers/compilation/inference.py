"""The compiled model's runtime: needs onnxruntime and numpy only.

    from inference import load
    model = load("folder of the unpacked archive")
    model.predict([[1.0, 2.0, ...]])   # {"predictions": array} and, of classifiers of scikit-learn, "probabilities"

Rows are lists of numbers in the order of the model's features; a missing value is None or NaN. From the command line:
``python inference.py FOLDER < rows.csv`` writes a prediction a line.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy
import onnxruntime  # type: ignore[import-not-found,import-untyped,unused-ignore]


class Model:
    """A loaded model. ``manifest`` says what it takes and answers."""

    def __init__(self, folder: str | Path) -> None:
        self.manifest: dict[str, Any] = json.loads((Path(folder) / "manifest.json").read_text())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        path = str(Path(folder) / self.manifest["Model"])
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._outputs = [output["Name"] for output in self.manifest["Outputs"]]

    def predict(self, rows: Any) -> dict[str, Any]:
        """Outputs by name for rows of features."""
        features = numpy.asarray(rows, dtype=numpy.float32)
        return dict(zip(self._outputs, self._session.run(self._outputs, {"features": features}), strict=True))


def load(folder: str | Path) -> Model:
    """The model in the folder of an unpacked archive."""
    return Model(folder)


if __name__ == "__main__":
    lines = [[float(cell) if cell else float("nan") for cell in row] for row in csv.reader(sys.stdin) if row]
    for answer in load(sys.argv[1]).predict(lines)["predictions"].tolist():
        print(json.dumps(answer))
