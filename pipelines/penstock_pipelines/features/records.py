"""Records as the feature store's APIs take them: a list of names and values, every value a string."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from penstock_pipelines.features.definition import FeatureGroup

Record = list[dict[str, Any]]
Values = dict[str, Any]

EVENT_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def event_time(moment: datetime) -> str:
    """A moment in UTC (naive means UTC) as the text of an event time, with whole seconds."""
    return (moment.astimezone(UTC) if moment.tzinfo else moment).strftime(EVENT_TIME_FORMAT)


def moment(text: str) -> datetime:
    """The naive UTC moment of an event time's text."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def with_text_event_time(frame: pd.DataFrame, group: FeatureGroup) -> pd.DataFrame:
    """The group's columns of a frame, in order, with types as defined and the event time as text."""
    shaped = pd.DataFrame(index=frame.index)
    for feature in group.features:
        column = frame[feature.name]
        if feature.name == group.event_time and column.dtype.kind == "M":
            column = column.dt.strftime(EVENT_TIME_FORMAT)
        if feature.type == "Integral":
            column = column.astype("Int64")
        elif feature.type == "Fractional":
            column = column.astype("float64")
        shaped[feature.name] = column
    return shaped


def from_frame(frame: pd.DataFrame, group: FeatureGroup) -> Iterator[Record]:
    """Records of a frame that has the group's columns; a missing value is a feature without a value."""
    names = [feature.name for feature in group.features]
    for row in frame[names].itertuples(index=False, name=None):
        yield [
            {"FeatureName": name, "ValueAsString": text(value)}
            for name, value in zip(names, row, strict=True)
            if not missing(value)
        ]


def values(record: Record, group: FeatureGroup) -> Values:
    """Typed values of a record; features that it lacks are None."""
    given = {entry["FeatureName"]: entry.get("ValueAsString") for entry in record}
    return {feature.name: _typed(given.get(feature.name), feature.type) for feature in group.features}


def text(value: Any) -> str:
    """A value as the store takes it; a float with all its digits, so that it reads back as the same number."""
    if isinstance(value, float):
        return repr(float(value))
    return str(value)


def missing(value: Any) -> bool:
    """Whether a value stands for no value."""
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _typed(value: str | None, kind: str) -> Any:
    if value is None or value == "":
        return None
    return int(value) if kind == "Integral" else float(value) if kind == "Fractional" else value
