"""What a changed definition means for the group that exists: appended, or refused with the way round."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi import dynamic
from pulumi.runtime import rpc

from penstock_infra import schema_change
from penstock_infra.feature_schema import FeatureSchemaProvider

OLD: dict[str, Any] = {
    "definition": "origin",
    "features": [
        {"name": "id", "type": "String"},
        {"name": "at", "type": "String"},
        {"name": "x", "type": "Integral"},
    ],
    "recordIdentifier": "id",
    "eventTime": "at",
    "online": True,
    "onlineStorage": "Standard",
    "offline": True,
    "tableFormat": "Glue",
    "offlineStoreUri": "s3://b/p",
    "roleArn": "arn:role",
    "keyArn": "arn:key",
}


def changed(**changes: Any) -> dict[str, Any]:
    return {**OLD, **changes}


def features(**types: str) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in types.items()]


def test_added_features_are_appended_wherever_they_stand() -> None:
    new = changed(features=features(y="String", id="String", at="String", x="Integral", z="Fractional"))
    change = schema_change.compare(OLD, new)
    assert change.replacing == ()
    assert [item["name"] for item in change.added] == ["y", "z"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"features": features(id="String", at="String")}, "the feature x is gone"),
        (
            {"features": features(id="String", at="String", x="Fractional")},
            "the feature x was Integral and would be Fractional",
        ),
        ({"recordIdentifier": "x"}, "the record identifier was id and would be x"),
        ({"eventTime": "x"}, "the event time was at and would be x"),
        ({"online": False}, "whether it is online was true and would be false"),
        ({"onlineStorage": "InMemory"}, "the online store's storage type was Standard and would be InMemory"),
        ({"offline": False}, "whether it is offline was true and would be false"),
        ({"tableFormat": "Iceberg"}, "the offline store's table format was Glue and would be Iceberg"),
        ({"offlineStoreUri": "s3://c/p"}, "where the offline store lies was s3://b/p and would be s3://c/p"),
        ({"roleArn": "arn:other"}, "the role that it is written with was arn:role and would be arn:other"),
        ({"keyArn": "arn:other"}, "its KMS key was arn:key and would be arn:other"),
    ],
)
def test_what_would_replace_the_group_fails_the_check(changes: dict[str, Any], reason: str) -> None:
    """Pulumi checks before it plans any step: a failure there is a refusal in the preview."""
    assert schema_change.compare(OLD, changed(**changes)).replacing == (reason,)
    (failure,) = FeatureSchemaProvider().check(OLD, changed(**changes)).failures
    assert reason in failure.reason
    assert "features/origin-v2.yaml (name: origin-v2)" in failure.reason
    assert "backfill it from origin's offline store" in failure.reason


def test_what_is_not_known_yet_and_what_is_new_in_the_schema_is_no_change() -> None:
    provider = FeatureSchemaProvider()
    assert provider.check(OLD, changed(roleArn=rpc.UNKNOWN)).failures == []
    assert provider.check(changed(keyArn=rpc.UNKNOWN), OLD).failures == []
    without = {name: value for name, value in OLD.items() if name != "tableFormat"}
    assert provider.check(without, OLD).failures == []
    assert provider.check({}, OLD).failures == []


def test_diff_never_replaces() -> None:
    provider = FeatureSchemaProvider()
    assert provider.diff("id", OLD, OLD).changes is False
    found = provider.diff("id", OLD, changed(features=[*OLD["features"], {"name": "y", "type": "String"}]))
    assert (found.changes, found.replaces) == (True, [])


def test_the_backfill_says_where_each_feature_comes_from() -> None:
    new = changed(features=features(id="String", at="String", x="Fractional", y="String"))
    steps = "\n".join(schema_change.backfill("origin-v2", OLD, new))
    assert "features/origin-v3.yaml (name: origin-v3)" in steps
    assert "copy id, at; cast x (Integral to Fractional); compute y from the lake" in steps
    steps = "\n".join(schema_change.backfill("origin", OLD, changed(recordIdentifier="x")))
    assert "compute every feature from the lake: record identifier or event time differ" in steps


names = st.from_regex(r"[a-z][a-z0-9]{0,6}", fullmatch=True)
schemas = st.dictionaries(names, st.sampled_from(["String", "Integral", "Fractional"]), min_size=1, max_size=6)


@given(old=schemas, new=schemas)
def test_a_group_is_changed_in_place_exactly_when_nothing_of_it_is_lost(
    old: dict[str, str], new: dict[str, str]
) -> None:
    change = schema_change.compare({"features": features(**old)}, {"features": features(**new)})
    assert bool(change.replacing) == (not old.items() <= new.items())
    assert [item["name"] for item in change.added] == [name for name in new if name not in old]


class Missing(Exception):
    """The group is not there."""


class SageMaker:
    """A SageMaker with at most one feature group, whose features come in pages of one."""

    class exceptions:
        ResourceNotFound = Missing

    def __init__(self, live: dict[str, str] | None) -> None:
        self.live = live
        self.updates: list[list[str]] = []
        self.status: dict[str, str] = {}

    def describe_feature_group(self, FeatureGroupName: str, NextToken: str = "0") -> dict[str, Any]:
        assert FeatureGroupName == "g"
        if self.live is None:
            raise Missing
        items = [{"FeatureName": name, "FeatureType": kind} for name, kind in self.live.items()]
        at = int(NextToken)
        more = {"NextToken": str(at + 1)} if at + 1 < len(items) else {}
        return {
            "FeatureGroupStatus": "Created",
            "FeatureDefinitions": items[at : at + 1],
            "LastUpdateStatus": self.status,
            **more,
        }

    def update_feature_group(self, FeatureGroupName: str, FeatureAdditions: list[dict[str, str]]) -> None:
        assert FeatureGroupName == "g"
        assert self.live is not None
        self.updates.append([item["FeatureName"] for item in FeatureAdditions])
        self.live |= {item["FeatureName"]: item["FeatureType"] for item in FeatureAdditions}


def test_only_what_the_live_group_lacks_is_added() -> None:
    from penstock_infra.feature_schema import bring_to

    sagemaker = SageMaker({"id": "String", "by_hand": "String"})
    schema = {"group": "g", "features": features(id="String", by_hand="String", y="Integral")}
    assert bring_to(schema, sagemaker) == ("y",)
    assert sagemaker.updates == [["y"]]
    assert bring_to(schema, sagemaker) == ()
    assert bring_to(schema, SageMaker(None)) == (), "a group that is not there is made whole by its own resource"


def test_at_most_a_hundred_features_at_once() -> None:
    from penstock_infra.feature_schema import bring_to

    sagemaker = SageMaker({"id": "String"})
    bring_to({"group": "g", "features": features(id="String", **{f"f{n}": "Integral" for n in range(250)})}, sagemaker)
    assert [len(update) for update in sagemaker.updates] == [100, 100, 50]


def test_a_live_group_of_another_type_and_a_failed_update_are_told() -> None:
    from penstock_infra.feature_schema import bring_to

    with pytest.raises(ValueError, match="differs from its definition in type: id is String"):
        bring_to({"group": "g", "features": features(id="Integral")}, SageMaker({"id": "String"}))
    sagemaker = SageMaker({"id": "String"})
    sagemaker.status = {"Status": "Failed", "FailureReason": "quota"}
    with pytest.raises(ValueError, match="AWS did not add features to g: quota"):
        bring_to({"group": "g", "features": features(id="String", y="String")}, sagemaker)


def test_a_refresh_shows_what_the_live_group_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    from penstock_infra import feature_schema

    monkeypatch.setattr(feature_schema, "_client", lambda _: SageMaker({"id": "String", "at": "String"}))
    read = FeatureSchemaProvider().read("g", {**OLD, "group": "g"})
    assert isinstance(read, dynamic.ReadResult)
    assert read.inputs is not None
    assert [item["name"] for item in read.inputs["features"]] == ["id", "at"]
