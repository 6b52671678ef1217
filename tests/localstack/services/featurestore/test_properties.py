"""The online store keeps, per identifier, the record of the latest event time, whatever the order of the calls."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock_services.clients import Clients
from penstock_services.errors import ServiceError
from penstock_services.featurestore.event_time import iso, nanoseconds
from penstock_services.featurestore.group import FeatureGroup
from penstock_services.featurestore.records import Records
from penstock_services.settings import Settings
from penstock_services.store import Scope, Store

GROUP = FeatureGroup.from_description(
    Scope("000000000000", "us-east-1"),
    {
        "FeatureGroupName": "flights",
        "CreationTime": 1.0,
        "RecordIdentifierFeatureName": "id",
        "EventTimeFeatureName": "at",
        "FeatureDefinitions": [
            {"FeatureName": "id", "FeatureType": "String"},
            {"FeatureName": "at", "FeatureType": "Fractional"},
            {"FeatureName": "value", "FeatureType": "Integral"},
        ],
        "OnlineStoreConfig": {"EnableOnlineStore": True},
    },
)
CALLS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 6), st.sampled_from(["put", "soft", "hard"])), max_size=40
)


def _record(identifier: str, at: int, value: int) -> list[dict[str, Any]]:
    values = {"id": identifier, "at": str(at), "value": str(value)}
    return [{"FeatureName": name, "ValueAsString": each} for name, each in values.items()]


@settings(max_examples=60, deadline=None)
@given(CALLS)
def test_the_latest_wins(calls: list[tuple[str, int, str]]) -> None:
    expected: dict[str, tuple[int, int | None]] = {}  # identifier: event time, value (None: deleted)
    with tempfile.TemporaryDirectory() as folder:
        clients = Clients(Settings(Path(folder), "http://127.0.0.1:1", 0))
        store = Store(Path(folder) / "store.sqlite")
        records = Records(Path(folder) / "records.sqlite", store, clients)
        for number, (identifier, at, kind) in enumerate(calls):
            known = expected.get(identifier)
            later = known is None or at > known[0]
            if kind == "put":
                records.put([records.prepared(GROUP, _record(identifier, at, number), None, None)])
                if later:
                    expected[identifier] = (at, number)
                continue
            try:
                records.delete(GROUP, identifier, str(at), None, hard=kind == "hard")
            except ServiceError:
                assert kind == "hard"
                assert not later
                continue
            assert later or kind == "soft"
            if kind == "hard":
                expected.pop(identifier, None)
            elif later:
                expected[identifier] = (at, None)
        for identifier in "abc":
            stored = records.get(GROUP, identifier)
            value = expected.get(identifier, (0, None))[1]
            assert (None if stored is None else stored.values()["value"]) == (None if value is None else str(value))
        alive = sorted(name for name, (_, value) in expected.items() if value is not None)
        assert records.identifiers(GROUP, "", 10, with_deleted=False) == alive
        assert records.identifiers(GROUP, "", 10, with_deleted=True) == sorted(expected)
        records.stop()
        store.close()


@given(st.integers(-(2**62), 2**62))
def test_event_times_survive_their_text(value: int) -> None:
    assert nanoseconds(iso(value), "String") == value


@given(st.lists(st.integers(0, 2**60), min_size=2, max_size=2))
def test_event_times_are_ordered_alike_in_both_forms(values: list[int]) -> None:
    first, second = values
    in_seconds = [f"{value // 10**9}.{value % 10**9:09d}" for value in values]
    assert (nanoseconds(in_seconds[0], "Fractional") < nanoseconds(in_seconds[1], "Fractional")) == (first < second)
