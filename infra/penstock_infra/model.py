"""What infrastructure reads of a model repository's `penstock.yaml`; the rest of the file belongs to the pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import ConfigDict, Field, StringConstraints, ValidationError, model_validator

from penstock_infra.card import CardSettings
from penstock_infra.errors import ConfigurationError, Settings, invalid
from penstock_infra.quality import QualitySettings
from penstock_infra.serving import EndpointSettings, Strategy

__all__ = ["EndpointSettings", "ModelName", "ModelSettings", "PipelineSettings", "Strategy", "read"]

type ModelName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,51}$")]
"""A model's name in a stack (`Placement.model_name`): that of its package group, pipeline and endpoint, and the start of
those of its feature groups."""


class PipelineSettings(Settings):
    """The `pipeline` section, as far as infrastructure goes: where the compiled definition lies."""

    model_config = ConfigDict(extra="ignore")

    definition: str = "pipeline.json"


class ModelSettings(Settings):
    """`penstock.yaml` as infrastructure sees it."""

    model_config = ConfigDict(extra="ignore")

    name: ModelName = Field(max_length=40)
    description: str = Field(default="", max_length=1024)
    owner: str
    cost_center: str
    repository: str = ""
    endpoint: EndpointSettings = EndpointSettings()
    card: CardSettings = CardSettings()
    quality: QualitySettings | None = None
    pipeline: PipelineSettings = PipelineSettings()

    @model_validator(mode="after")
    def _what_is_measured_was_captured(self) -> Self:
        if self.quality and not self.endpoint.model_copy(update={"enabled": True}).captures:
            raise ValueError(
                "quality: is measured of what the endpoint captures: endpoint.data_capture_percent must be above 0, and "
                "endpoint.strategy none of serverless, async and batch, which capture nothing"
            )
        return self


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
