"""The data set that a Model Monitor container is to look at, read into one frame."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from penstock_pipelines.monitoring import capture
from penstock_services.containers.model_monitor import captured
from penstock_services.containers.model_monitor.captured import DatasetError, Window

__all__ = ["DatasetError", "Preprocessor", "Window", "read"]
Record = dict[str, Any]
Preprocessor = Callable[[Any], Any]
_NOT_DATA = (".", "_")


def read(
    source: Path, dataset_format: Record, preprocess: Preprocessor | None = None, window: Window | None = None
) -> pd.DataFrame:
    """One frame of all files below ``source``, which lie there as ``dataset_format`` says.

    ``dataset_format`` is the container's ``dataset_format``: one key, ``csv`` (``header``), ``json`` (``lines``),
    ``parquet``, ``sagemakerCaptureJson`` or ``sagemakerMergeJson`` (``captureIndexNames``), in either casing that AWS's
    clients send. ``preprocess`` is the record preprocessor: it gets each captured event or record, and answers the
    columns. Of captured events only those of the ``window`` count.
    """
    files = sorted(path for path in source.rglob("*") if path.is_file() and not path.name.startswith(_NOT_DATA))
    if not files:
        message = f"there are no files in {source}"
        raise DatasetError(message)
    name, options = _chosen(dataset_format)
    if name in captured.FORMATS:
        return _captured(files, options, preprocess, window or Window())
    frames = [_file(path, name, options) for path in files]
    frame = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    if preprocess is not None:
        records: list[Record] = [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
        frame = pd.DataFrame([row for record in records for row in _preprocessed(preprocess, record)])
    return frame


def _chosen(dataset_format: Record) -> tuple[str, Record]:
    if len(dataset_format) != 1:
        message = f"dataset_format must name one format, not {sorted(dataset_format)}"
        raise DatasetError(message)
    ((name, options),) = dataset_format.items()
    return name.lower(), {key.lower(): value for key, value in (options or {}).items()}


def _file(path: Path, name: str, options: Record) -> pd.DataFrame:
    try:
        if name == "csv":
            frame = pd.read_csv(path, header=0 if options.get("header", True) else None)
            return frame if options.get("header", True) else frame.rename(columns=lambda number: f"_c{number}")
        if name == "json":
            lines = options.get("lines", options.get("line", True))
            return pd.json_normalize(_documents(path.read_text(), lines=bool(lines)))
        if name == "parquet":
            return pd.read_parquet(path)
    except (ValueError, OSError) as error:
        message = f"{path.name} cannot be read as {name}: {error}"
        raise DatasetError(message) from error
    message = f"dataset_format {name!r} is not one of csv, json, parquet, sagemakerCaptureJson, sagemakerMergeJson"
    raise DatasetError(message)


def _documents(text: str, *, lines: bool) -> list[Record]:
    if lines:
        return [json.loads(line) for line in io.StringIO(text) if line.strip()]
    document = json.loads(text)
    return document if isinstance(document, list) else [document]


def _captured(files: list[Path], options: Record, preprocess: Preprocessor | None, window: Window) -> pd.DataFrame:
    """Captured traffic: the answer's columns first, then the request's, as Model Monitor orders them; last the truth."""
    sides = options.get("captureindexnames") or list(captured.SIDES)
    rows: list[Record] = []
    for event in captured.within(capture.events(files), window):
        rows.extend(captured.rows(event, sides) if preprocess is None else _preprocessed(preprocess, event))
    if not rows:
        raise captured.nothing(window)
    return captured.typed(pd.DataFrame(rows))


def _preprocessed(preprocess: Preprocessor, record: Any) -> list[Record]:
    """What the user's function made of one record: a list of values, an object, or several objects."""
    made = preprocess(record)
    if made is None:
        return []
    if isinstance(made, dict):
        return [made]
    if made and isinstance(made, list) and isinstance(made[0], dict):
        return made
    return [{f"_c{number}": value for number, value in enumerate(made)}]
