"""The feature groups, as Ibis expressions: the same text runs on DuckDB here and on Athena or Spark on AWS.

Every function takes tables of `ingest` and gives records: the entity, the moment from which the record is true
(`event_time`), and the features. One record per entity and moment.
"""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import ibis
import pandas as pd
from ibis import _
from ibis.expr.types import Table
from penstock_pipelines.features.definition import FeatureGroup

SHORT_HOURS = 1
LONG_HOURS = 3
LOOK_BACK_DAYS = 14
"""How far back a replay looks for the newest record of an aircraft."""
WEATHER_KNOWN_AFTER = ibis.interval(hours=1)


def recent_departures(departures: Table, key: str) -> Table:
    """How punctual the departures of an airport or an airline were over the last hours.

    A record is made whenever an outcome becomes known; the window ends at that moment. Cancellations count as late.
    """
    late = (departures.cancelled | (departures.departure_delay > 15)).cast("int64")
    delay = ibis.greatest(departures.departure_delay, 0).fill_null(0)
    outcomes = departures.select(key, event_time=departures.departure_known_at, late=late, delay=delay)
    moments = outcomes.group_by(key, "event_time").agg(
        departures=_.count(), late=_.late.sum().cast("float64"), delay=_.delay.sum()
    )

    def over(hours: int) -> ibis.expr.builders.WindowBuilder:
        return ibis.trailing_range_window(ibis.interval(hours=hours), group_by=key, order_by="event_time")

    def features(hours: int) -> dict[str, ibis.Value]:
        total = moments.departures.sum().over(over(hours))
        return {
            f"departures_{hours}h": total.cast("int64"),
            f"late_share_{hours}h": moments.late.sum().over(over(hours)) / total,
            f"mean_delay_{hours}h": moments.delay.sum().over(over(hours)) / total,
        }

    return moments.select(key, "event_time", **features(SHORT_HOURS), **features(LONG_HOURS))


def origin(tables: Mapping[str, Table]) -> Table:
    """Punctuality of the airport of origin."""
    return recent_departures(tables["departures"], "origin")


def carrier(tables: Mapping[str, Table]) -> Table:
    """Punctuality of the airline."""
    return recent_departures(tables["departures"], "carrier")


def aircraft(tables: Mapping[str, Table]) -> Table:
    """The aircraft's last leg, known after its arrival, and the aircraft's own age and size."""
    flown = tables["departures"].filter(_.tailnum.notnull() & _.arrival_known_at.notnull())
    legs = flown.group_by("tailnum", event_time=flown.arrival_known_at).agg(
        last_departure_delay=_.departure_delay.max(),
        last_arrival_delay=_.arrival_delay.max(),
        legs=_.count(),
    )
    day = ibis.trailing_range_window(ibis.interval(hours=24), group_by="tailnum", order_by="event_time")
    planes = tables["planes"]
    return (
        legs.mutate(legs_24h=legs.legs.sum().over(day).cast("int64"))
        .left_join(planes, "tailnum")
        .select(
            "tailnum",
            "event_time",
            "last_departure_delay",
            "last_arrival_delay",
            "legs_24h",
            age_years=(_.event_time.year() - _.year).cast("int64"),
            seats=_.seats.cast("int64"),
        )
    )


def weather(tables: Mapping[str, Table]) -> Table:
    """Hourly weather at the airport of origin, known at the end of its hour."""
    return tables["weather"].select(
        "origin",
        "temp",
        "humid",
        "wind_speed",
        "wind_gust",
        "precip",
        "pressure",
        "visib",
        event_time=_.time_hour + WEATHER_KNOWN_AFTER,
    )


GROUPS = {"origin": origin, "carrier": carrier, "aircraft": aircraft, "weather": weather}


def table(group: str) -> str:
    """Name of the table that holds a group's records."""
    return f"records_{group}"


def compute(connection: duckdb.DuckDBPyConnection, groups: Mapping[str, FeatureGroup]) -> None:
    """Makes the table of every feature group from the curated tables, with the columns that its definition has."""
    backend = ibis.duckdb.from_connection(connection)
    curated = {name: backend.table(name) for name in ("departures", "weather", "planes")}
    for name, group in groups.items():
        columns = [feature.name for feature in group.features]
        records = ibis.to_sql(GROUPS[name](curated).select(*columns), dialect="duckdb")
        connection.execute(f"CREATE OR REPLACE TABLE {table(name)} AS {records}")


def write(connection: duckdb.DuckDBPyConnection, folder: Path, groups: Mapping[str, FeatureGroup]) -> dict[str, int]:
    """Computes all groups and writes each to a folder of its name; gives the number of records."""
    compute(connection, groups)
    counts = {}
    for name in groups:
        (folder / name).mkdir(exist_ok=True)
        relation = connection.table(table(name))
        relation.write_parquet(str(folder / name / "part-0.parquet"))
        counts[name] = relation.shape[0]
    return counts


def read(connection: duckdb.DuckDBPyConnection, folder: Path, groups: Mapping[str, FeatureGroup]) -> None:
    """Makes the tables of the feature groups from what `write` left."""
    for name in groups:
        connection.read_parquet([str(file) for file in sorted((folder / name).glob("*.parquet"))]).create(table(name))


def make_table(connection: duckdb.DuckDBPyConnection, name: str, group: FeatureGroup, records: pd.DataFrame) -> None:
    """Makes the table of one feature group from records with event times as text."""
    kinds = {"String": "VARCHAR", "Integral": "BIGINT", "Fractional": "DOUBLE"}
    columns = ", ".join(
        f"CAST({feature.name} AS {'TIMESTAMP' if feature.name == group.event_time else kinds[feature.type]}) "
        f"AS {feature.name}"
        for feature in group.features
    )
    connection.register("given_records", records)
    connection.execute(f"CREATE OR REPLACE TABLE {table(name)} AS SELECT {columns} FROM given_records")
    connection.unregister("given_records")
