"""The record store, the model's patterns, and the validation of requests."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.kinds import key_of, kinds
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.patterns import compiled, matches
from penstock_services.sagemaker.validation import validate
from penstock_services.store import Scope, Store

HERE, THERE = Scope("000000000000", "us-east-1"), Scope("000000000000", "eu-west-1")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "deep" / "records.sqlite")


def test_records_by_scope_kind_and_key(store: Store) -> None:
    assert store.get(HERE, "Model", "a") is None
    store.put(HERE, "Model", "a", {"n": 1.5, "text": "é"})
    assert store.get(HERE, "Model", "a") == {"n": 1.5, "text": "é"}
    assert store.get(THERE, "Model", "a") is None
    assert store.get(HERE, "Endpoint", "a") is None
    assert store.scopes("Model") == [HERE]
    assert not store.insert(HERE, "Model", "a", {})
    assert store.insert(HERE, "Model", "b", {})
    assert store.delete(HERE, "Model", "b")
    assert not store.delete(HERE, "Model", "b")


def test_what_is_written_together_is_kept_as_a_whole(store: Store) -> None:
    def half() -> None:
        with store.together():
            store.put(HERE, "Model", "a", {})
            with store.together():
                store.put(HERE, "Tags", "a", {})
            raise ServiceError("ValidationException", "no")

    with pytest.raises(ServiceError):
        half()
    assert store.get(HERE, "Model", "a") is None
    assert store.get(HERE, "Tags", "a") is None
    with store.together():
        store.put(HERE, "Model", "a", {})
    assert store.get(HERE, "Model", "a") == {}


def test_scan_by_prefix(store: Store) -> None:
    for key in ("g/1", "g/10", "g2/1", "h/1"):
        store.put(HERE, "ModelPackage", key, {"key": key})
    assert [key for key, _ in store.scan(HERE, "ModelPackage", "g/")] == ["g/1", "g/10"]
    assert len(store.scan(HERE, "ModelPackage")) == 4


def test_updates_do_not_lose_each_other(store: Store) -> None:
    store.put(HERE, "Counter", "c", {"n": 0})

    def count() -> None:
        for _ in range(100):
            store.update(HERE, "Counter", "c", lambda record: record.update(n=record["n"] + 1))

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get(HERE, "Counter", "c") == {"n": 800}
    assert store.update(HERE, "Counter", "none", lambda _record: None) is None


def test_a_failed_update_changes_nothing(store: Store) -> None:
    store.put(HERE, "Counter", "c", {"n": 0})

    def fail(record: dict[str, object]) -> None:
        record["n"] = 1
        raise ServiceError("ValidationException", "no")

    with pytest.raises(ServiceError):
        store.update(HERE, "Counter", "c", fail)
    assert store.get(HERE, "Counter", "c") == {"n": 0}


@pytest.mark.parametrize("service", ["sagemaker", "sagemaker-runtime", "sagemaker-featurestore-runtime"])
def test_every_pattern_of_the_model_compiles(service: str) -> None:
    for shape in load(service).shapes.values():
        if "pattern" in shape:
            compiled(shape["pattern"])


def test_patterns_match_the_whole_value_and_know_unicode() -> None:
    assert matches("[a-z]+", "abc")
    assert not matches("[a-z]+", "abc1")
    tag = r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)"
    assert matches(tag, "équipe 7/données")
    assert not matches(tag, "a*b")
    assert matches(r"[ -\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", "a 😀")


def test_unknown_and_null_members_are_dropped_and_times_are_seconds() -> None:
    model = load("sagemaker")
    request = {"Unknown": 1, "NameContains": None, "CreationTimeAfter": "2026-01-01T00:00:00+00:00", "MaxResults": 5}
    cleaned = validate(model, model.input_shape("ListModels"), request)
    assert cleaned == {"CreationTimeAfter": 1767225600.0, "MaxResults": 5}


@pytest.mark.parametrize("request_", [[], "x", {"MaxResults": "5"}, {"MaxResults": True}, {"MaxResults": [5]}])
def test_wrong_types(request_: object) -> None:
    model = load("sagemaker")
    with pytest.raises(ServiceError) as raised:
        validate(model, model.input_shape("ListModels"), request_)
    assert raised.value.code == "SerializationException"


def test_keys_of_arns() -> None:
    kind = kinds().by_name["Pipeline"]
    assert key_of(HERE, kind, "flights") == "flights"
    assert key_of(HERE, kind, kind.arn(HERE, "flights")) == "flights"
    assert key_of(HERE, kind, kind.arn(THERE, "flights")) is None
    assert key_of(HERE, kind, "arn:aws:sagemaker:us-east-1:000000000000:model/flights") is None


def test_every_served_kind_has_what_its_create_must_answer() -> None:
    model = load("sagemaker")
    for kind in kinds().by_name.values():
        assert kind.arn_member in model.outputs(f"Create{kind.name}")
        assert kind.name_member in model.inputs(f"Create{kind.name}")
        assert kind.list_operation is None or kind.list_member
        if kind.overlay.initial:
            assert kind.status_member, kind.name
