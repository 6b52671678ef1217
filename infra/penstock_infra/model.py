"""What infrastructure reads of a model repository's `penstock.yaml`; the rest of the file belongs to the pipeline."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, ValidationError

from penstock_infra.errors import ConfigurationError, Settings, invalid

type ModelName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,39}$")]
"""A model's name is also that of its package group, pipeline and endpoint, and starts those of its feature groups."""


class Strategy(Enum):
    """How a new version takes over from the one before."""

    ALL_AT_ONCE = "all_at_once"
    CANARY = "canary"
    LINEAR = "linear"
    ROLLING = "rolling"
    SHADOW = "shadow"
    AB = "ab"
    BATCH = "batch"
    ASYNC = "async"
    SERVERLESS = "serverless"


SUPPORTED = frozenset({Strategy.ALL_AT_ONCE})


def _supported(strategy: Strategy) -> Strategy:
    if strategy not in SUPPORTED:
        names = ", ".join(sorted(known.value for known in SUPPORTED))
        raise ValueError(f"strategy {strategy.value} is not yet supported; use {names}")
    return strategy


class EndpointSettings(Settings):
    """The `endpoint` section: how the model is served."""

    strategy: Annotated[Strategy, AfterValidator(_supported)] = Strategy.ALL_AT_ONCE
    instance_type: str = Field(default="ml.m5.large", pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")
    instance_count: int = Field(default=1, ge=1, le=100)
    data_capture_percent: int = Field(default=100, ge=0, le=100)


class PipelineSettings(Settings):
    """The `pipeline` section, as far as infrastructure goes: where the compiled definition lies."""

    model_config = ConfigDict(extra="ignore")

    definition: str = "pipeline.json"


class ModelSettings(Settings):
    """`penstock.yaml` as infrastructure sees it."""

    model_config = ConfigDict(extra="ignore")

    name: ModelName
    description: str = Field(default="", max_length=1024)
    owner: str
    cost_center: str
    repository: str = ""
    endpoint: EndpointSettings = EndpointSettings()
    pipeline: PipelineSettings = PipelineSettings()


def read(path: Path) -> ModelSettings:
    """The settings in a file. Raises ConfigurationError that names the file and the field."""
    try:
        content: Any = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path}: cannot be read as YAML: {error}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: must be a mapping (name, owner, cost_center, ...)")
    try:
        return ModelSettings(**content)
    except ValidationError as error:
        raise invalid(path, error) from None
