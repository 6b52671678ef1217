"""Records of the feature groups, checked against sums by hand."""

from pathlib import Path

import duckdb
import ibis
import pandas as pd
import pytest
from penstock_pipelines.errors import ConfigurationError
from penstock_pipelines.features import definition

from @{{ cookiecutter.package }} import definitions, features


def test_every_group_has_an_expression_and_a_definition() -> None:
    assert set(features.GROUPS) == set(definitions.feature_groups())


@pytest.mark.parametrize("name", sorted(features.GROUPS))
def test_records_have_the_defined_columns_and_one_row_a_moment(
    connection: duckdb.DuckDBPyConnection, name: str
) -> None:
    group = definitions.feature_groups()[name]
    records = connection.table(features.table(name)).df()
    assert list(records.columns) == [feature.name for feature in group.features]
    assert len(records) > 0
    assert not records.duplicated([group.record_identifier, group.event_time]).any()
    assert records[group.event_time].notna().all()


def test_the_last_hour_of_an_airport(connection: duckdb.DuckDBPyConnection) -> None:
    departures = connection.table("departures").df()
    records = connection.table(features.table("origin")).df()
    for record in records.sample(20, random_state=1).itertuples():
        known = departures[departures["origin"] == record.origin]
        age = record.event_time - known["departure_known_at"]
        known = known[(age >= pd.Timedelta(0)) & (age <= pd.Timedelta(hours=1))]
        late = known["cancelled"] | (known["departure_delay"] > 15)
        assert record.departures_1h == len(known)
        assert record.late_share_1h == pytest.approx(late.mean())
        assert record.mean_delay_1h == pytest.approx(known["departure_delay"].clip(lower=0).fillna(0).mean())


def test_an_aircraft_remembers_its_last_leg(connection: duckdb.DuckDBPyConnection) -> None:
    departures = connection.table("departures").df().dropna(subset=["arrival_known_at"])
    record = connection.table(features.table("aircraft")).df().sort_values("event_time").iloc[-1]
    last = departures[departures["tailnum"] == record["tailnum"]].sort_values("arrival_known_at").iloc[-1]
    assert record["last_arrival_delay"] == last["arrival_delay"]
    assert record["event_time"] == last["arrival_known_at"]


@pytest.mark.parametrize("name", sorted(features.GROUPS))
def test_the_same_text_is_sql_for_athena(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    backend = ibis.duckdb.from_connection(connection)
    tables = {table: backend.table(table) for table in ("departures", "weather", "planes")}
    assert "SELECT" in ibis.to_sql(features.GROUPS[name](tables), dialect="trino")


def test_a_definition_without_its_event_time_is_refused(tmp_path: Path) -> None:
    file = definitions.folder() / "features" / "origin.yaml"
    text = file.read_text().replace("event_time: event_time", "event_time: moment")
    (tmp_path / "origin.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match="'moment' is not among the features"):
        definition.load(tmp_path)
