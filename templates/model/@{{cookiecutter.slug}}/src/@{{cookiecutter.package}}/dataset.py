"""Rows of the model: flights joined with what was known at their scheduled departure.

The same functions make the rows of training, of evaluation, of a replay and of a request, so they cannot differ: what
comes from the feature store is named `<group>_<feature>`, and `add_on_demand` adds what only the moment of the request
tells.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import pandas as pd
from penstock_pipelines.features import point_in_time
from penstock_pipelines.features.definition import FeatureGroup

MOMENT = "scheduled_at"
LABEL = "late"
KEYS = {"origin": "origin", "carrier": "carrier", "aircraft": "tailnum", "weather": "origin"}
"""Feature groups and the column of a flight that names their entity."""

INPUTS = {
    "origin": "text",
    "carrier": "text",
    "scheduled_minute": "number",
    "weekday": "number",
    "distance": "number",
    "origin_departures_1h": "number",
    "origin_late_share_1h": "number",
    "origin_mean_delay_1h": "number",
    "origin_departures_3h": "number",
    "origin_late_share_3h": "number",
    "origin_mean_delay_3h": "number",
    "origin_age_minutes": "number",
    "carrier_departures_1h": "number",
    "carrier_late_share_1h": "number",
    "carrier_mean_delay_1h": "number",
    "carrier_departures_3h": "number",
    "carrier_late_share_3h": "number",
    "carrier_mean_delay_3h": "number",
    "carrier_age_minutes": "number",
    "aircraft_last_departure_delay": "number",
    "aircraft_last_arrival_delay": "number",
    "aircraft_legs_24h": "number",
    "aircraft_age_years": "number",
    "aircraft_seats": "number",
    "aircraft_age_minutes": "number",
    "weather_temp": "number",
    "weather_humid": "number",
    "weather_wind_speed": "number",
    "weather_wind_gust": "number",
    "weather_precip": "number",
    "weather_pressure": "number",
    "weather_visib": "number",
}
"""The model's inputs in their order, and their kinds."""

FLIGHT_COLUMNS = [
    "flight_id",
    "flight_date",
    "scheduled_at",
    "origin",
    "dest",
    "carrier",
    "tailnum",
    "distance",
    "scheduled_minute",
    "weekday",
]


def join(
    connection: duckdb.DuckDBPyConnection,
    flights: str,
    tables: Mapping[str, str],
    groups: Mapping[str, FeatureGroup],
) -> pd.DataFrame:
    """Flights of a table with all features as known at their scheduled departure, and those on demand."""
    joined = point_in_time.join(connection, flights, MOMENT, tables, groups).df()
    return add_on_demand(joined, list(tables))


def add_on_demand(rows: pd.DataFrame, groups: list[str]) -> pd.DataFrame:
    """Adds `<group>_age_minutes`: how old the group's record was at the scheduled departure."""
    ages = {
        f"{group}_age_minutes": (pd.to_datetime(rows[MOMENT]) - pd.to_datetime(rows[f"{group}_event_time"]))
        / pd.Timedelta(minutes=1)
        for group in groups
    }
    return rows.assign(**ages)


def from_online(
    flights: pd.DataFrame,
    found: Mapping[str, Sequence[Mapping[str, Any]]],
    groups: Mapping[str, FeatureGroup],
) -> pd.DataFrame:
    """Flights with the features of records read by key, and those on demand.

    `found` has one record per flight for each group, an empty one where the online store knows nothing.
    """
    columns: dict[str, list[Any]] = {}
    for name, group in groups.items():
        records = found[name]
        event_times = [record.get(group.event_time) for record in records]
        columns[f"{name}_event_time"] = [None if t is None else pd.Timestamp(t).tz_localize(None) for t in event_times]
        for feature in group.values:
            columns[f"{name}_{feature.name}"] = [record.get(feature.name) for record in records]
    rows = pd.concat([flights.reset_index(drop=True), pd.DataFrame(columns)], axis=1)
    return inputs_as_numbers(add_on_demand(rows, list(groups)))


def inputs_as_numbers(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows whose number inputs are floats (a missing value is NaN), whichever way they were read."""
    numbers = [name for name, kind in INPUTS.items() if kind == "number"]
    return rows.assign(**{name: pd.to_numeric(rows[name]).astype("float64") for name in numbers})


def examples(rows: pd.DataFrame, first: date, until: date) -> pd.DataFrame:
    """Rows with a known label of the local days [first, until), in the order of their schedule.

    Cancelled and diverted flights have no arrival, so they teach nothing here; they still count in the features.
    """
    days = pd.to_datetime(rows["flight_date"])
    chosen = rows[(days >= pd.Timestamp(first)) & (days < pd.Timestamp(until)) & rows[LABEL].notna()]
    chosen = inputs_as_numbers(chosen.sort_values([MOMENT, "flight_id"], kind="stable").reset_index(drop=True))
    return chosen[["flight_id", MOMENT, *INPUTS, LABEL]].astype({LABEL: "int64"})


def sample(rows: pd.DataFrame, fraction: float, seed: int) -> pd.DataFrame:
    """A seeded share of the rows, in their order; all rows for 1.0."""
    return rows if fraction >= 1 else rows.sample(frac=fraction, random_state=seed).sort_index()
