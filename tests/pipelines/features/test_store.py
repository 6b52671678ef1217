"""The feature store by AWS's APIs, on a local cloud."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import boto3
import pandas as pd
import pytest
from tests.local_cloud import running

from penstock_cloud import cloud
from penstock_pipelines import lake
from penstock_pipelines.errors import DataError, PipelinesError
from penstock_pipelines.features import records
from penstock_pipelines.features.definition import Feature, FeatureGroup
from penstock_pipelines.features.store import FeatureStore

pytestmark = pytest.mark.cloud

GROUP = FeatureGroup(
    name="port",
    record_identifier="port",
    event_time="at",
    features=[
        Feature(name="port", type="String"),
        Feature(name="at", type="String"),
        Feature(name="level", type="Fractional"),
        Feature(name="ships", type="Integral"),
    ],
)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A local cloud of this module's own."""
    state = tmp_path_factory.mktemp("cloud")
    with running(state) as info:
        yield cloud.environment(info)


@pytest.fixture
def store(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[FeatureStore]:
    """A store with one group, online and offline, of this test's own."""
    model = request.node.name.replace("_", "-")[:30].rstrip("-")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="tides-offline")
    store = FeatureStore(model, {"port": GROUP})
    store.sagemaker.create_feature_group(
        FeatureGroupName=f"{model}-port",
        RecordIdentifierFeatureName="port",
        EventTimeFeatureName="at",
        FeatureDefinitions=[{"FeatureName": f.name, "FeatureType": f.type} for f in GROUP.features],
        OnlineStoreConfig={"EnableOnlineStore": True},
        OfflineStoreConfig={"S3StorageConfig": {"S3Uri": "s3://tides-offline/store"}},
        RoleArn="arn:aws:iam::000000000000:role/store",
    )
    while store.sagemaker.describe_feature_group(FeatureGroupName=f"{model}-port")["FeatureGroupStatus"] == "Creating":
        time.sleep(0.1)
    yield store
    store.sagemaker.delete_feature_group(FeatureGroupName=f"{model}-port")


def frame(ports: int, days: int) -> pd.DataFrame:
    at = pd.date_range("2013-01-01 06:00", periods=days, freq="D")
    rows = [(f"P{port:03d}", moment, port / 3 + day, port) for day, moment in enumerate(at) for port in range(ports)]
    table = pd.DataFrame(rows, columns=["port", "at", "level", "ships"])
    table.loc[table["port"] == "P000", "level"] = None
    return table


def test_history_and_latest_values(store: FeatureStore) -> None:
    table = frame(ports=60, days=3)
    assert store.write_offline("port", table) == 3
    assert store.write_online("port", table) == 60

    history = store.read_offline("port").sort_values(["at", "port"]).reset_index(drop=True)
    expected = records.with_text_event_time(table, GROUP)
    pd.testing.assert_frame_equal(history, expected, check_dtype=False)
    one_day = store.read_offline("port", datetime(2013, 1, 2), datetime(2013, 1, 2))
    assert set(one_day["at"]) == {"2013-01-02T06:00:00Z"}

    names = [*sorted(set(table["port"])), "NOWHERE"]
    found = store.read_online({"port": names})["port"]
    assert set(found) == set(table["port"])
    assert found["P007"] == {"port": "P007", "at": "2013-01-03T06:00:00Z", "level": 7 / 3 + 2, "ships": 7}
    assert found["P000"]["level"] is None


def test_writing_the_same_again_writes_nothing(store: FeatureStore) -> None:
    table = frame(ports=2, days=2)
    assert store.write_offline("port", table) == 2
    assert store.write_offline("port", table) == 0
    changed = table.assign(level=9.0)
    time.sleep(1.1)
    assert store.write_offline("port", changed) == 2
    assert set(store.read_offline("port")["level"]) == {9.0}
    time.sleep(1.1)
    assert store.write_offline("port", table) == 2, "going back to what was is a change too"
    assert 9.0 not in set(store.read_offline("port")["level"])


def test_an_older_record_does_not_replace_a_newer_one(store: FeatureStore) -> None:
    table = frame(ports=1, days=3)
    store.write_online("port", table.tail(1))
    store.write_online("port", table.head(1))
    assert store.read_online({"port": ["P000"]})["port"]["P000"]["at"] == "2013-01-03T06:00:00Z"


def test_a_group_that_is_not_there(store: FeatureStore) -> None:
    missing = FeatureStore("sands", {"port": GROUP})
    with pytest.raises(PipelinesError, match="sands-port does not exist"):
        missing.write_offline("port", frame(1, 1))


def test_the_lake(store: FeatureStore, tmp_path: Path) -> None:
    client = boto3.client("s3")
    client.create_bucket(Bucket="tides-raw")
    for month in ("01", "02"):
        client.put_object(Bucket="tides-raw", Key=f"levels/year=2013/month={month}/part-0.parquet", Body=b"x")
    assert str(lake.landed_until("tides-raw", "levels", datetime(2013, 1, 1).date())) == "2013-03-01"
    files = lake.download("s3://tides-raw/levels/", tmp_path)
    assert [file.relative_to(tmp_path).parts[1] for file in sorted(files)] == ["month=01", "month=02"]
    with pytest.raises(DataError, match="nothing under"):
        lake.download("s3://tides-raw/sands/", tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        lake.raw_bucket_of("sands")
