"""Replay past flights, each with what was known at its scheduled departure.

    python -m @{{ cookiecutter.package }}.replay --from 2013-09-01 --to 2013-11-01 --endpoint NAME
    python -m @{{ cookiecutter.package }}.replay --from 2013-08-24 --to 2013-08-26 --check-online

The first sends a seeded sample of the window's flights to an endpoint, in the order of their schedule; the features are
computed from the raw zone as the pipeline does it. The second proves that serving sees what training saw: it puts the
offline store's records into online groups of its own in the order of their event times, reads the features of each
flight by key at its moment, and compares them with the flight's offline point-in-time row.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from botocore.exceptions import BotoCoreError, ClientError
from penstock_pipelines import errors, lake
from penstock_pipelines.errors import DataError, PipelinesError
from penstock_pipelines.features import records as wire
from penstock_pipelines.features.store import FeatureStore

from @{{ cookiecutter.package }} import dataset, definitions, features, ingest, predict

PROGRAM = "@{{ cookiecutter.package }}.replay"
CREATED_WITHIN_SECONDS = 120


@dataclass(frozen=True)
class Event:
    """A record that becomes known; `group` is the physical feature group."""

    event_time: str
    group: str
    entity: str
    record: wire.Record


def download(bucket: str, first: date, until: date, folder: Path) -> None:
    """Copies the raw tables that a window and the days before it need."""
    months = pd.period_range(first - timedelta(days=features.LOOK_BACK_DAYS), until - timedelta(days=1), freq="M")
    lake.download(f"s3://{bucket}/planes/", folder / "planes")
    for table in ("flights", "weather"):
        for month in months:
            partition = f"{table}/year={month.year}/month={month.month:02d}"
            try:
                lake.download(f"s3://{bucket}/{partition}/", folder / partition)
            except DataError:
                if month >= pd.Period(first, freq="M"):
                    raise


def flights_of(connection: duckdb.DuckDBPyConnection, first: date, until: date) -> None:
    """Makes the table `replayed`: the flights of the window whose outcome is known."""
    connection.execute(
        "CREATE OR REPLACE TABLE replayed AS SELECT * FROM departures "
        "WHERE flight_date >= ? AND flight_date < ? AND late IS NOT NULL ORDER BY scheduled_at, flight_id",
        [first, until],
    )


def point_in_time_rows(raw_bucket: str, first: date, until: date) -> pd.DataFrame:
    """Rows of the window's flights, computed from the raw zone."""
    groups = definitions.feature_groups()
    connection = ingest.connect()
    with tempfile.TemporaryDirectory() as name:
        download(raw_bucket, first, until, Path(name))
        ingest.ingest(connection, Path(name), first - timedelta(days=features.LOOK_BACK_DAYS), until)
    features.compute(connection, groups)
    flights_of(connection, first, until)
    rows = dataset.join(connection, "replayed", {group: features.table(group) for group in groups}, groups)
    return dataset.examples(rows, first, until)


def chosen(rows: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """A seeded sample of the rows, in the order of their schedule."""
    if not len(rows):
        raise DataError("The window has no flight.")
    return rows.sample(n=min(count, len(rows)), random_state=seed).sort_index().reset_index(drop=True)


@contextmanager
def scratch_groups(store: FeatureStore) -> Iterator[dict[str, str]]:
    """Online feature groups for one check, removed at its end; short name to physical name."""
    suffix = f"check-{os.getpid()}-{int(time.time())}"
    names = {name: f"{store.physical_name(name)}-{suffix}" for name in store.groups}
    made: list[str] = []
    try:
        for short, name in names.items():
            group = store.groups[short]
            store.sagemaker.create_feature_group(
                FeatureGroupName=name,
                RecordIdentifierFeatureName=group.record_identifier,
                EventTimeFeatureName=group.event_time,
                FeatureDefinitions=[{"FeatureName": f.name, "FeatureType": f.type} for f in group.features],
                OnlineStoreConfig={"EnableOnlineStore": True},
                Description="Replay check; may be deleted",
            )
            made.append(name)
        for name in made:
            _wait_until_created(store, name)
        yield names
    finally:
        for name in made:
            store.sagemaker.delete_feature_group(FeatureGroupName=name)


def check_online(
    store: FeatureStore, raw_bucket: str, first: date, until: date, count: int, seed: int
) -> dict[str, Any]:
    """Compares the online features of replayed flights with their offline rows.

    Returns {"rows", "compared", "different", "examples"}: how many flights and values were compared, and which differ.
    """
    groups = store.groups
    begin = datetime.combine(first, datetime.min.time()) - timedelta(days=features.LOOK_BACK_DAYS)
    end = datetime.combine(until, datetime.min.time()) + timedelta(days=1)
    connection = ingest.connect()
    with tempfile.TemporaryDirectory() as name:
        download(raw_bucket, first, until, Path(name))
        ingest.ingest(connection, Path(name), first, until)
    history = {name: store.read_offline(name, begin, end) for name in groups}
    if empty := [name for name, frame in history.items() if frame.empty]:
        raise DataError(f"The offline store has no records of {', '.join(empty)} then.", "Run the pipeline first.")
    for name, group in groups.items():
        features.make_table(connection, name, group, history[name])
    flights_of(connection, first, until)
    joined = dataset.join(connection, "replayed", {name: features.table(name) for name in groups}, groups)
    offline = chosen(dataset.inputs_as_numbers(joined), count, seed)
    flights = offline[dataset.FLIGHT_COLUMNS]
    with scratch_groups(store) as names:
        return compare(offline, _replay(store, names, history, flights))


def compare(offline: pd.DataFrame, online: pd.DataFrame) -> dict[str, Any]:
    """Counts the inputs that differ between two sets of rows of the same flights; two missing values are equal."""
    different = []
    for name, kind in dataset.INPUTS.items():
        one, other = offline[name].to_numpy(), online[name].to_numpy()
        equal = (one == other) if kind == "text" else np.isclose(one, other, rtol=0, atol=0, equal_nan=True)
        different += [
            {"flight_id": str(offline["flight_id"].iloc[i]), "input": name, "offline": one[i], "online": other[i]}
            for i in np.flatnonzero(~equal)
        ]
    return {
        "rows": len(offline),
        "compared": len(offline) * len(dataset.INPUTS),
        "different": len(different),
        "examples": [{key: str(value) for key, value in item.items()} for item in different[:10]],
    }


def _replay(
    store: FeatureStore, names: Mapping[str, str], history: Mapping[str, pd.DataFrame], flights: pd.DataFrame
) -> pd.DataFrame:
    """Flights with the features that the online groups hold at their moments.

    Goes through records and flights in the order of time: what became known up to a flight's schedule is put, then the
    flight's records are read by key.
    """
    waiting = deque(_in_order(store, names, history, flights))
    found: dict[str, list[wire.Values]] = {name: [] for name in names}
    for moment, together in flights.groupby("scheduled_at", sort=True):
        until = wire.event_time(pd.Timestamp(str(moment)).to_pydatetime())
        # Of each entity only its newest record before the moment can be seen, so only that one is sent.
        due: dict[tuple[str, str], wire.Record] = {}
        while waiting and waiting[0].event_time <= until:
            event = waiting.popleft()
            due[event.group, event.entity] = event.record
        store.put((group, record) for (group, _), record in due.items())
        entities = {name: list(together[dataset.KEYS[name]]) for name in names}
        records = store.get({names[name]: [entity for entity in entities[name] if entity] for name in names})
        for name, physical in names.items():
            known, group = records[physical], store.groups[name]
            found[name] += [wire.values(known[e], group) if e in known else {} for e in entities[name]]
    return dataset.from_online(flights, found, store.groups)


def _in_order(
    store: FeatureStore, names: Mapping[str, str], history: Mapping[str, pd.DataFrame], flights: pd.DataFrame
) -> list[Event]:
    """Records of the flights' entities in the order of their event times."""
    events = []
    for name, physical in names.items():
        group = store.groups[name]
        key = group.record_identifier
        wanted = history[name][history[name][key].isin(flights[dataset.KEYS[name]].dropna().unique())]
        entries = wire.from_frame(wanted, group)
        for moment, entity, record in zip(wanted[group.event_time], wanted[key], entries, strict=True):
            events.append(Event(str(moment), physical, str(entity), record))
    return sorted(events, key=lambda event: event.event_time)


def _wait_until_created(store: FeatureStore, name: str) -> None:
    deadline = time.monotonic() + CREATED_WITHIN_SECONDS
    while (status := store.sagemaker.describe_feature_group(FeatureGroupName=name)["FeatureGroupStatus"]) != "Created":
        if status == "CreateFailed" or time.monotonic() > deadline:
            raise PipelinesError(f"The feature group {name} is {status}, not Created.")
        time.sleep(0.2)


def main(command_line: Sequence[str] | None = None) -> int:
    """Command line; exits with 1 when something fails or, with --check-online, when a value differs."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--from", dest="first", type=date.fromisoformat, required=True, help="first local day")
    parser.add_argument("--to", dest="until", type=date.fromisoformat, required=True, help="day after the last one")
    parser.add_argument("--rows", type=int, default=1000, help="how many flights (default 1000)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the sample (default 7)")
    parser.add_argument("--raw-bucket", help="bucket of the raw zone (default: the one that the pipeline reads)")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--endpoint", help="send the flights to this endpoint")
    what.add_argument("--check-online", action="store_true", help="compare online features with the offline store's")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    given = parser.parse_args(command_line)
    try:
        started = time.monotonic()
        bucket = given.raw_bucket or lake.raw_bucket_of(definitions.model_name())
        if given.check_online:
            store = FeatureStore(definitions.model_name(), definitions.feature_groups())
            outcome = check_online(store, bucket, given.first, given.until, given.rows, given.seed)
        else:
            outcome = send(given.endpoint, bucket, given.first, given.until, given.rows, given.seed)
        outcome["seconds"] = round(time.monotonic() - started, 1)
    except (PipelinesError, ClientError, BotoCoreError) as error:
        errors.show(error)
        return 1
    print(json.dumps(outcome, indent=2) if given.json else "\n".join(f"{k}: {v}" for k, v in outcome.items()))
    return 1 if outcome.get("different") else 0


def send(endpoint: str, raw_bucket: str, first: date, until: date, count: int, seed: int) -> dict[str, Any]:
    """Sends a sample of the window's flights to an endpoint: {"rows", "late_share", "mean_score"}."""
    rows = chosen(point_in_time_rows(raw_bucket, first, until), count, seed)
    scores = predict.ask(endpoint, rows)
    return {
        "rows": len(rows),
        "late_share": round(float(rows[dataset.LABEL].mean()), 4),
        "mean_score": round(float(np.mean(scores)), 4),
    }


if __name__ == "__main__":
    sys.exit(main())
