"""The example data in the raw zone's form."""

from __future__ import annotations

import io
from typing import Any

import pyarrow.parquet as pq
import pytest

from penstock_ci.demo import source


class Bucket:
    """S3's put_object, kept in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> dict[str, Any]:
        assert Bucket == "raw"
        self.objects[Key] = Body
        return {}


@pytest.fixture(scope="module")
def january() -> Bucket:
    bucket = Bucket()
    assert source.land(bucket, "raw", [1], planes=True) == {"flights": 27004, "weather": 2226, "planes": 3322}
    return bucket


def test_keys_are_partitions(january):
    assert sorted(january.objects) == [
        "flights/year=2013/month=01/part-0.parquet",
        "planes/part-0.parquet",
        "weather/year=2013/month=01/part-0.parquet",
    ]


def test_columns_are_those_of_the_csv(january):
    flights = pq.read_table(io.BytesIO(january.objects["flights/year=2013/month=01/part-0.parquet"]))
    assert {"dep_delay", "arr_delay", "carrier", "tailnum", "origin", "time_hour", "sched_dep_time"} <= set(
        flights.column_names
    )
    assert set(flights.column("month").to_pylist()) == {1}
    assert flights.column("dep_delay").null_count > 0  # cancelled flights have no departure


def test_equal_rows_give_equal_bytes(january):
    again = Bucket()
    source.land(again, "raw", [1])
    key = "flights/year=2013/month=01/part-0.parquet"
    assert again.objects[key] == january.objects[key]


def test_a_sample_keeps_whole_aircraft_and_all_weather():
    whole, part = source.month("flights", 2), source.month("flights", 2, 0.25)
    assert 0.15 < len(part) / len(whole) < 0.35
    for aircraft in part["tailnum"].dropna().unique()[:5]:
        assert (part["tailnum"] == aircraft).sum() == (whole["tailnum"] == aircraft).sum()
    assert len(source.month("weather", 2, 0.25)) == len(source.month("weather", 2))


def test_asked_flights_hold_nothing_that_is_known_later():
    flights = source.asked_flights(9, 1, 20)
    assert len(flights) == 20
    assert set(flights[0]) == {"scheduled_at", "origin", "dest", "carrier", "tailnum", "distance"}
    moments = [flight["scheduled_at"] for flight in flights]
    assert moments == sorted(moments)
    assert moments[0].startswith("2013-09-01T")
    assert moments[0].endswith("Z")
