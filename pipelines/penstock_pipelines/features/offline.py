"""The offline store's layout on S3, as AWS documents it: Parquet partitioned by event time.

Files lie at `<ResolvedOutputS3Uri>/year=YYYY/month=MM/day=DD/hour=HH/<latest event time>_<16 characters>.parquet` and
hold, besides the features, `api_invocation_time`, `write_time` and `is_deleted`. A bulk write puts the records of one day
into one file, in the partition of the day's latest record; queries by event time find all of them, as they read whole
days.

File names come from their content, so that writing the same records again makes the same files and no duplicates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from penstock_pipelines.features.definition import FeatureGroup
from penstock_pipelines.features.records import moment, with_text_event_time

ADDED = ("write_time", "api_invocation_time", "is_deleted")
NAME_LENGTH = 16


@dataclass(frozen=True)
class OfflineFile:
    """One file to write: key below the store's data prefix, and its bytes."""

    key: str
    body: bytes


def files(frame: pd.DataFrame, group: FeatureGroup, written_at: datetime) -> Iterator[OfflineFile]:
    """The files of a bulk write, one per day of event time, in order. `written_at` becomes both write times."""
    shaped = with_text_event_time(frame, group)
    stamp = pd.Timestamp(written_at.astimezone(UTC)).floor("ms")
    shaped = shaped.sort_values([group.event_time, group.record_identifier], kind="stable")
    for _, day in shaped.groupby(shaped[group.event_time].str.slice(0, 10), sort=True):
        latest = moment(day[group.event_time].iloc[-1])
        name = _content_name(day)
        stamped = day.assign(write_time=stamp, api_invocation_time=stamp, is_deleted=False)
        key = f"year={latest:%Y}/month={latest:%m}/day={latest:%d}/hour={latest:%H}/{latest:%Y%m%dT%H%M%SZ}_{name}.parquet"
        yield OfflineFile(key, _parquet(stamped, group))


def latest_writes(frame: pd.DataFrame, group: FeatureGroup) -> pd.DataFrame:
    """One row per entity and event time: the one written last; deleted entities lose what came before the deletion."""
    order = [group.event_time, "api_invocation_time", "write_time"]
    frame = frame.sort_values(order, kind="stable")
    frame = frame.drop_duplicates([group.record_identifier, group.event_time], keep="last")
    deleted = frame[frame["is_deleted"]].groupby(group.record_identifier)[group.event_time].max()
    tombstone = frame[group.record_identifier].map(deleted).astype(object).where(lambda known: known.notna(), "")
    alive = ~frame["is_deleted"] & (frame[group.event_time] > tombstone)
    return frame[alive].drop(columns=list(ADDED)).reset_index(drop=True)


def days(first: datetime, last: datetime) -> set[str]:
    """Partitions of all days from `first` to `last`, both included, as `day_of` names them."""
    return {f"year={d:%Y}/month={d:%m}/day={d:%d}" for d in pd.date_range(first.date(), last.date(), freq="D")}


def day_of(key: str) -> str:
    """The part of a file's key that names its day: `year=YYYY/month=MM/day=DD`."""
    return "/".join(key.split("/")[:3])


def _content_name(day: pd.DataFrame) -> str:
    digest = hashlib.sha256("|".join(day.columns).encode())
    digest.update(pd.util.hash_pandas_object(day, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:NAME_LENGTH]


def _parquet(frame: pd.DataFrame, group: FeatureGroup) -> bytes:
    types = {"String": pa.string(), "Integral": pa.int64(), "Fractional": pa.float64()}
    fields = [pa.field(feature.name, types[feature.type]) for feature in group.features]
    stamp = pa.timestamp("ms", tz="UTC")
    fields += [
        pa.field("write_time", stamp),
        pa.field("api_invocation_time", stamp),
        pa.field("is_deleted", pa.bool_()),
    ]
    table = pa.Table.from_pandas(frame, schema=pa.schema(fields), preserve_index=False)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="snappy")
    content: bytes = sink.getvalue().to_pybytes()
    return content
