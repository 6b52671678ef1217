"""What S3 knows besides bodies, kept on disk row by row: buckets, keys with all their versions, uploads in progress.

A row is written when the operation is done and before its answer is sent, and always as things are then: of two writers
of one key the last one writes the last state. Bodies that an operation replaced or removed go after its rows are written
(`objects.deferring`), so that a kill in between leaves the old object whole; what a kill leaves without a record is swept away
after the next start.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from localstack.services.s3.models import S3Bucket, S3Store, VersionedKeyStore, s3_stores
from localstack.services.s3.utils import get_unique_key_id

from penstock_gateway.objects import deferring
from penstock_gateway.state import operations, pickling
from penstock_gateway.state.database import Database

LOG = logging.getLogger(__name__)
ANY_REGION = "us-east-1"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS buckets (
    account TEXT NOT NULL, name TEXT NOT NULL PRIMARY KEY, bucket BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL, key TEXT NOT NULL, versions BLOB NOT NULL, PRIMARY KEY (bucket, key)
);
CREATE TABLE IF NOT EXISTS uploads (
    bucket TEXT NOT NULL, id TEXT NOT NULL, upload BLOB NOT NULL, PRIMARY KEY (bucket, id)
);
CREATE TABLE IF NOT EXISTS managed_keys (
    account TEXT NOT NULL, region TEXT NOT NULL, key_id TEXT NOT NULL, PRIMARY KEY (account, region)
);
"""
_FORGET_BUCKET = (
    "DELETE FROM buckets WHERE name=?",
    "DELETE FROM objects WHERE bucket=?",
    "DELETE FROM uploads WHERE bucket=?",
)


def find(name: str) -> tuple[S3Bucket, S3Store] | None:
    """A bucket and the store of its region, whosever it is."""
    for account in list(s3_stores):
        bucket = s3_stores[account][ANY_REGION].buckets.get(name)
        if bucket is not None:
            return bucket, s3_stores[account][bucket.bucket_region]
    return None


class S3Journal:
    """The file `s3.sqlite`."""

    def __init__(self, path: Path, bodies: Path) -> None:
        self._database = Database(path, _SCHEMA)
        self._bodies = bodies
        self._managed: set[tuple[str, str]] = set()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # Writing

    def after(self, operation: str, request: dict[str, Any]) -> None:
        """Write what a request changed. Called when it is done, failed ones too: they may have changed something."""
        deferred = deferring.finish()
        touched: set[tuple[str, str | None]] = set(deferred.touched)
        bucket = request.get("Bucket")
        changed = operations.changes("s3", operation)
        if bucket and changed and operation != "DeleteObjects":
            key = request.get("Key")
            touched.add((bucket, key or None))
        if bucket and operation == "DeleteObjects":
            touched |= {(bucket, each["Key"]) for each in request["Delete"].get("Objects") or []}
        if touched:
            upload = request.get("UploadId")
            is_upload = changed and (upload is not None or operation == "CreateMultipartUpload")
            self._write(touched, {(bucket, upload)} if is_upload and bucket else set())
        for act in deferred.acts:
            act()

    def _write(self, touched: Iterable[tuple[str, str | None]], uploads: set[tuple[str, str | None]]) -> None:
        with self._database.transaction() as connection:
            for name, key in touched:
                found = find(name)
                if found is None:
                    for statement in _FORGET_BUCKET:
                        connection.execute(statement, (name,))
                    continue
                bucket, store = found
                if key is None:
                    row = (bucket.bucket_account_id, name, _bucket_dumps(bucket, store))
                    connection.execute("INSERT OR REPLACE INTO buckets VALUES (?, ?, ?)", row)
                elif (data := _key_dumps(bucket, store, key)) is None:
                    connection.execute("DELETE FROM objects WHERE bucket=? AND key=?", (name, key))
                else:
                    connection.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", (name, key, data))
                self._write_managed_key(connection, bucket.bucket_account_id, bucket.bucket_region, store)
            for name, identifier in uploads:
                if found := find(name):
                    self._write_uploads(connection, found[0], identifier)

    @staticmethod
    def _write_uploads(connection: Any, bucket: S3Bucket, identifier: str | None) -> None:
        """One upload; or, when one was just made, all that are not there yet."""
        if identifier is None:
            known = {row[0] for row in connection.execute("SELECT id FROM uploads WHERE bucket=?", (bucket.name,))}
            identifiers = [each for each in list(bucket.multiparts) if each not in known]
        else:
            identifiers = [identifier]
        for each in identifiers:
            if upload := bucket.multiparts.get(each):
                row = (bucket.name, each, pickling.plain_dumps(upload))
                connection.execute("INSERT OR REPLACE INTO uploads VALUES (?, ?, ?)", row)
            else:
                connection.execute("DELETE FROM uploads WHERE bucket=? AND id=?", (bucket.name, each))

    def _write_managed_key(self, connection: Any, account: str, region: str, store: S3Store) -> None:
        """The id of the key that S3 made in KMS for a region's buckets, once."""
        if store.aws_managed_kms_key_id and (account, region) not in self._managed:
            row = (account, region, store.aws_managed_kms_key_id)
            connection.execute("INSERT OR REPLACE INTO managed_keys VALUES (?, ?, ?)", row)
            self._managed.add((account, region))

    # Reading

    def load(self) -> None:
        """Fill LocalStack's stores with everything that was written."""
        with self._database.transaction() as connection:
            for account, region, key_id in connection.execute("SELECT account, region, key_id FROM managed_keys"):
                s3_stores[account][region].aws_managed_kms_key_id = key_id
            buckets: dict[str, tuple[S3Bucket, S3Store]] = {}
            for account, name, data in connection.execute("SELECT account, name, bucket FROM buckets"):
                buckets[name] = _bucket_loads(account, pickling.loads(data))
            for name, key, data in connection.execute("SELECT bucket, key, versions FROM objects"):
                if name in buckets:
                    _key_loads(*buckets[name], key, pickling.loads(data))
            for name, identifier, data in connection.execute("SELECT bucket, id, upload FROM uploads"):
                if name in buckets:
                    buckets[name][0].multiparts[identifier] = pickling.loads(data)

    def sweep_later(self, started: int | None = None) -> threading.Thread:
        """Remove bodies that no record knows and that were written before `started` (nanoseconds; now), in a thread."""
        thread = threading.Thread(target=self._sweep, args=[started or time.time_ns()], name="s3-sweep", daemon=True)
        thread.start()
        return thread

    def _sweep(self, started: int) -> None:
        from penstock_gateway.objects.store import sweep

        try:
            removed = sweep(self._bodies, _known_bodies, started)
        except OSError:
            LOG.exception("bodies without a record were not swept away")
        else:
            if removed:
                LOG.info("%d bodies without a record were removed", removed)


def _known_bodies(bucket_name: str) -> tuple[set[int], set[str]] | None:
    """The stamps of a bucket's bodies, and the ids of its uploads; None if there is no such bucket."""
    found = find(bucket_name)
    if found is None:
        return None
    bucket = found[0]
    if isinstance(bucket.objects, VersionedKeyStore):
        objects = bucket.objects.values(with_versions=True)
    else:
        objects = bucket.objects.values()
    return {int(getattr(each, "internal_last_modified", 0) or 0) for each in objects}, set(bucket.multiparts)


def _bucket_dumps(bucket: S3Bucket, store: S3Store) -> bytes:
    attributes = {name: value for name, value in bucket.__dict__.items() if name not in {"objects", "multiparts"}}
    versioned = isinstance(bucket.objects, VersionedKeyStore)
    return pickling.plain_dumps((attributes, versioned, store.tags.get_tags(bucket.bucket_arn)))


def _bucket_loads(account: str, kept: tuple[dict[str, Any], bool, dict[str, str]]) -> tuple[S3Bucket, S3Store]:
    attributes, versioned, tags = kept
    bucket = S3Bucket(attributes["name"], account, attributes["bucket_region"], attributes["owner"])
    bucket.__dict__.update(attributes)
    if versioned:
        bucket.objects = VersionedKeyStore()
    store = s3_stores[account][bucket.bucket_region]
    store.buckets[bucket.name] = bucket
    store.global_bucket_map[bucket.name] = account
    if tags:
        store.tags.update_tags(bucket.bucket_arn, tags)
    return bucket, store


def _key_dumps(bucket: S3Bucket, store: S3Store, key: str) -> bytes | None:
    """The row of a key: its versions, oldest first, and their tags; None if there is nothing under the key."""
    if isinstance(bucket.objects, VersionedKeyStore):
        versions = list(bucket.objects._store.get(key, {}).values())
    else:
        found = bucket.objects.get(key)
        versions = [found] if found is not None else []
    if not versions:
        return None
    tags = {}
    for version in versions:
        if held := store.tags.get_tags(get_unique_key_id(bucket.name, key, version.version_id)):
            tags[version.version_id] = held
    return pickling.plain_dumps((versions, tags))


def _key_loads(bucket: S3Bucket, store: S3Store, key: str, kept: tuple[list[Any], dict[str | None, Any]]) -> None:
    versions, tags = kept
    for version in versions:
        if isinstance(bucket.objects, VersionedKeyStore):
            version.version_id = version.version_id or "null"  # written before the bucket became versioned
            bucket.objects._store[key][version.version_id] = version
        else:
            bucket.objects._store[key] = version
    for identifier, held in tags.items():
        store.tags.update_tags(get_unique_key_id(bucket.name, key, identifier), held)
