"""Feature definitions: features/<name>.yaml, one file per feature group.

The same files make the feature groups (the repository's Pulumi program reads them) and shape the records that the
pipeline writes, so both always agree.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from penstock_pipelines.configuration import read_yaml
from penstock_pipelines.errors import ConfigurationError
from penstock_pipelines.serving import Section

FeatureType = Literal["String", "Integral", "Fractional"]
RESERVED_NAMES = frozenset({"is_deleted", "write_time", "api_invocation_time"})
FEATURE_PATTERN = r"^[a-zA-Z0-9]([-_]*[a-zA-Z0-9]){0,63}$"


class Feature(Section):
    """One feature of a group."""

    name: Annotated[str, Field(pattern=FEATURE_PATTERN)]
    """Column name; letters, digits, `_` and `-`."""
    type: FeatureType
    """String, Integral (64 bits) or Fractional (double)."""
    description: str = ""
    """What it means, with its unit."""


class Throughput(Section):
    """Provisioned capacity of the online store, in units."""

    read: Annotated[int, Field(ge=1)]
    write: Annotated[int, Field(ge=1)]


class OnlineStore(Section):
    """How the latest records are kept; the infrastructure reads it (`penstock_infra.features`)."""

    storage: Literal["Standard", "InMemory"] = "Standard"
    """InMemory answers in microseconds."""
    ttl_days: Annotated[int, Field(ge=1)] | None = None
    """Days after its event time that a record is gone."""
    throughput: Throughput | None = None
    """Provisioned capacity; on demand without it."""


class OfflineStore(Section):
    """How the history is kept on S3; the infrastructure reads it."""

    table_format: Literal["Glue", "Iceberg"] = "Glue"


class FeatureGroup(Section):
    """One feature group."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=24)]
    """Short name; on AWS the group is `<model>-<name>`."""
    description: str = ""
    """One line for people."""
    record_identifier: str
    """The feature that names the entity."""
    event_time: str
    """The feature that says from when the record is true (String, ISO 8601 in UTC)."""
    online: bool | OnlineStore = True
    """Whether the latest record per entity can be read by key, and how it is kept."""
    offline: bool | OfflineStore = True
    """Whether the history is kept on S3, and how."""
    features: Annotated[list[Feature], Field(min_length=3)]
    """All features, the record identifier and the event time among them."""

    @model_validator(mode="after")
    def _consistent(self) -> FeatureGroup:
        names = [feature.name for feature in self.features]
        if double := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"features named twice: {', '.join(double)}")
        if reserved := sorted(RESERVED_NAMES & set(names)):
            raise ValueError(f"reserved by SageMaker: {', '.join(reserved)}")
        types = {feature.name: feature.type for feature in self.features}
        for role in (self.record_identifier, self.event_time):
            if role not in types:
                raise ValueError(f"{role!r} is not among the features")
        if types[self.event_time] != "String":
            raise ValueError(f"the event time {self.event_time!r} must be a String")
        if not self.online and not self.offline:
            raise ValueError("a group needs at least one of online and offline")
        return self

    @property
    def values(self) -> list[Feature]:
        """The features besides record identifier and event time."""
        return [f for f in self.features if f.name not in (self.record_identifier, self.event_time)]


def load(folder: Path) -> dict[str, FeatureGroup]:
    """All feature groups of a folder by short name; ConfigurationError for a wrong file or a file of another name."""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise ConfigurationError(f"{folder} holds no feature definition.", "Write features/<name>.yaml.")
    groups = {}
    for file in files:
        group = read_yaml(file, FeatureGroup)
        if group.name != file.stem:
            raise ConfigurationError(f"{file} defines {group.name!r}.", f"Name the file {group.name}.yaml.")
        groups[group.name] = group
    return groups
