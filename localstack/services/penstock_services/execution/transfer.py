"""Data in and out of jobs: S3 prefixes to folders, folders to S3, archives."""

from __future__ import annotations

import gzip
import json
import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

_PARALLEL = 8


class TransferError(Exception):
    """Data could not be read or written; the text is the reason for the job's failure."""


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an S3 URI."""
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc:
        message = f"{uri!r} is not an S3 URI"
        raise TransferError(message)
    return parts.netloc, parts.path.lstrip("/")


def _relative(key: str, prefix: str) -> str:
    """The file's path below the channel: what follows the prefix, or the name where the prefix is the object."""
    if key == prefix:
        return key.rsplit("/", 1)[-1]
    if prefix == "" or prefix.endswith("/") or key[len(prefix)] == "/":
        return key[len(prefix) :].lstrip("/")
    return key[prefix.rfind("/") + 1 :]


@dataclass(frozen=True)
class Item:
    """An object to fetch, and its path below the channel's folder."""

    bucket: str
    key: str
    relative: str


def download(client: Any, uri: str, folder: Path, *, manifest: bool = False, decompress: bool = False) -> int:
    """Copy what is under an S3 prefix (or what a manifest lists) into ``folder``; the number of files.

    Raises TransferError, in AWS's words, if there is nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = items(client, uri, manifest=manifest)
    fetch(client, found, folder, decompress=decompress)
    return len(found)


def items(client: Any, uri: str, *, manifest: bool = False) -> list[Item]:
    """The objects under an S3 prefix, ordered by key, or those that a manifest lists. Raises TransferError for none."""
    try:
        found = _manifest(client, uri) if manifest else _prefix(client, uri)
    except (BotoCoreError, ClientError) as error:
        raise _cannot("download", uri, error) from error
    if not found:
        message = (
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
            "exists and that objects exist under that S3 prefix."
        )
        raise TransferError(message)
    return found


def part(found: list[Item], index: int, count: int) -> list[Item]:
    """The objects of one host of ``count`` when they are distributed ShardedByS3Key."""
    return found[index::count]


def fetch(client: Any, found: list[Item], folder: Path, *, decompress: bool = False) -> None:
    """Copy objects into ``folder``. Raises TransferError."""
    base = folder.resolve()

    def one(item: Item) -> None:
        target = (folder / item.relative).resolve()
        if not target.is_relative_to(base):
            message = f"the object key {item.key!r} leads out of the folder"
            raise TransferError(message)
        target.parent.mkdir(parents=True, exist_ok=True)
        body = client.get_object(Bucket=item.bucket, Key=item.key)["Body"]
        with target.open("wb") as file:
            shutil.copyfileobj(body, file, 1 << 20)
        if decompress and target.suffix == ".gz":
            with gzip.open(target) as packed, target.with_suffix("").open("wb") as file:
                shutil.copyfileobj(packed, file)
            target.unlink()

    current = found[0] if found else None
    try:
        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(one, found))
    except (BotoCoreError, ClientError, OSError) as error:
        where = f"s3://{current.bucket}/{current.key}" if current and len(found) == 1 else "the input data"
        raise _cannot("download", where, error) from error


def _cannot(verb: str, what: str, error: Exception) -> TransferError:
    return TransferError(f"cannot {verb} {what}: {error}")


def _prefix(client: Any, uri: str) -> list[Item]:
    bucket, prefix = split(uri)
    found = []
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            key = item["Key"]
            if not key.endswith("/"):
                found.append(Item(bucket, key, _relative(key, prefix)))
    return found


def _manifest(client: Any, uri: str) -> list[Item]:
    bucket, key = split(uri)
    try:
        listed = json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read())
        prefix = listed[0]["prefix"]
        names = [str(name) for name in listed[1:]]
    except (LookupError, TypeError, ValueError):
        message = f"the manifest {uri} does not begin with an object with a prefix"
        raise TransferError(message) from None
    return [Item(*split(prefix + name), name) for name in names]


def upload_file(client: Any, path: Path, uri: str, kms_key: str | None = None) -> None:
    """Put one file at an S3 URI."""
    bucket, key = split(uri)
    extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else None
    try:
        if path.stat().st_size > 64 << 20:
            client.upload_file(str(path), bucket, key, ExtraArgs=extra)
        else:
            with path.open("rb") as file:
                client.put_object(Bucket=bucket, Key=key, Body=file, **(extra or {}))
    except (BotoCoreError, ClientError, OSError) as error:
        message = f"cannot upload to {uri}: {error}"
        raise TransferError(message) from error


def upload_folder(client: Any, folder: Path, uri: str, kms_key: str | None = None) -> int:
    """Put every file below ``folder`` under an S3 prefix; the number of files."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    base = uri.rstrip("/")

    def send(path: Path) -> None:
        upload_file(client, path, f"{base}/{path.relative_to(folder).as_posix()}", kms_key)

    with ThreadPoolExecutor(_PARALLEL) as pool:
        list(pool.map(send, files))
    return len(files)


def pack(folder: Path, archive: Path, *others: Path) -> bool:
    """Make a ``.tar.gz`` of what is in ``folder`` and in ``others`` (where names clash, the first one wins); False, and
    no archive, where all are empty. Symbolic links are kept as links. Raises TransferError."""
    entries: dict[str, Path] = {}
    for each in (folder, *others):
        for path in sorted(each.rglob("*")) if each.is_dir() else ():
            entries.setdefault(path.relative_to(each).as_posix(), path)
    if not entries:
        return False
    try:
        with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
            for name in sorted(entries):
                tar.add(entries[name], arcname=name, recursive=False)
    except OSError as error:
        archive.unlink(missing_ok=True)
        raise _cannot("pack", folder.name, error) from error
    return True


def unpack(archive: Path, folder: Path) -> None:
    """Extract a model archive, refusing members that lead out of the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        message = f"the model archive cannot be extracted: {error}"
        raise TransferError(message) from error
