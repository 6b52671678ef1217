"""Point-in-time joins, against the plain definition of what they must give."""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock_pipelines.errors import DataError
from penstock_pipelines.features import point_in_time
from penstock_pipelines.features.definition import Feature, FeatureGroup

BEGIN = datetime(2013, 1, 1)
GROUP = FeatureGroup(
    name="port",
    record_identifier="port",
    event_time="at",
    features=[
        Feature(name="port", type="String"),
        Feature(name="at", type="String"),
        Feature(name="level", type="Integral"),
    ],
)


def join(rows: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    connection = duckdb.connect()
    connection.register("asked", rows)
    connection.register("known", records)
    return point_in_time.join(connection, "asked", "moment", {"port": "known"}, {"port": GROUP}).df()


def moment(minutes: int) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


times = st.integers(0, 30)
ports = st.sampled_from(["HAM", "RTM", None])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(ports, times), min_size=1, max_size=15),
    st.dictionaries(st.tuples(st.sampled_from(["HAM", "RTM"]), times), st.integers(0, 1000), max_size=15),
)
def test_each_row_gets_the_latest_record_that_is_not_after_it(
    rows: list[tuple[str | None, int]], records: dict[tuple[str, int], int]
) -> None:
    asked = pd.DataFrame(
        {"port": pd.Series([port for port, _ in rows], dtype="string"), "moment": [moment(at) for _, at in rows]}
    )
    known = pd.DataFrame(
        {
            "port": pd.Series([port for port, _ in records], dtype="string"),
            "at": pd.Series([moment(at) for _, at in records], dtype="datetime64[us]"),
            "level": pd.Series(list(records.values()), dtype="int64"),
        }
    )
    joined = join(asked, known)
    assert joined["moment"].tolist() == asked["moment"].tolist()
    for (port, at), found in zip(rows, joined.to_dict("records"), strict=True):
        before = [time for name, time in records if name == port and time <= at]
        if not before:
            assert pd.isna(found["port_level"])
            assert pd.isna(found["port_event_time"])
        else:
            assert found["port_level"] == records[str(port), max(before)]
            assert found["port_event_time"] == moment(max(before))


def test_a_record_at_the_very_moment_counts() -> None:
    rows = pd.DataFrame({"port": ["HAM"], "moment": [BEGIN]})
    records = pd.DataFrame({"port": ["HAM"], "at": ["2013-01-01T00:00:00Z"], "level": [3]})
    assert join(rows, records)["port_level"].tolist() == [3]


def test_two_records_at_one_moment_are_refused() -> None:
    rows = pd.DataFrame({"port": ["HAM"], "moment": [BEGIN]})
    records = pd.DataFrame({"port": ["HAM"] * 2, "at": [BEGIN] * 2, "level": [1, 2]})
    with pytest.raises(DataError, match="2 records of 'HAM'"):
        join(rows, records)
