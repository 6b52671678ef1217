"""The model that an image holds: which module it is and what that module must offer.

A model package registers its module in its pyproject.toml:

    [project.entry-points."penstock.model"]
    flight-delays = "flight_delays.model"

so that the commands `train` and `serve` of any image find it without a setting. The functions are those that a data
scientist edits; everything else about SageMaker stays out of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import pandas as pd

from penstock_pipelines.errors import PipelinesError

ENTRY_POINT_GROUP = "penstock.model"
FUNCTIONS = ("train", "save", "load", "predict", "inputs")


@runtime_checkable
class ModelModule(Protocol):
    """What a model's module offers."""

    def train(self, training: pd.DataFrame, hyperparameters: Mapping[str, str]) -> Any:
        """Fit a model to training rows (inputs, label and time). Must be deterministic for a given seed."""

    def save(self, model: Any, folder: Path) -> None:
        """Write the model's files."""

    def load(self, folder: Path) -> Any:
        """Read what `save` wrote."""

    def predict(self, model: Any, rows: pd.DataFrame) -> Sequence[float]:
        """One score per row, in the rows' order."""

    def inputs(self, model: Any) -> Mapping[str, str]:
        """The model's input columns in order, each "number" or "text"."""


def module_name() -> str:
    """Name of the model's module: $PENSTOCK_MODEL, else the only entry point of the installed packages."""
    if name := os.environ.get("PENSTOCK_MODEL"):
        return name
    found = sorted({point.value for point in entry_points(group=ENTRY_POINT_GROUP)})
    if len(found) == 1:
        return found[0]
    if not found:
        raise PipelinesError(
            "No model is installed in this image.",
            f'Add [project.entry-points."{ENTRY_POINT_GROUP}"] to the model\'s pyproject.toml, or set PENSTOCK_MODEL.',
        )
    raise PipelinesError(f"Several models are installed: {', '.join(found)}.", "Choose one with PENSTOCK_MODEL.")


def find() -> ModelModule:
    """The model's module, checked for the functions it must have."""
    name = module_name()
    module = import_module(name)
    missing = [function for function in FUNCTIONS if not callable(getattr(module, function, None))]
    if missing:
        raise PipelinesError(f"{name} lacks the functions {', '.join(missing)} that `train` and `serve` call.")
    return cast(ModelModule, module)
