"""What compilation jobs run: a tree model of XGBoost or scikit-learn becomes an ONNX graph that predicts the same.

Run by ``python -m penstock_services.containers.compilation`` in its own environment (requirements/images/compilation.in).
"""

from __future__ import annotations

from pathlib import Path


def inference_file() -> Path:
    """The runtime that goes with each compiled model."""
    return Path(__file__).with_name("inference.py")
