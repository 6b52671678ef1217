"""Feature definitions: the files `features/<name>.yaml` that pipelines and infrastructure both read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, StringConstraints, ValidationError, model_validator

from penstock_infra.errors import ConfigurationError, Settings, invalid

type Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9]([-_]*[a-zA-Z0-9]){0,63}$")]

RESERVED = frozenset({"is_deleted", "write_time", "api_invocation_time"})
"""Columns that the offline store adds by itself."""


class Feature(Settings):
    """One feature: a 64-bit integer, a double or a string."""

    name: Name
    type: Literal["Integral", "Fractional", "String"]
    description: str = ""

    @model_validator(mode="after")
    def _not_reserved(self) -> Self:
        if self.name in RESERVED:
            raise ValueError(f"{self.name!r} is a column that the offline store writes by itself; choose another name")
        return self


class FeatureDefinition(Settings):
    """A feature group: its key, its event time and its features, which include both."""

    name: Name
    description: str = Field(default="", max_length=128)
    record_identifier: Name
    event_time: Name
    online: bool = True
    offline: bool = True
    features: tuple[Feature, ...] = Field(min_length=2, max_length=2500)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [feature.name for feature in self.features]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"features given twice: {', '.join(twice)}")
        for role, name in (("record_identifier", self.record_identifier), ("event_time", self.event_time)):
            if name not in names:
                raise ValueError(f"{role} {name!r} is not among the features")
        kinds = {feature.name: feature.type for feature in self.features}
        if kinds[self.event_time] not in ("String", "Fractional"):
            raise ValueError(f"event_time {self.event_time!r} must be String (ISO 8601) or Fractional (seconds)")
        if not (self.online or self.offline):
            raise ValueError("a feature group needs the online store, the offline store, or both")
        return self


def read(path: Path) -> FeatureDefinition:
    """The definition in one file. Raises ConfigurationError that names the file."""
    try:
        content: Any = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path}: cannot be read as YAML: {error}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: a feature definition is a mapping (name, record_identifier, features...)")
    try:
        return FeatureDefinition(**content)
    except ValidationError as error:
        raise invalid(path, error) from None


def read_all(directory: Path) -> tuple[FeatureDefinition, ...]:
    """The definitions of all `*.yaml` in a folder, by file name. Raises ConfigurationError on a name used twice."""
    definitions = tuple(read(path) for path in sorted(directory.glob("*.yaml")))
    names = [definition.name for definition in definitions]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"{directory}: two files define the feature group {', '.join(twice)}")
    return definitions
