"""Writing to and reading from SageMaker's feature store with boto3.

Bulk history goes straight to the offline store's files (as AWS's own Spark connector does for that target); the latest
record per entity goes to the online store by the runtime API, which keeps the newer of two event times by itself.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import batched
from typing import Any

import boto3
import pandas as pd
from botocore.config import Config
from botocore.exceptions import ClientError

from penstock_pipelines.errors import PipelinesError
from penstock_pipelines.features import offline, records
from penstock_pipelines.features.definition import FeatureGroup
from penstock_pipelines.lake import list_keys, split_uri

WRITE_BATCH = 25
READ_BATCH = 100
PARALLEL = 8
ATTEMPTS = 5
LONGEST_NAME = 64
HASH_LENGTH = 8


class FeatureStore:
    """The feature groups of one model.

    `prefix` is the model's name: the group `origin` is `<prefix>-origin` on AWS.
    """

    def __init__(self, model: str, groups: Mapping[str, FeatureGroup]) -> None:
        self.model = model
        self.groups = groups
        settings = Config(retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=2 * PARALLEL)
        self.sagemaker = boto3.client("sagemaker", config=settings)
        self.runtime = boto3.client("sagemaker-featurestore-runtime", config=settings)
        self.s3 = boto3.client("s3", config=settings)

    def physical_name(self, group: str) -> str:
        """Name of a group on AWS: `<model>-<group>`, beyond AWS's 64 characters cut, with a hash at its end."""
        plain = f"{self.model}-{group}"
        if len(plain) <= LONGEST_NAME:
            return plain
        digest = hashlib.sha256("\0".join(("", self.model, group)).encode()).hexdigest()[:HASH_LENGTH]
        return f"{plain[: LONGEST_NAME - HASH_LENGTH - 1].rstrip('-')}-{digest}"

    def data_uri(self, group: str) -> str:
        """Where the offline store keeps a group's files; PipelinesError when the group is missing or online only."""
        name = self.physical_name(group)
        try:
            description = self.sagemaker.describe_feature_group(FeatureGroupName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("ResourceNotFound", "ValidationException"):
                raise PipelinesError(
                    f"The feature group {name} does not exist.",
                    "Bring the repository's resources up: penstock up infra",
                ) from None
            raise
        storage = description.get("OfflineStoreConfig", {}).get("S3StorageConfig", {})
        if uri := storage.get("ResolvedOutputS3Uri"):
            return str(uri).rstrip("/")
        raise PipelinesError(f"The feature group {name} has no offline store.")

    def write_offline(self, group: str, frame: pd.DataFrame, written_at: datetime | None = None) -> int:
        """Write a frame's records to the offline store; returns how many files were written.

        A day whose newest file holds the same records already is left as it is.
        """
        bucket, prefix = split_uri(self.data_uri(group))
        newest = self._newest_of_days(bucket, f"{prefix}/")
        stamp = written_at or datetime.now(UTC)
        new = [f for f in offline.files(frame, self.groups[group], stamp) if newest.get(offline.day_of(f.key)) != f.key]
        with ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(lambda f: self.s3.put_object(Bucket=bucket, Key=f"{prefix}/{f.key}", Body=f.body), new))
        return len(new)

    def read_offline(self, group: str, first: datetime | None = None, last: datetime | None = None) -> pd.DataFrame:
        """Records of the offline store with event times of the days from `first` to `last`, each as written last."""
        definition = self.groups[group]
        bucket, prefix = split_uri(self.data_uri(group))
        days = offline.days(first, last) if first and last else None
        listed = [key for key in list_keys(bucket, f"{prefix}/", self.s3) if key.endswith(".parquet")]
        keys = [k for k in listed if days is None or offline.day_of(k.removeprefix(f"{prefix}/")) in days]
        with ThreadPoolExecutor(PARALLEL) as pool:
            frames = list(pool.map(lambda key: self._read_parquet(bucket, key), keys))
        names = [feature.name for feature in definition.features]
        if not frames:
            return pd.DataFrame(columns=names)
        return offline.latest_writes(pd.concat(frames, ignore_index=True)[[*names, *offline.ADDED]], definition)

    def write_online(self, group: str, frame: pd.DataFrame) -> int:
        """Write the latest record of each entity to the online store; returns how many records were sent."""
        definition = self.groups[group]
        shaped = records.with_text_event_time(frame, definition)
        latest = shaped.sort_values(definition.event_time, kind="stable").drop_duplicates(
            definition.record_identifier, keep="last"
        )
        name = self.physical_name(group)
        self.put((name, record) for record in records.from_frame(latest, definition))
        return len(latest)

    def put(self, entries: Iterable[tuple[str, records.Record]]) -> None:
        """Put (physical group, record) pairs into the online store in batches; PipelinesError with the first refusal.

        Batches are sent side by side, so each entity should occur once.
        """
        batches = list(batched(entries, WRITE_BATCH, strict=False))
        if len(batches) == 1:
            self._put_batch(batches[0])
        elif batches:
            with ThreadPoolExecutor(PARALLEL) as pool:
                list(pool.map(self._put_batch, batches))

    def read_online(self, wanted: Mapping[str, Iterable[str]]) -> dict[str, dict[str, records.Values]]:
        """Latest values by short group name and entity; entities without a record are absent."""
        found = self.get({self.physical_name(group): entities for group, entities in wanted.items()})
        return {
            group: {
                entity: records.values(record, self.groups[group])
                for entity, record in found.get(self.physical_name(group), {}).items()
            }
            for group in wanted
        }

    def get(self, wanted: Mapping[str, Iterable[str]]) -> dict[str, dict[str, records.Record]]:
        """Latest records by physical group and entity, all groups together in as few calls as they fit in."""
        pairs = [(group, entity) for group, entities in wanted.items() for entity in sorted(set(entities))]
        found: dict[str, dict[str, records.Record]] = {group: {} for group in wanted}
        for batch in batched(pairs, READ_BATCH, strict=False):
            for record in self._get_batch(batch):
                # The group comes back as it was asked for, by name or by ARN.
                group = record["FeatureGroupName"].rsplit("/", 1)[-1]
                found[group][record["RecordIdentifierValueAsString"]] = record["Record"]
        return found

    def _put_batch(self, batch: Sequence[tuple[str, records.Record]]) -> None:
        waiting: list[dict[str, Any]] = [
            {"FeatureGroupName": group, "Record": record, "TargetStores": ["OnlineStore"]} for group, record in batch
        ]
        for _ in range(ATTEMPTS):
            answer = self.runtime.batch_write_record(Entries=waiting)
            if errors := answer.get("Errors"):
                group = errors[0]["Entry"]["FeatureGroupName"]
                raise PipelinesError(f"{group} refused a record: {errors[0]['ErrorMessage']}")
            waiting = answer.get("UnprocessedEntries") or []
            if not waiting:
                return
        raise PipelinesError(f"The online store left {len(waiting)} records unprocessed after {ATTEMPTS} attempts.")

    def _get_batch(self, batch: Sequence[tuple[str, str]]) -> Iterator[dict[str, Any]]:
        by_group: dict[str, list[str]] = {}
        for group, entity in batch:
            by_group.setdefault(group, []).append(entity)
        waiting = [
            {"FeatureGroupName": group, "RecordIdentifiersValueAsString": entities}
            for group, entities in by_group.items()
        ]
        for _ in range(ATTEMPTS):
            answer = self.runtime.batch_get_record(Identifiers=waiting)
            if errors := answer.get("Errors"):
                raise PipelinesError(f"{errors[0]['FeatureGroupName']} could not be read: {errors[0]['ErrorMessage']}")
            yield from answer["Records"]
            waiting = answer.get("UnprocessedIdentifiers") or []
            if not waiting:
                return
        raise PipelinesError(f"The online store left identifiers unread after {ATTEMPTS} attempts.")

    def _newest_of_days(self, bucket: str, prefix: str) -> dict[str, str]:
        """The file written last of each day of event time, by the day's partition prefix."""
        newest: dict[str, tuple[datetime, str]] = {}
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                key = item["Key"].removeprefix(prefix)
                day = offline.day_of(key)
                newest[day] = max(newest.get(day, (item["LastModified"], key)), (item["LastModified"], key))
        return {day: key for day, (_, key) in newest.items()}

    def _read_parquet(self, bucket: str, key: str) -> pd.DataFrame:
        body = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return pd.read_parquet(io.BytesIO(body))
