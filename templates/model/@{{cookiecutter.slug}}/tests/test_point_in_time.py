"""No row may know what was not known at its scheduled departure."""

import duckdb
import pandas as pd
import pytest

from @{{ cookiecutter.package }} import dataset, definitions, features, online

GROUPS = sorted(features.GROUPS)


@pytest.mark.parametrize("name", GROUPS)
def test_no_record_is_newer_than_its_flight(rows: pd.DataFrame, name: str) -> None:
    joined = rows[rows[f"{name}_event_time"].notna()]
    assert len(joined) > 0
    assert (joined[f"{name}_event_time"] <= joined["scheduled_at"]).all()


@pytest.mark.parametrize("name", GROUPS)
def test_the_record_is_the_newest_one(connection: duckdb.DuckDBPyConnection, rows: pd.DataFrame, name: str) -> None:
    records = connection.table(features.table(name)).df()
    key = definitions.feature_groups()[name].record_identifier
    for row in rows.sample(30, random_state=2).to_dict("records"):
        before = records[(records[key] == row[key]) & (records["event_time"] <= row["scheduled_at"])]
        expected = before["event_time"].max()
        assert row[f"{name}_event_time"] == expected or (pd.isna(expected) and pd.isna(row[f"{name}_event_time"]))


def test_no_row_sees_its_own_event(connection: duckdb.DuckDBPyConnection, rows: pd.DataFrame) -> None:
    """A change of a flight's own outcome must not change its own inputs."""
    inputs = list(dataset.INPUTS)
    groups = definitions.feature_groups()
    tables = {name: features.table(name) for name in groups}
    for flight_id in rows["flight_id"].sample(5, random_state=3):
        cursor = connection.cursor()
        cursor.execute("CREATE TEMP TABLE departures AS SELECT * FROM main.departures")
        cursor.execute(
            "UPDATE temp.departures SET departure_delay = 999, arrival_delay = 999, late = true, cancelled = false, "
            "departure_known_at = scheduled_at + INTERVAL 1 MINUTE WHERE flight_id = ?",
            [flight_id],
        )
        other = duckdb.connect()
        for table in ("departures", "weather", "planes"):
            frame = cursor.sql(f"SELECT * FROM {'temp' if table == 'departures' else 'main'}.{table}").df()
            other.register("given", frame)
            other.execute(f"CREATE TABLE {table} AS SELECT * FROM given")
        features.compute(other, groups)
        changed = dataset.join(other, "departures", tables, groups)
        before = rows[rows["flight_id"] == flight_id][inputs].iloc[0]
        after = changed[changed["flight_id"] == flight_id][inputs].iloc[0]
        pd.testing.assert_series_equal(before, after, check_names=False)


def test_the_number_and_order_of_flights_do_not_change(
    connection: duckdb.DuckDBPyConnection, rows: pd.DataFrame
) -> None:
    assert rows["flight_id"].tolist() == connection.table("departures").df()["flight_id"].tolist()


def test_a_request_gives_the_row_that_training_saw(connection: duckdb.DuckDBPyConnection, rows: pd.DataFrame) -> None:
    """Rows built from records by key (as the online store answers) equal the offline rows."""
    groups = definitions.feature_groups()
    moment = rows["scheduled_at"].iloc[len(rows) * 2 // 3]
    found = {}
    for name, group in groups.items():
        records = connection.table(features.table(name)).df()
        known = records[records["event_time"] <= moment].sort_values("event_time")
        latest = known.drop_duplicates(group.record_identifier, keep="last")
        latest = latest.astype(object).where(latest.notna(), None)
        latest["event_time"] = pd.to_datetime(latest["event_time"]).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        found[name] = {record[group.record_identifier]: record for record in latest.to_dict("records")}
    offline = dataset.inputs_as_numbers(rows[rows["scheduled_at"] == moment].reset_index(drop=True))
    asked = online.flights(offline[online.ASKED])
    read = {name: [found[name].get(entity, {}) for entity in asked[dataset.KEYS[name]]] for name in groups}
    served = dataset.from_online(asked, read, groups)
    pd.testing.assert_frame_equal(
        offline[list(dataset.INPUTS)], served[list(dataset.INPUTS)], check_dtype=False, check_exact=True
    )
