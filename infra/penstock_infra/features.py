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


class Throughput(Settings):
    """Capacity of the online store that is paid by the hour, used or not, in units of one 1-KB write or 4-KB read a second."""

    read: int = Field(ge=1, le=10_000_000, description="read capacity units")
    write: int = Field(ge=1, le=10_000_000, description="write capacity units")


class OnlineStore(Settings):
    """How the latest records are kept.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OnlineStoreConfig.html
    """

    storage: Literal["Standard", "InMemory"] = Field(default="Standard", description="InMemory answers in microseconds")
    ttl_days: int | None = Field(
        default=None, ge=1, le=36_500, description="a record is gone so long after its event time"
    )
    throughput: Throughput | None = Field(default=None, description="provisioned capacity; on demand when left out")

    @model_validator(mode="after")
    def _memory_is_not_provisioned(self) -> Self:
        if self.storage == "InMemory" and self.throughput is not None:
            raise ValueError("throughput is of the Standard storage; leave it out with InMemory")
        return self


class OfflineStore(Settings):
    """How the history is kept on S3."""

    table_format: Literal["Glue", "Iceberg"] = Field(
        default="Glue",
        description="Iceberg compacts small files and takes changes by row; it stays for the group's life",
    )


class FeatureDefinition(Settings):
    """A feature group: its key, its event time, its features, which include both, and its stores.

    A store is on (`true`), off (`false`), or on with settings.
    """

    name: Name
    description: str = Field(default="", max_length=128)
    record_identifier: Name
    event_time: Name
    online: bool | OnlineStore = True
    offline: bool | OfflineStore = True
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

    @property
    def online_store(self) -> OnlineStore | None:
        """The online store's settings; None without one."""
        return (OnlineStore() if self.online is True else self.online) or None

    @property
    def offline_store(self) -> OfflineStore | None:
        """The offline store's settings; None without one."""
        return (OfflineStore() if self.offline is True else self.offline) or None


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
