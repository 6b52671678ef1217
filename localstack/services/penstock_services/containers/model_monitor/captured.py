"""Captured events as rows: those of a time, their two sides, and the truth that a merge job joined to them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from penstock_pipelines.monitoring import capture

Record = dict[str, Any]
SIDES = ("endpointInput", "endpointOutput")
FORMATS = ("sagemakercapturejson", "sagemakermergejson")
TRUTH = "groundTruthData"


class DatasetError(ValueError):
    """A data set that cannot be read; the message says which file and why."""


@dataclass(frozen=True)
class Window:
    """``start <= inferenceTime < end``; None: without that bound."""

    start: datetime | None = None
    end: datetime | None = None

    @classmethod
    def of(cls, start: str | None, end: str | None) -> Window:
        """From the container's ``start_time`` and ``end_time``."""
        return cls(*(datetime.fromisoformat(text) if text else None for text in (start, end)))

    def has(self, event: Record) -> bool:
        """Whether an event falls into it; one that does not say when it happened does."""
        if "inferenceTime" not in event.get("eventMetadata", {}):
            return True
        moment = capture.inference_time(event)
        return (self.start is None or moment >= self.start) and (self.end is None or moment < self.end)


def within(events: Iterable[Record], window: Window) -> Iterator[Record]:
    """The events of the window."""
    return (event for event in events if window.has(event))


def nothing(window: Window) -> DatasetError:
    """The error for a window without events."""
    message = f"Job inputs had no data from {window.start} to {window.end}"
    return DatasetError(message)


def rows(event: Record, sides: Sequence[str]) -> Iterator[Record]:
    """The rows of one event: columns by name, or ``_c0``, ``_c1``... in the order answer, request; the truth last."""
    tables = [
        [_columns(record) for record in capture.rows(event["captureData"][side])]
        for side in sorted(sides, reverse=True)
        if side in event["captureData"]
    ]
    truths = truth(event[TRUTH]) if TRUTH in event else []
    if truths:
        tables.append([{TRUTH: value} for value in truths])
    if len({len(table) for table in tables}) > 1:
        number = event.get("eventMetadata", {}).get("eventId")
        message = f"event {number}: request, answer and truth have different numbers of records"
        raise DatasetError(message)
    for parts in zip(*tables, strict=True):
        row: Record = {}
        for part in parts:
            for key, value in part.items():
                row[f"_c{len(row)}" if isinstance(key, int) else key] = value
        yield row


def truth(part: Record) -> list[Any]:
    """The labels of an event, one for each of its records, from ``{"data": "1", "encoding": "CSV"}``."""
    text = capture.payload(part).strip()
    if part.get("encoding") == "JSON":
        found = json.loads(text)
        return found if isinstance(found, list) else [found]
    return [line.split(",")[0] for line in text.splitlines() if line.strip()]


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with numbers where a column's values are numbers; an empty CSV field is a missing value."""
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column):
            continue
        column = column.replace("", None)
        numbers = pd.to_numeric(column, errors="coerce")
        frame[name] = numbers if numbers.notna().sum() == column.notna().sum() else column
    return frame


def _columns(record: Any) -> dict[Any, Any]:
    return record if isinstance(record, dict) else dict(enumerate(record))
