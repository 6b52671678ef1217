"""The JSON lines that an endpoint's data capture writes, read into a frame.

Source: Amazon SageMaker developer guide, "Data capture": one object a line with `captureData` (`endpointInput`,
`endpointOutput`), `eventMetadata` and `eventVersion` "0".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd


class CaptureError(ValueError):
    """A captured event that cannot be read; the message says which and why."""


def payload(part: dict[str, Any]) -> str:
    """The text that was sent or answered, whatever its encoding in the file."""
    if part["encoding"] == "BASE64":
        return base64.b64decode(part["data"]).decode()
    return str(part["data"])


def rows(part: dict[str, Any]) -> list[list[str] | dict[str, Any]]:
    """The records of one side of an event: lists for CSV, objects for JSON (`{"instances": [...]}` or a list or one)."""
    text = payload(part).strip()
    kind = part.get("observedContentType", "").split(";")[0].strip()
    if kind == "text/csv" or (not kind and part["encoding"] == "CSV"):
        return [line.split(",") for line in text.splitlines() if line.strip()]
    if kind in {"application/json", "application/jsonlines"} or part["encoding"] == "JSON":
        if kind == "application/jsonlines":
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        document = json.loads(text)
        if isinstance(document, dict):
            for key in ("instances", "predictions"):
                if key in document:
                    document = document[key]
                    break
            else:
                document = [document]
        return [record if isinstance(record, dict | list) else [record] for record in document]
    raise CaptureError(f"a payload of type {kind or part['encoding']} cannot be read: use text/csv or application/json")


def named(record: list[Any] | dict[str, Any], names: Sequence[str], side: str) -> dict[str, Any]:
    """One record by column names; a list takes them in order."""
    if isinstance(record, dict):
        return record
    if len(record) != len(names):
        raise CaptureError(f"the {side} has {len(record)} values where the baseline has {len(names)} columns")
    return dict(zip(names, record, strict=True))


def events(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Every captured event of the files, in their order."""
    for file in files:
        for number, line in enumerate(file.read_text().splitlines(), start=1):
            if not line.strip():
                continue
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise CaptureError(f"{file.name}, line {number} is no JSON: {error}") from error


def inference_time(event: dict[str, Any]) -> datetime:
    """When the endpoint answered, with its time zone (UTC)."""
    return datetime.fromisoformat(str(event["eventMetadata"]["inferenceTime"]).replace("Z", "+00:00"))


def read(
    files: Iterable[Path],
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    start: datetime | None = None,
    end: datetime | None = None,
) -> pd.DataFrame:
    """A frame with a row for each prediction: the columns that were asked with, then those that were answered.

    `inputs` and `outputs` name the columns, in the endpoint's order. Only events with `start <= inferenceTime < end`
    count. Numbers are numbers; an empty CSV field is a missing value. Raises CaptureError.
    """
    table: list[dict[str, Any]] = []
    for event in events(files):
        if (start and inference_time(event) < start) or (end and inference_time(event) >= end):
            continue
        data = event["captureData"]
        asked = rows(data["endpointInput"])
        answered = rows(data["endpointOutput"]) if "endpointOutput" in data else [{}] * len(asked)
        if len(asked) != len(answered):
            raise CaptureError(
                f"event {event['eventMetadata']['eventId']}: {len(asked)} asked, {len(answered)} answered"
            )
        table += [
            named(one, inputs, "request") | named(other, outputs, "answer")
            for one, other in zip(asked, answered, strict=True)
        ]
    frame = pd.DataFrame(table, columns=[*inputs, *outputs] if not table else None)
    for name in frame.columns:
        column = frame[name].replace("", None)
        numbers = pd.to_numeric(column, errors="coerce")
        frame[name] = numbers if numbers.notna().sum() == column.notna().sum() else column
    return frame
