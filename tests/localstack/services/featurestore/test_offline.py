"""The offline store: AWS's layout, no acknowledged record lost, none twice."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penstock_services.featurestore.offline import file_key
from penstock_services.ports import free_port

from .conftest import Cloud, Gateway, Group, services

WAIT_SECONDS = 60.0


def rows(gateway: Gateway) -> list[dict[str, Any]]:
    return [row for body in list(gateway.objects.values()) for row in pq.read_table(io.BytesIO(body)).to_pylist()]


def wait_for_rows(gateway: Gateway, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and len(rows(gateway)) < count:
        time.sleep(0.1)
    return rows(gateway)


def test_layout_columns_and_types(cloud: Cloud, gateway: Gateway) -> None:
    group = Group(cloud)
    started = datetime.now(UTC).replace(tzinfo=None)
    group.put("a", "2020-06-30T00:44:01Z", count=3, mean=0.5, label="x")
    group.put("b", "2020-06-30T00:06:59.75Z", count=4)
    group.put("a", "2020-06-30T23:00:00Z")
    assert len(wait_for_rows(gateway, 3)) == 3
    resolved = group.describe()["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"]
    created = int(group.describe()["CreationTime"].timestamp())
    assert resolved == f"s3://lake/features/000000000000/sagemaker/us-east-1/offline-store/flights-{created}/data"
    root = re.escape(resolved.removeprefix("s3://"))
    first, second = sorted(gateway.objects)
    partition = f"{root}/year=2020/month=06/day=30/hour="
    assert re.fullmatch(partition + "00/20200630T004401Z_[0-9A-Za-z]{16}[.]parquet", first)
    assert re.fullmatch(partition + "23/20200630T230000Z_[0-9A-Za-z]{16}[.]parquet", second)
    table = pq.read_table(io.BytesIO(gateway.objects[first]))
    assert table.schema == pa.schema(
        [
            ("id", pa.string()),
            ("at", pa.string()),
            ("count", pa.int64()),
            ("mean", pa.float64()),
            ("label", pa.string()),
            ("write_time", pa.timestamp("us")),
            ("api_invocation_time", pa.timestamp("us")),
            ("is_deleted", pa.bool_()),
        ]
    )
    one, other = table.to_pylist()
    assert (one["id"], one["at"], one["count"], one["mean"]) == ("a", "2020-06-30T00:44:01Z", 3, 0.5)
    assert (other["id"], other["mean"], other["is_deleted"]) == ("b", None, False)
    assert started <= one["api_invocation_time"] < other["api_invocation_time"] <= one["write_time"]


def test_historic_records_and_deletes_are_kept_offline(cloud: Cloud, gateway: Gateway) -> None:
    group = Group(cloud)
    late, early = "2020-06-30T00:00:02Z", "2020-06-30T00:00:01Z"
    group.put("a", late, label="new")
    group.put("a", early, label="historic")
    delete: dict[str, Any] = {"FeatureGroupName": "flights", "RecordIdentifierValueAsString": "a"}
    group.runtime.delete_record(**delete, EventTime=early)
    with pytest.raises(group.runtime.exceptions.ClientError):
        group.runtime.delete_record(**delete, EventTime=early, DeletionMode="HardDelete")
    group.put("a", late, targets=["OnlineStore"], label="only online")
    wait_for_rows(gateway, 3)
    assert [(row["at"], row["label"], row["is_deleted"]) for row in rows(gateway)] == [
        (late, "new", False),
        (early, "historic", False),
        (early, None, True),
    ]


def test_the_kms_key_encrypts(cloud: Cloud, gateway: Gateway) -> None:
    key = "arn:aws:kms:us-east-1:000000000000:key/features"
    group = Group(cloud, OfflineStoreConfig={"S3StorageConfig": {"S3Uri": "s3://lake", "KmsKeyId": key}})
    group.put("a", "2020-06-30T00:00:02Z")
    wait_for_rows(gateway, 1)
    (headers,) = gateway.headers.values()
    assert headers["x-amz-server-side-encryption"] == "aws:kms"
    assert headers["x-amz-server-side-encryption-aws-kms-key-id"] == key


def test_what_waits_is_written_at_a_graceful_stop(tmp_path: Path, gateway: Gateway) -> None:
    with services(tmp_path, gateway) as cloud:
        Group(cloud).put("a", "2020-06-30T00:00:02Z")
    assert [row["id"] for row in rows(gateway)] == ["a"]
    with contextlib.closing(sqlite3.connect(tmp_path / "featurestore" / "records.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM journal").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM files").fetchone() == (0,)


def test_a_refused_upload_is_tried_again_and_nothing_is_lost_or_doubled(tmp_path: Path, gateway: Gateway) -> None:
    gateway.fail_uploads = True
    with services(tmp_path, gateway) as cloud:
        group = Group(cloud)
        group.put("a", "2020-06-30T00:00:02Z")
        while not gateway.uploads:
            time.sleep(0.05)
    assert rows(gateway) == []
    gateway.fail_uploads = False
    with services(tmp_path, gateway) as cloud:
        assert len(wait_for_rows(gateway, 1)) == 1
    with services(tmp_path, gateway):
        pass
    assert [row["id"] for row in rows(gateway)] == ["a"]


def test_new_features_get_their_columns(cloud: Cloud, gateway: Gateway) -> None:
    group = Group(cloud)
    group.put("a", "2020-06-30T00:00:02Z")
    wait_for_rows(gateway, 1)
    addition = [{"FeatureName": "wind", "FeatureType": "Integral"}]
    group.control.update_feature_group(FeatureGroupName="flights", FeatureAdditions=addition)
    group.put("a", "2020-06-30T00:00:03Z", wind=7)
    assert wait_for_rows(gateway, 2)[1]["wind"] == 7


def test_no_acknowledged_record_is_lost_at_kill_9(tmp_path: Path, gateway: Gateway) -> None:
    count = 300
    program = """
import sys
from pathlib import Path
import uvicorn
from penstock_services.app import make
from penstock_services.settings import Settings
settings = Settings(state_dir=Path(sys.argv[1]), gateway_url=sys.argv[2], port=0, step_seconds=0.0)
uvicorn.run(make(settings), port=int(sys.argv[3]), log_level="warning", access_log=False)
"""
    port = free_port()
    command = [sys.executable, "-c", program, str(tmp_path), gateway.url, str(port)]
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        group = Group(Cloud(f"http://127.0.0.1:{port}"))
        for number in range(count):
            group.put(f"{number}", "2020-06-30T00:00:02Z", count=number)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with services(tmp_path, gateway) as cloud:
        found = wait_for_rows(gateway, count)
        assert sorted(row["count"] for row in found) == list(range(count))
        again = cloud.client("sagemaker-featurestore-runtime")
        answer = again.get_record(FeatureGroupName="flights", RecordIdentifierValueAsString="299")
        assert answer["Record"][2]["ValueAsString"] == "299"


def test_file_names_tell_hour_and_latest_event_time() -> None:
    name = file_key(0, 3_599_999_999_999)
    assert re.fullmatch("year=1970/month=01/day=01/hour=00/19700101T005959Z_[0-9A-Za-z]{16}[.]parquet", name)
