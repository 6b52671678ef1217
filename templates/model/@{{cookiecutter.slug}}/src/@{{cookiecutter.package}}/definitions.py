"""The repository's own files, wherever the package is: beside it in a checkout, inside it in the image."""

import os
from pathlib import Path

from penstock_pipelines import configuration
from penstock_pipelines.configuration import ModelConfiguration
from penstock_pipelines.features import definition
from penstock_pipelines.features.definition import FeatureGroup

PACKAGE = Path(__file__).resolve().parent
INSTALLED = PACKAGE / "definitions"
CHECKOUT = PACKAGE.parents[1]


def folder() -> Path:
    """Folder that holds penstock.yaml and features/."""
    return INSTALLED if INSTALLED.is_dir() else CHECKOUT


def settings() -> ModelConfiguration:
    """penstock.yaml."""
    return configuration.load(folder())


def model_name() -> str:
    """What the model's things are called in the stack that one works on ($PENSTOCK_STACK, else the local one)."""
    return settings().name_in(os.environ.get("PENSTOCK_STACK") or "local")


def feature_groups() -> dict[str, FeatureGroup]:
    """features/*.yaml by short name."""
    return definition.load(folder() / "features")
