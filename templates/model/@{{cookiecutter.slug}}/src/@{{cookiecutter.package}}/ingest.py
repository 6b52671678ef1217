"""Raw to clean to curated.

Raw tables are files as they landed. Clean tables have the same rows with types and names of our own; a value that is
not of its type becomes null (Validate has the say over raw data, so nothing is lost silently). The curated table
`departures` holds one row per scheduled flight with the moments at which its outcome became known.

All times are UTC; `flight_date` and `scheduled_minute` are local to the airport of origin.
"""

from datetime import date
from pathlib import Path

import duckdb
from penstock_pipelines.calendar import add_months

LATE_MINUTES = 15
CANCELLATION_KNOWN_AFTER = 60
ARRIVAL_KNOWN_AFTER = 120
FASTEST_WIND = 250
"""Miles an hour; a faster wind is a broken sensor and becomes null."""

COLUMNS = {
    "flights": {
        "year": "INTEGER",
        "month": "INTEGER",
        "day": "INTEGER",
        "hour": "INTEGER",
        "minute": "INTEGER",
        "time_hour": "TIMESTAMP",
        "carrier": "VARCHAR",
        "flight": "INTEGER",
        "tailnum": "VARCHAR",
        "origin": "VARCHAR",
        "dest": "VARCHAR",
        "distance": "DOUBLE",
        "dep_delay": "DOUBLE",
        "arr_delay": "DOUBLE",
        "air_time": "DOUBLE",
    },
    "weather": {
        "origin": "VARCHAR",
        "time_hour": "TIMESTAMP",
        "temp": "DOUBLE",
        "humid": "DOUBLE",
        "wind_speed": "DOUBLE",
        "wind_gust": "DOUBLE",
        "precip": "DOUBLE",
        "pressure": "DOUBLE",
        "visib": "DOUBLE",
    },
    "planes": {"tailnum": "VARCHAR", "year": "INTEGER", "seats": "INTEGER"},
}


def connect() -> duckdb.DuckDBPyConnection:
    """A database in memory whose clock is UTC."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def raw_files(folder: Path, table: str) -> list[str]:
    """Parquet files of a raw table, in the order of their names."""
    return [str(file) for file in sorted((folder / table).rglob("*.parquet"))]


def raw(connection: duckdb.DuckDBPyConnection, table: str, files: list[str]) -> None:
    """Makes the view `raw_<table>` of files as they landed."""
    connection.read_parquet(files, union_by_name=True, hive_partitioning=False).create_view(f"raw_{table}")


def clean(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Makes the table `<table>`: our columns of `raw_<table>` with their types; a missing column is null."""
    present = set(connection.table(f"raw_{table}").columns)
    columns = [
        f"TRY_CAST(CAST({name if name in present else 'NULL'} AS VARCHAR) AS {kind}) AS {name}"
        for name, kind in COLUMNS[table].items()
    ]
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT {', '.join(columns)} FROM raw_{table}")
    if table == "weather":
        for column in ("wind_speed", "wind_gust"):
            connection.execute(f"UPDATE weather SET {column} = NULL WHERE {column} > {FASTEST_WIND}")


def curate(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the table `departures` from the clean flights.

    An outcome is known later than it was scheduled: a departure when the flight has left, though never before the
    minute after its schedule (flights that leave early must not know their own fate); a cancellation, of which the data
    hold no time, an hour after the schedule; an arrival two hours after the time in the air, to be behind taxiing.
    """
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE departures AS
        WITH scheduled AS (
            SELECT
                *,
                time_hour + to_minutes(minute) AS scheduled_at,
                try_cast(concat(year, '-', month, '-', day) AS DATE) AS flight_date,
                dep_delay IS NULL AS cancelled
            FROM flights
            WHERE time_hour IS NOT NULL AND origin IS NOT NULL AND carrier IS NOT NULL
        )
        SELECT
            concat_ws('-', strftime(scheduled_at, '%Y%m%dT%H%M'), carrier, flight, origin) AS flight_id,
            flight_date, scheduled_at, origin, dest, carrier, tailnum, distance,
            hour * 60 + minute AS scheduled_minute,
            isodow(flight_date) AS weekday,
            cancelled,
            dep_delay AS departure_delay,
            arr_delay AS arrival_delay,
            arr_delay > {LATE_MINUTES} AS late,
            CASE
                WHEN cancelled THEN scheduled_at + to_minutes({CANCELLATION_KNOWN_AFTER})
                ELSE scheduled_at + to_minutes(CAST(greatest(dep_delay, 1) AS INTEGER))
            END AS departure_known_at,
            scheduled_at + to_minutes(CAST(greatest(dep_delay, 1) + air_time + {ARRIVAL_KNOWN_AFTER} AS INTEGER))
                AS arrival_known_at
        FROM scheduled
        WHERE flight_date IS NOT NULL
        ORDER BY scheduled_at, flight_id
        """
    )


def between(connection: duckdb.DuckDBPyConnection, first: date, until: date) -> None:
    """Keeps the flights of the local days [first, until), and the weather that they may know.

    A local day here ends at 04:00 or 05:00 UTC; an hour's weather is known at its end.
    """
    connection.execute("DELETE FROM departures WHERE flight_date < ? OR flight_date >= ?", [first, until])
    connection.execute(
        "DELETE FROM weather WHERE time_hour < CAST(? AS TIMESTAMP) - INTERVAL 1 DAY "
        "OR time_hour >= CAST(? AS TIMESTAMP) + INTERVAL 4 HOUR",
        [first, until],
    )


def ingest(connection: duckdb.DuckDBPyConnection, folder: Path, first: date, until: date) -> None:
    """Makes the tables `flights`, `weather`, `planes` and `departures` of a folder of raw tables."""
    for table in COLUMNS:
        raw(connection, table, raw_files(folder, table))
        clean(connection, table)
    curate(connection)
    between(connection, first, until)


def files_of_window(folder: Path, table: str, first: date, until: date) -> list[Path]:
    """Files of a raw table that a window reads: the partitions of its months, or all where there are no partitions."""
    months = set()
    month = first.replace(day=1)
    while month < until:
        months.add(f"year={month.year}/month={month.month:02d}")
        month = add_months(month, 1)

    def wanted(file: Path) -> bool:
        name = file.relative_to(folder).as_posix()
        return "year=" not in name or any(part in name for part in months)

    return [file for file in sorted((folder / table).rglob("*.parquet")) if wanted(file)]


def flights_of_window(connection: duckdb.DuckDBPyConnection, first: date, until: date) -> int:
    """How many raw flights (`raw_flights`) the window has."""
    count = connection.execute(
        "SELECT count(*) FROM (SELECT make_date(year::INT, month::INT, day::INT) AS flight_date FROM raw_flights) "
        "WHERE flight_date >= ? AND flight_date < ?",
        [first, until],
    ).fetchone()
    return int(count[0]) if count else 0


def write(connection: duckdb.DuckDBPyConnection, table: str, file: Path) -> None:
    """Writes a table as one Parquet file."""
    connection.table(table).write_parquet(str(file))


def read(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Makes the curated tables `departures`, `weather` and `planes` from a folder that holds them as Parquet."""
    for table in ("departures", "weather", "planes"):
        files = [str(file) for file in sorted((folder / table).glob("*.parquet"))]
        connection.read_parquet(files).create(table)
