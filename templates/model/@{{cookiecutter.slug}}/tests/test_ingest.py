"""Raw to clean to curated."""

from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest

import synthetic
from @{{ cookiecutter.package }} import ingest


def curated(folder: Path, flights: pd.DataFrame) -> pd.DataFrame:
    """The curated table of raw flights."""
    raw = synthetic.raw_zone(folder / "raw", months=1, days=2)
    flights.to_parquet(raw / "flights" / "year=2013" / "month=01" / "part-0.parquet", index=False)
    connection = ingest.connect()
    ingest.ingest(connection, raw, date(2013, 1, 1), date(2014, 1, 1))
    return connection.table("departures").df().sort_values("flight_id").reset_index(drop=True)


def flight(**changes: object) -> pd.DataFrame:
    """One flight, scheduled at 10:30 UTC."""
    return synthetic.flights("2013-01-01", 1, a_day=1).assign(
        **{
            "hour": 5,
            "minute": 30,
            "time_hour": "2013-01-01T10:00:00Z",
            "dep_delay": 20.0,
            "arr_delay": 16.0,
            "air_time": 100.0,
            **changes,
        }
    )


def test_an_outcome_is_known_after_it_happened(tmp_path: Path) -> None:
    table = curated(tmp_path, flight())
    assert table["scheduled_at"].iloc[0] == pd.Timestamp("2013-01-01 10:30")
    assert table["departure_known_at"].iloc[0] == pd.Timestamp("2013-01-01 10:50")
    assert table["arrival_known_at"].iloc[0] == pd.Timestamp("2013-01-01 14:30")
    assert bool(table["late"].iloc[0])


def test_a_flight_that_left_early_is_known_after_its_schedule_only(tmp_path: Path) -> None:
    table = curated(tmp_path, flight(dep_delay=-10.0))
    assert table["departure_known_at"].iloc[0] == pd.Timestamp("2013-01-01 10:31")


def test_a_cancelled_flight_has_no_label_but_an_outcome(tmp_path: Path) -> None:
    table = curated(tmp_path, flight(dep_delay=float("nan"), arr_delay=float("nan"), air_time=float("nan")))
    assert bool(table["cancelled"].iloc[0])
    assert table["late"].isna().all()
    assert table["departure_known_at"].iloc[0] == pd.Timestamp("2013-01-01 11:30")


def test_fifteen_minutes_are_not_late(tmp_path: Path) -> None:
    assert not bool(curated(tmp_path, flight(arr_delay=15.0))["late"].iloc[0])


def test_a_value_of_a_wrong_type_becomes_null(tmp_path: Path) -> None:
    assert curated(tmp_path, flight(distance="far"))["distance"].isna().all()


def test_a_missing_column_does_not_stop_ingesting(tmp_path: Path) -> None:
    assert len(curated(tmp_path, flight().drop(columns=["distance"]))) == 1


@pytest.mark.parametrize(
    ("first", "until", "months"),
    [
        (date(2013, 1, 1), date(2013, 2, 1), 1),
        (date(2013, 1, 31), date(2013, 2, 2), 2),
        (date(2013, 1, 1), date(2014, 1, 1), 3),
    ],
)
def test_a_window_reads_the_files_of_its_months(raw: Path, first: date, until: date, months: int) -> None:
    assert len(ingest.files_of_window(raw, "flights", first, until)) == months
    assert len(ingest.files_of_window(raw, "planes", first, until)) == 1


def test_no_flight_is_lost(connection: duckdb.DuckDBPyConnection) -> None:
    expected = ingest.flights_of_window(connection, date(2013, 1, 1), date(2013, 4, 1))
    assert connection.table("departures").shape[0] == expected > 0
