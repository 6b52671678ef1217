"""The data set of an analysis as one frame: features, label, facets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jmespath
import pandas as pd

from penstock_services.containers.clarify.configuration import Analysis, ConfigurationError

_SKIPPED = (".", "_")


def read(folder: Path, analysis: Analysis) -> pd.DataFrame:
    """Every file of the channel, in the order of their names; ConfigurationError for what cannot be read."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(_SKIPPED))
    if not files:
        message = "the dataset has no files"
        raise ConfigurationError(message)
    try:
        frames = [_file(path, analysis) for path in files]
    except (ValueError, OSError) as error:
        message = f"the dataset cannot be read as {analysis.dataset_type}: {error}"
        raise ConfigurationError(message) from error
    frame = pd.concat(frames, ignore_index=True)
    frame.columns = [str(name) for name in frame.columns]
    for name in [analysis.label, *(facet.name for facet in analysis.facets), analysis.group_variable]:
        if name is not None and name not in frame.columns:
            message = f"the dataset has no column {name!r}; it has {', '.join(frame.columns)}"
            raise ConfigurationError(message)
    return frame


def feature_columns(frame: pd.DataFrame, analysis: Analysis) -> list[str]:
    """What the model is asked with: every column but the label and the excluded ones."""
    left_out = {analysis.label, *analysis.excluded}
    if analysis.raw.get("joinsource_name_or_index") is not None:
        left_out.add(str(analysis.raw["joinsource_name_or_index"]))
    return [name for name in frame.columns if name not in left_out]


def _file(path: Path, analysis: Analysis) -> pd.DataFrame:
    if analysis.dataset_type == "text/csv":
        if analysis.headers is None:
            return pd.read_csv(path)
        rows = _header_rows(path, analysis.headers)
        return pd.read_csv(path, header=None, names=analysis.headers, skiprows=rows)
    if analysis.dataset_type == "application/x-parquet":
        return pd.read_parquet(path)
    if analysis.dataset_type == "application/jsonlines":
        return _records([json.loads(line) for line in path.read_text().splitlines() if line.strip()], analysis)
    if analysis.dataset_type == "application/json":
        document = json.loads(path.read_text())
        found = jmespath.search(analysis.features, document) if analysis.features else document
        return pd.DataFrame(found, columns=analysis.headers)
    message = (
        f"dataset_type {analysis.dataset_type} is not one of text/csv, application/x-parquet, application/jsonlines"
    )
    raise ConfigurationError(message)


def _header_rows(path: Path, headers: list[str]) -> int:
    """1 where the file begins with the headers that the configuration names as well."""
    with path.open() as file:
        first = file.readline().strip().split(",")
    return int([each.strip('" ') for each in first] == headers)


def _records(lines: list[Any], analysis: Analysis) -> pd.DataFrame:
    if analysis.features is None:
        return pd.DataFrame(lines)
    features = [jmespath.search(analysis.features, line) for line in lines]
    names = analysis.headers or [f"feature_{number}" for number in range(len(features[0]))]
    names = [name for name in names if name != analysis.label]
    frame = pd.DataFrame(features, columns=names)
    if analysis.label is not None:
        frame[analysis.label] = [jmespath.search(str(analysis.raw["label"]), line) for line in lines]
    return frame
