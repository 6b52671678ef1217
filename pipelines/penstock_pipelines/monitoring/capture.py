"""Rows out of an endpoint's data capture: JSON lines with each request and its answer."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from penstock_pipelines.container import rows
from penstock_pipelines.errors import DataError

PREDICTION = "prediction"
HOUR_OF_KEY = re.compile(r"/(\d{4})/(\d{2})/(\d{2})/(\d{2})/[^/]+\.jsonl$")


def keys_of_window(keys: Iterable[str], start: datetime, end: datetime) -> Iterator[str]:
    """Capture files whose hour overlaps the window [start, end), in UTC."""
    for key in keys:
        if found := HOUR_OF_KEY.search(key):
            year, month, day, hour = (int(part) for part in found.groups())
            begins = datetime(year, month, day, hour, tzinfo=UTC)
            if begins < end and begins + timedelta(hours=1) > start:
                yield key


def read(lines: Iterable[str], inputs: Mapping[str, str], start: datetime, end: datetime) -> pd.DataFrame:
    """Inputs and prediction of all rows of the requests that were made in [start, end).

    DataError for a line that is not a capture; requests that the model refused have no answer and are left out.
    """
    frames = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
            moment = datetime.fromisoformat(document["eventMetadata"]["inferenceTime"])
            captured = document["captureData"]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"Line {number} of the capture is not a captured request: {error!r}.") from None
        if not start <= moment < end or "endpointOutput" not in captured:
            continue
        frames.append(_rows(captured, inputs))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[*inputs, PREDICTION])


def _rows(captured: Mapping[str, Any], inputs: Mapping[str, str]) -> pd.DataFrame:
    request, answer = captured["endpointInput"], captured["endpointOutput"]
    frame = rows.read(_data(request).encode(), _type(request), inputs)
    frame[PREDICTION] = rows.read_scores(_data(answer), _type(answer))
    return frame


def _data(part: Mapping[str, Any]) -> str:
    data = str(part["data"])
    return base64.b64decode(data).decode("utf-8") if part.get("encoding") == "BASE64" else data


def _type(part: Mapping[str, Any]) -> str:
    return str(part.get("observedContentType", rows.CSV)).partition(";")[0].strip()
