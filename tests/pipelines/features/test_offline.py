"""The offline store's files."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pandas as pd

from penstock_pipelines.features import offline, records
from penstock_pipelines.features.definition import Feature, FeatureGroup

GROUP = FeatureGroup(
    name="port",
    record_identifier="port",
    event_time="at",
    features=[
        Feature(name="port", type="String"),
        Feature(name="at", type="String"),
        Feature(name="level", type="Fractional"),
        Feature(name="ships", type="Integral"),
    ],
)
FRAME = pd.DataFrame(
    {
        "port": ["HAM", "RTM", "HAM"],
        "at": pd.to_datetime(["2013-01-01 10:15", "2013-01-01 23:59", "2013-01-02 00:00"]),
        "level": [1.5, None, 0.1],
        "ships": [3.0, None, 4.0],
    }
)
NOW = datetime(2026, 11, 21, 5, 0, 0, 123456, tzinfo=UTC)


def frame_of(file: offline.OfflineFile) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(file.body))


def test_one_file_a_day_in_the_partition_of_its_latest_record() -> None:
    first, second = offline.files(FRAME, GROUP, NOW)
    assert first.key.startswith("year=2013/month=01/day=01/hour=23/20130101T235900Z_")
    assert second.key.startswith("year=2013/month=01/day=02/hour=00/20130102T000000Z_")
    assert len(first.key.rsplit("_", 1)[1].removesuffix(".parquet")) == 16


def test_columns_and_types_are_the_stores() -> None:
    table = frame_of(next(iter(offline.files(FRAME, GROUP, NOW))))
    assert list(table.columns) == ["port", "at", "level", "ships", "write_time", "api_invocation_time", "is_deleted"]
    assert table["at"].tolist() == ["2013-01-01T10:15:00Z", "2013-01-01T23:59:00Z"]
    assert table["ships"].tolist()[0] == 3
    assert not table["is_deleted"].any()


def test_equal_records_make_equal_names() -> None:
    names = [file.key for file in offline.files(FRAME, GROUP, NOW)]
    assert names == [file.key for file in offline.files(FRAME.sample(frac=1, random_state=1), GROUP, datetime.now(UTC))]
    changed = [file.key for file in offline.files(FRAME.assign(level=9.0), GROUP, NOW)]
    assert not set(names) & set(changed)


def test_of_records_written_twice_the_last_one_holds_and_a_deletion_hides_what_was_before() -> None:
    rows = [
        ("HAM", "2013-01-01T10:00:00Z", 1.0, 1, False),
        ("HAM", "2013-01-01T10:00:00Z", 2.0, 2, False),
        ("RTM", "2013-01-01T10:00:00Z", 3.0, 1, False),
        ("RTM", "2013-01-01T11:00:00Z", None, 2, True),
        ("RTM", "2013-01-01T12:00:00Z", 4.0, 3, False),
    ]
    frame = pd.DataFrame(rows, columns=["port", "at", "level", "write_time", "is_deleted"]).assign(ships=0)
    frame["api_invocation_time"] = frame["write_time"]
    found = offline.latest_writes(frame, GROUP)
    assert sorted(zip(found["port"], found["level"], strict=True)) == [("HAM", 2.0), ("RTM", 4.0)]


def test_values_survive_the_way_through_text() -> None:
    shaped = records.with_text_event_time(FRAME.assign(level=[0.1 + 0.2, None, 1e-17]), GROUP)
    back = [records.values(record, GROUP) for record in records.from_frame(shaped, GROUP)]
    assert [row["level"] for row in back] == [0.1 + 0.2, None, 1e-17]
    assert [row["ships"] for row in back] == [3, None, 4]
    assert back[0]["at"] == "2013-01-01T10:15:00Z"
