"""Flights as they are asked about: their columns out of a request, and their features out of the online store."""

from zoneinfo import ZoneInfo

import pandas as pd
from penstock_pipelines.errors import DataError
from penstock_pipelines.features.store import FeatureStore

from @{{ cookiecutter.package }} import dataset, definitions

LOCAL_TIME = ZoneInfo("America/New_York")
"""All three airports of origin keep New York's time."""

ASKED = ["scheduled_at", "origin", "dest", "carrier", "tailnum", "distance"]


def flights(rows: pd.DataFrame) -> pd.DataFrame:
    """Checked flights with the columns that come from the schedule alone.

    DataError names columns that are missing and rows that cannot be read.
    """
    if missing := [column for column in ASKED if column not in rows]:
        raise DataError(f"The flights lack the columns {', '.join(missing)}.", f"Needed: {', '.join(ASKED)}.")
    moments = pd.to_datetime(rows["scheduled_at"], utc=True, errors="coerce")
    if moments.isna().any():
        number = int(moments.isna().to_numpy().argmax())
        value = rows["scheduled_at"].iloc[number]
        raise DataError(f"Row {number + 1}: scheduled_at {value!r} is not a moment.", "Write 2013-09-01T12:30:00Z.")
    distances = pd.to_numeric(rows["distance"], errors="coerce")
    if distances.isna().any():
        number = int(distances.isna().to_numpy().argmax())
        raise DataError(f"Row {number + 1}: distance {rows['distance'].iloc[number]!r} is not a number of miles.")
    local = moments.dt.tz_convert(LOCAL_TIME)
    return rows.assign(
        scheduled_at=moments.dt.tz_localize(None),
        distance=distances.astype("float64"),
        scheduled_minute=local.dt.hour * 60 + local.dt.minute,
        weekday=local.dt.day_of_week + 1,
    ).reset_index(drop=True)


def with_features(asked: pd.DataFrame, store: FeatureStore) -> pd.DataFrame:
    """Flights with the latest features of their airport, airline, aircraft and weather, read by key."""
    groups = definitions.feature_groups()
    known = store.read_online({name: list(asked[dataset.KEYS[name]].dropna()) for name in groups})
    records = {name: [known[name].get(entity, {}) for entity in asked[dataset.KEYS[name]]] for name in groups}
    return dataset.from_online(asked, records, groups)


def already_known(rows: pd.DataFrame) -> int:
    """How many flights were asked about for a moment before the records that the online store holds by now."""
    ages = [f"{name}_age_minutes" for name in definitions.feature_groups()]
    return int((rows[ages] < 0).any(axis=1).sum())
