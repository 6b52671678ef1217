"""The Feature Store runtime through boto3.

Semantics: the API reference's PutRecord, GetRecord, DeleteRecord, UpdateRecord, BatchGetRecord, BatchWriteRecord and
ListRecords.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.waiting import until

from .conftest import Cloud, Gateway, Group, services, serving

EARLY, MIDDLE, LATE = "2013-01-01T00:00:00Z", "2013-01-01T00:00:00.5Z", "2013-01-01T00:00:01Z"
ACCOUNTS = itertools.count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    gateway = Gateway()
    with serving(gateway.application()) as gateway.url, services(tmp_path_factory.mktemp("state"), gateway) as cloud:
        yield cloud


@pytest.fixture
def cloud(running: Cloud) -> Cloud:
    """The running services, for an account of the test's own."""
    return Cloud(running.url, f"{next(ACCOUNTS):012d}")


@pytest.fixture
def group(cloud: Cloud) -> Group:
    return Group(cloud)


def refused(call: Any, code: str, text: str, /, **request: Any) -> None:
    with pytest.raises(ClientError) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == code
    assert re.search(text, caught.value.response["Error"]["Message"]), caught.value


def test_a_record_comes_back_as_it_was_put(group: Group) -> None:
    group.put("a", EARLY, count=3, mean=0.25, label="ü")
    assert group.get("a") == {"id": "a", "at": EARLY, "count": "3", "mean": "0.25", "label": "ü"}


def test_what_was_never_put_has_no_record(group: Group) -> None:
    answer = group.runtime.get_record(FeatureGroupName="flights", RecordIdentifierValueAsString="nobody")
    assert "Record" not in answer
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_only_a_strictly_later_event_time_replaces_the_online_record(group: Group) -> None:
    group.put("a", MIDDLE, label="first")
    group.put("a", EARLY, label="earlier")
    group.put("a", "2013-01-01T00:00:00.500Z", label="same moment")
    assert (group.get("a") or {})["label"] == "first"
    group.put("a", LATE, label="later")
    assert (group.get("a") or {})["label"] == "later"


def test_a_put_replaces_the_whole_record(group: Group) -> None:
    group.put("a", EARLY, count=1, label="x")
    group.put("a", LATE, mean=2)
    assert group.get("a") == {"id": "a", "at": LATE, "mean": "2"}


def test_get_reduces_to_the_asked_features_and_refuses_unknown_ones(group: Group) -> None:
    group.put("a", EARLY, count=1, label="x")
    answer = group.runtime.get_record(
        FeatureGroupName="flights", RecordIdentifierValueAsString="a", FeatureNames=["label", "mean"]
    )
    assert answer["Record"] == [{"FeatureName": "label", "ValueAsString": "x"}]
    request = {"FeatureGroupName": "flights", "RecordIdentifierValueAsString": "a", "FeatureNames": ["nope"]}
    refused(group.runtime.get_record, "ValidationError", "nope", **request)


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (Group.record("a", EARLY, unknown="1"), r"does not contain features \[unknown\]"),
        (Group.record("a", EARLY, count="1.5"), r"\[1.5\] of feature \[count\] is not Integral"),
        (Group.record("a", EARLY, count=2**63), "is not Integral"),
        (Group.record("a", EARLY, mean="high"), r"\[high\] of feature \[mean\] is not Fractional"),
        (Group.record("a", EARLY, mean="nan"), "is not Fractional"),
        (Group.record("a", "2013-01-01"), "yyyy-MM-dd'T'HH:mm:ssZ"),
        (Group.record("a", "2013-01-01T00:00:00+01:00"), "ISO-8601 string in UTC"),
        (Group.record("a", "2013-13-01T00:00:00Z"), "not valid"),
        ([{"FeatureName": "at", "ValueAsString": EARLY}], r"missing values for features \[id\]"),
        ([{"FeatureName": "id", "ValueAsString": "a"}], r"missing values for features \[at\]"),
        ([*Group.record("a", EARLY), {"FeatureName": "id", "ValueAsString": "b"}], "more than once"),
        (Group.record("a" * 2049, EARLY), "2048 bytes"),
        (Group.record("a", EARLY, label="x" * 358_400), "Record size"),
        ([*Group.record("a", EARLY), {"FeatureName": "label", "ValueAsStringList": ["x"]}], "not a collection"),
    ],
)
def test_records_that_may_not_enter_are_refused_with_the_reason(
    group: Group, record: list[dict[str, Any]], text: str
) -> None:
    refused(group.runtime.put_record, "ValidationError", text, FeatureGroupName="flights", Record=record)
    assert group.get("a") is None


def test_requests_are_held_against_the_model(group: Group) -> None:
    client = group.runtime
    client.meta.events.register("before-call.*", lambda params, **_: params.update(body=b'{"Record": []}'))
    refused(
        client.put_record,
        "ValidationError",
        "1 validation error detected: Value '\\[\\]' at 'record' failed to satisfy constraint",
        FeatureGroupName="flights",
        Record=Group.record("a", EARLY),
    )


def test_a_group_that_is_not_there(cloud: Cloud, group: Group) -> None:
    text = "Amazon SageMaker can't find a FeatureGroup with name"
    one = {"FeatureGroupName": "nope"}
    by_key = {**one, "RecordIdentifierValueAsString": "a"}
    refused(group.runtime.put_record, "ValidationError", text, **one, Record=Group.record("a", EARLY))
    refused(group.runtime.get_record, "ResourceNotFound", text, **by_key)
    refused(group.runtime.delete_record, "ValidationError", text, **by_key, EventTime=EARLY)
    refused(group.runtime.list_records, "ResourceNotFound", text, **one)


def test_a_group_may_be_named_by_its_arn(group: Group) -> None:
    arn = group.describe()["FeatureGroupArn"]
    group.runtime.put_record(FeatureGroupName=arn, Record=Group.record("a", EARLY))
    answer = group.runtime.get_record(FeatureGroupName=arn, RecordIdentifierValueAsString="a")
    assert answer["Record"] == Group.record("a", EARLY)
    assert group.runtime.list_records(FeatureGroupName=arn)["RecordIdentifiers"] == ["a"]


def test_accounts_are_kept_apart(cloud: Cloud, group: Group) -> None:
    other = Group(Cloud(cloud.url, "111111111111"))
    group.put("a", EARLY, label="mine")
    assert other.get("a") is None


def test_a_soft_delete_hides_the_record_and_keeps_the_order_of_event_times(group: Group) -> None:
    group.put("a", EARLY)
    delete = {"FeatureGroupName": "flights", "RecordIdentifierValueAsString": "a"}
    group.runtime.delete_record(**delete, EventTime=EARLY)
    assert group.get("a") is not None, "a delete that is not later leaves the record"
    group.runtime.delete_record(**delete, EventTime=LATE)
    assert group.get("a") is None
    group.put("a", MIDDLE)
    assert group.get("a") is None, "a record from before the delete does not come back"
    group.put("a", "2013-01-01T00:00:02Z")
    assert group.get("a") is not None


def test_a_hard_delete_forgets_the_record_and_refuses_an_earlier_event_time(group: Group) -> None:
    group.put("a", MIDDLE)
    delete = {"FeatureGroupName": "flights", "RecordIdentifierValueAsString": "a", "DeletionMode": "HardDelete"}
    for event_time in (EARLY, MIDDLE):
        refused(group.runtime.delete_record, "ValidationError", "EventTime", **delete, EventTime=event_time)
    group.runtime.delete_record(**delete, EventTime=LATE)
    assert group.get("a") is None
    group.put("a", EARLY, label="anew")
    assert (group.get("a") or {})["label"] == "anew"


def test_target_stores(cloud: Cloud, group: Group) -> None:
    group.put("a", EARLY, targets=["OfflineStore"])
    assert group.get("a") is None
    group.put("a", EARLY, targets=["OnlineStore"])
    assert group.get("a") is not None
    only_online = Group(cloud, "online", OfflineStoreConfig=None)
    record = Group.record("a", EARLY)
    request: dict[str, Any] = {"FeatureGroupName": "online", "Record": record, "TargetStores": ["OfflineStore"]}
    refused(only_online.runtime.put_record, "ValidationError", "no OfflineStore", **request)
    only_offline = Group(cloud, "offline", OnlineStoreConfig=None)
    only_offline.put("a", EARLY)
    request = {"FeatureGroupName": "offline", "RecordIdentifierValueAsString": "a"}
    refused(only_offline.runtime.get_record, "ValidationError", "does not have an OnlineStore", **request)


def test_batch_get(cloud: Cloud, group: Group) -> None:
    other = Group(cloud, "planes")
    group.put("a", EARLY, count=1)
    group.put("b", EARLY, count=2)
    other.put("p", LATE, label="x")
    group.runtime.delete_record(FeatureGroupName="flights", RecordIdentifierValueAsString="b", EventTime=LATE)
    answer = group.runtime.batch_get_record(
        Identifiers=[
            {"FeatureGroupName": "flights", "RecordIdentifiersValueAsString": ["a", "b", "zz"]},
            {"FeatureGroupName": "planes", "RecordIdentifiersValueAsString": ["p"], "FeatureNames": ["label"]},
            {"FeatureGroupName": "nope", "RecordIdentifiersValueAsString": ["a"]},
        ]
    )
    assert [(each["FeatureGroupName"], each["RecordIdentifierValueAsString"]) for each in answer["Records"]] == [
        ("flights", "a"),
        ("planes", "p"),
    ]
    assert answer["Records"][1]["Record"] == [{"FeatureName": "label", "ValueAsString": "x"}]
    (error,) = answer["Errors"]
    assert (error["FeatureGroupName"], error["ErrorCode"]) == ("nope", "ResourceNotFound")
    assert answer["UnprocessedIdentifiers"] == []


def test_batch_write_takes_the_good_entries_and_names_the_bad_ones(group: Group) -> None:
    bad = {"FeatureGroupName": "flights", "Record": Group.record("b", EARLY, count="x")}
    answer = group.runtime.batch_write_record(
        Entries=[{"FeatureGroupName": "flights", "Record": Group.record("a", EARLY)}, bad]
    )
    (error,) = answer["Errors"]
    assert error["Entry"] == bad
    assert error["ErrorCode"] == "ValidationError"
    assert group.get("a") is not None
    assert group.get("b") is None


def test_list_records_page_by_page(group: Group) -> None:
    names = [f"{number:03d}" for number in range(7)]
    for name in names:
        group.put(name, EARLY)
    group.runtime.delete_record(FeatureGroupName="flights", RecordIdentifierValueAsString="003", EventTime=LATE)
    found: list[str] = []
    token: dict[str, str] = {}
    pages = 0
    while True:
        answer = group.runtime.list_records(FeatureGroupName="flights", MaxResults=2, **token)
        found += answer["RecordIdentifiers"]
        pages += 1
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert found == [name for name in names if name != "003"]
    assert pages == 3
    everything = group.runtime.list_records(FeatureGroupName="flights", IncludeSoftDeletedRecords=True)
    assert everything["RecordIdentifiers"] == names


def test_time_to_live(cloud: Cloud) -> None:
    group = Group(cloud, OnlineStoreConfig={"EnableOnlineStore": True, "TtlDuration": {"Unit": "Days", "Value": 1}})
    now = datetime.now(UTC)
    group.put("old", EARLY)
    assert group.get("old") is None, "expired a day after its event time"
    group.put("new", now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    asked = {"FeatureGroupName": "flights", "RecordIdentifierValueAsString": "new"}
    answer = group.runtime.get_record(**asked, ExpirationTimeResponse="Enabled")
    expires = datetime.fromisoformat(answer["ExpiresAt"])
    assert 86_398 < (expires - now).total_seconds() <= 86_400
    assert "ExpiresAt" not in group.runtime.get_record(**asked)
    for seconds in (2, 20):  # a slow machine sees nothing of the shorter one
        group.runtime.put_record(
            FeatureGroupName="flights",
            Record=Group.record("short", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
            TtlDuration={"Unit": "Seconds", "Value": seconds},
        )
        if group.get("short") is not None:
            break
    else:
        pytest.fail("a record is gone before its time")
    until(lambda: group.get("short") is None)
    group.put("short", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert group.get("short") is not None, "an expired record is no longer in the way"


def test_update_record_changes_some_features(cloud: Cloud) -> None:
    group = Group(cloud, OnlineStoreConfig={"EnableOnlineStore": True, "StorageType": "Standard_V2"})
    one: dict[str, Any] = {"FeatureGroupName": "flights", "RecordIdentifierValueAsString": "a"}
    change = [{"FeatureName": "label", "ValueAsString": "new"}]
    refused(group.runtime.update_record, "ResourceNotFound", "No record", **one, Features=change)
    group.put("a", MIDDLE, count=1, label="old")
    group.runtime.update_record(**one, Features=change)
    assert group.get("a") == {"id": "a", "at": MIDDLE, "count": "1", "label": "new"}
    earlier = [*change, {"FeatureName": "at", "ValueAsString": EARLY}]
    refused(group.runtime.update_record, "ConflictException", "older", **one, Features=earlier)
    ttl = {"Unit": "Days", "Value": 1}
    refused(group.runtime.update_record, "ValidationError", "TtlDuration", **one, Features=change, TtlDuration=ttl)
    later = [{"FeatureName": "count", "ValueAsString": "2"}, {"FeatureName": "at", "ValueAsString": LATE}]
    group.runtime.update_record(**one, Features=later)
    assert group.get("a") == {"id": "a", "at": LATE, "count": "2", "label": "new"}


def test_update_record_needs_a_storage_type_that_has_it(group: Group) -> None:
    group.put("a", EARLY)
    request: dict[str, Any] = {"FeatureGroupName": "flights", "RecordIdentifierValueAsString": "a"}
    change = [{"FeatureName": "label", "ValueAsString": "new"}]
    refused(group.runtime.update_record, "ValidationError", "Standard_V2", **request, Features=change)


def test_collections_in_the_in_memory_store(cloud: Cloud) -> None:
    definitions = [
        {"FeatureName": "id", "FeatureType": "String"},
        {"FeatureName": "at", "FeatureType": "Fractional"},
        {
            "FeatureName": "vector",
            "FeatureType": "Fractional",
            "CollectionType": "Vector",
            "CollectionConfig": {"VectorConfig": {"Dimension": 2}},
        },
    ]
    with pytest.raises(ClientError, match="InMemory"):
        Group(cloud, FeatureDefinitions=definitions)
    memory = {"EnableOnlineStore": True, "StorageType": "InMemory"}
    group = Group(cloud, FeatureDefinitions=definitions, OnlineStoreConfig=memory)
    record: list[dict[str, Any]] = Group.record("a", "1357000000.25")
    vector = {"FeatureName": "vector", "ValueAsStringList": ["1", "2.5"]}
    group.runtime.put_record(FeatureGroupName="flights", Record=[*record, vector])
    answer = group.runtime.get_record(FeatureGroupName="flights", RecordIdentifierValueAsString="a")
    assert answer["Record"][2] == vector
    long = {"FeatureName": "vector", "ValueAsStringList": ["1", "2", "3"]}
    request = {"FeatureGroupName": "flights", "Record": [*record, long]}
    refused(group.runtime.put_record, "ValidationError", "vector of 2 elements, not 3", **request)


def test_a_new_group_of_an_old_name_starts_empty(cloud: Cloud, group: Group) -> None:
    group.put("a", EARLY)
    group.control.delete_feature_group(FeatureGroupName="flights")

    def gone() -> bool:
        try:
            group.describe()
        except ClientError:
            return True
        return False

    until(gone)
    assert Group(cloud).get("a") is None


def test_iceberg_is_refused_by_name(cloud: Cloud) -> None:
    offline = {"S3StorageConfig": {"S3Uri": "s3://lake"}, "TableFormat": "Iceberg"}
    with pytest.raises(ClientError, match=r"NotImplementedException.*Iceberg"):
        Group(cloud, OfflineStoreConfig=offline)
