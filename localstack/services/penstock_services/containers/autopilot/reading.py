"""Tables as Autopilot takes them: CSV files with a header, or Parquet files, read as texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from penstock_services.containers.autopilot.places import DataError

_GZIP = b"\x1f\x8b"


def files(folder: Path) -> list[Path]:
    """The files of a channel, in order."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def table(folder: Path, *, parquet: bool) -> Any:
    """All files of a channel as one frame of texts, in which what is missing is NaN. Raises DataError."""
    frames: list[Any] = []
    for path in files(folder):
        frame = _parquet(path) if parquet else _csv(path)
        frame.columns = [str(name).strip() for name in frame.columns]
        if frames and list(frame.columns) != list(frames[0].columns):
            message = f"the header of {path.name} is not that of the other files: all files must have the same columns"
            raise DataError(message)
        frames.append(frame)
    whole = pd.concat(frames, ignore_index=True)
    twice = sorted({name for name in whole.columns if list(whole.columns).count(name) > 1})
    if twice:
        message = f"column names must be unique; in the data set more than once: {', '.join(twice)}"
        raise DataError(message)
    return whole


def _csv(path: Path) -> Any:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    try:
        # The header as a row like the others: pandas would rename a name that is there twice.
        rows = pd.read_csv(path, header=None, dtype=str, skipinitialspace=True, compression="gzip" if packed else None)
    except (ValueError, OSError) as error:  # pandas' own errors are ValueErrors
        message = f"{path.name} cannot be read as CSV with a header: {str(error).strip()}"
        raise DataError(message) from error
    names = [f"Unnamed: {place}" if pd.isna(name) else name for place, name in enumerate(rows.iloc[0])]
    return rows.iloc[1:].set_axis(names, axis=1)


def _parquet(path: Path) -> Any:
    try:
        frame = pd.read_parquet(path)
    except (ValueError, OSError) as error:  # pyarrow's own errors are among these
        message = f"{path.name} cannot be read as Parquet: {error}"
        raise DataError(message) from error
    return pd.DataFrame({name: frame[name].map(str, na_action="ignore").astype("str") for name in frame.columns})
