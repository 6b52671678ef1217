"""A small penstock.yaml and a definition to read, for the tests of the pure parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from penstock_pipelines import configuration
from penstock_pipelines.configuration import ModelConfiguration

DOCUMENT: dict[str, Any] = {
    "name": "tides",
    "package": "tides",
    "owner": "harbour",
    "cost_center": "1",
    "repository": "acme/tides",
    "pipeline": {"start": "2013-01-01"},
    "monitor": {"features": ["level"]},
}


@pytest.fixture
def document() -> dict[str, Any]:
    """A valid penstock.yaml as data, free to be spoilt."""
    copy: dict[str, Any] = yaml.safe_load(yaml.safe_dump(DOCUMENT))
    return copy


@pytest.fixture
def settings(tmp_path: Path) -> ModelConfiguration:
    """The valid configuration, read."""
    file = tmp_path / "penstock.yaml"
    file.write_text(yaml.safe_dump(DOCUMENT))
    return configuration.load(file)
