"""Bodies of S3 objects on disk below the state folder.

LocalStack's own store keeps them in a temporary folder that every LocalStack of the machine shares, and names them by
a hash that differs in every process. Here a body is an immutable file:

    <root>/<bucket>/objects/<2 hex>/<sha256 of key and version>.<stamp>
    <root>/<bucket>/uploads/<upload id>/<part number>.<stamp>

`stamp` is the time of writing in nanoseconds; LocalStack keeps the same number in the object's record
(`internal_last_modified`). So a record always finds the body it was written with, readers need no locks (an open file
outlives its name), and a copy is a hard link. Writers of one name take turns from the moment their body is complete
until LocalStack has exchanged the records. During a request bodies go away only after its records are written
(`deferring`); what a kill leaves over, `sweep` removes.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from io import UnsupportedOperation
from pathlib import Path
from typing import IO, Any, Literal
from urllib.parse import quote, unquote

from localstack.services.s3.storage.core import (
    LimitedStream,
    S3ObjectStore,
    S3StoredMultipart,
    S3StoredObject,
)
from localstack.services.s3.utils import get_s3_checksum

from penstock_gateway.objects import deferring

CHUNK_BYTES = 256 * 1024

_stamp_lock = threading.Lock()
_last_stamp = 0
_commit_locks = [threading.Lock() for _ in range(1024)]


def next_stamp() -> int:
    """The time in nanoseconds, never the same twice in this process."""
    global _last_stamp
    with _stamp_lock:
        _last_stamp = max(time.time_ns(), _last_stamp + 1)
        return _last_stamp


def object_digest(key: str, version_id: str | None) -> str:
    """The name of an object's body: the same in every process."""
    return hashlib.sha256(f"{key}\0{version_id or 'null'}".encode()).hexdigest()


class ReplacedBodyError(FileNotFoundError):
    """The body that belongs to a record is gone: the record is, or will be in a moment, another one."""


class Bodies:
    """The bodies that one name (of an object or part) had; one is current."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name

    @property
    def commit_lock(self) -> threading.Lock:
        """Held while a new body takes the place of the old one."""
        return _commit_locks[hash((self.folder, self.name)) % len(_commit_locks)]

    def path(self, stamp: int) -> Path:
        """The file of the body written at `stamp`."""
        return self.folder / f"{self.name}.{stamp}"

    def stamps(self) -> list[int]:
        """Stamps of the bodies that exist, oldest first."""
        try:
            names = os.listdir(self.folder)  # noqa: PTH208 - names are all it takes
        except FileNotFoundError:
            return []
        prefix = self.name + "."
        return sorted(int(name[len(prefix) :]) for name in names if name.startswith(prefix) and name[-1].isdigit())

    def remove(self, keep: int | None = None) -> None:
        """Remove the bodies that are there now, except the one written at `keep`."""
        for stamp in self.stamps():
            if stamp != keep:
                discard(self.path(stamp))


def discard(path: Path) -> None:
    """Remove a body, once the records are written."""
    deferring.act(lambda: path.unlink(missing_ok=True))


def discard_tree(folder: Path) -> None:
    """Remove a folder of bodies, once the records are written."""
    deferring.act(lambda: shutil.rmtree(folder, ignore_errors=True))


class DiskStoredObject(S3StoredObject):
    """One object or part, open for reading or for replacing its body.

    A new body becomes visible under the object's name when it is complete; the one it replaces is removed on `close`,
    after LocalStack has exchanged the records. If the block that writes it fails, the new body is removed instead.
    """

    def __init__(self, s3_object: Any, bodies: Bodies, mode: Literal["r", "w"] = "r") -> None:
        super().__init__(s3_object=s3_object, mode=mode)
        self.closed: bool = False
        self._bodies = bodies
        self._file: IO[bytes] | None = None
        self._stamp = 0
        self._written = False
        self._etag: str | None = None
        self._checksum_hash: Any = None
        self._failed = False
        if mode == "r":
            self._open_for_reading()

    def _open_for_reading(self) -> None:
        stamp = int(getattr(self.s3_object, "internal_last_modified", 0) or 0)
        stamps = [stamp] if stamp else self._bodies.stamps()[-1:]
        try:
            self._stamp = stamps[0]
            self._file = self._bodies.path(self._stamp).open("rb")
        except (IndexError, FileNotFoundError):
            raise ReplacedBodyError(f"the body of this object is missing from {self._bodies.folder}") from None

    def _reader(self) -> IO[bytes]:
        if self._file is None:
            if self._mode == "w" and not self._written:
                raise UnsupportedOperation("nothing was written yet")
            self._file = self._bodies.path(self._stamp).open("rb")
        return self._file

    def read(self, s: int = -1) -> bytes:
        """Read at most `s` bytes from the current position; all that is left by default."""
        return self._reader().read(s)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Set the position of the next read."""
        if self._mode == "w" and not self._written:
            return 0
        return self._reader().seek(offset, whence)

    def truncate(self, size: int | None = None) -> int:  # noqa: ARG002 - LocalStack's interface
        """Only an empty new body can be truncated: bodies are immutable."""
        if self._mode != "w":
            raise UnsupportedOperation("S3 object is not in write mode")
        return 0

    def write(self, stream: Any) -> int:
        """Make the content of `stream` the new body. Sets the record's size, ETag and stamp; returns the size."""
        if self._mode != "w":
            raise UnsupportedOperation("S3 object is not in write mode")
        checksum = get_s3_checksum(self.s3_object.checksum_algorithm) if self.s3_object.checksum_algorithm else None
        etag = hashlib.md5(usedforsecurity=False)
        size = 0
        with self._new_body() as out:
            while stream is not None and (data := stream.read(CHUNK_BYTES)):
                out.write(data)
                etag.update(data)
                if checksum is not None:
                    checksum.update(data)
                size += len(data)
        self._checksum_hash = checksum
        self._etag = self.s3_object.etag = etag.hexdigest()
        self.s3_object.size = size
        return size

    def concatenate(self, parts: list[DiskStoredObject]) -> int:
        """Make the parts, in order, the new body (a completed multi-part upload). Returns the size."""
        size = 0
        with self._new_body() as out:
            for part in parts:
                while data := part.read(CHUNK_BYTES):
                    out.write(data)
                    size += len(data)
        self.s3_object.size = size
        return size

    def link(self, source: DiskStoredObject) -> int:
        """Make the body of `source` the new body without copying it. Returns the size."""
        stamp = next_stamp()
        self._bodies.folder.mkdir(parents=True, exist_ok=True)
        origin = source._bodies.path(source._stamp)
        try:
            os.link(origin, self._bodies.path(stamp))
        except OSError:  # gone in between, or a file system without hard links: the open file has the content
            source.seek(0)
            return self.write(source)
        self._became_current(stamp)
        size = self._bodies.path(stamp).stat().st_size
        self.s3_object.size = size
        return size

    def append(self, part: Any) -> int:  # noqa: ARG002 - LocalStack's interface
        """Not supported: bodies are immutable (see `concatenate`)."""
        raise UnsupportedOperation("bodies are immutable")

    @contextlib.contextmanager
    def _new_body(self) -> Iterator[IO[bytes]]:
        stamp = next_stamp()
        self._bodies.folder.mkdir(parents=True, exist_ok=True)
        path = self._bodies.path(stamp)
        unfinished = path.with_name(path.name + ".unfinished")
        try:
            with unfinished.open("wb") as out:
                yield out
            unfinished.rename(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        self._became_current(stamp)

    def _became_current(self, stamp: int) -> None:
        if self._written:
            self._bodies.path(self._stamp).unlink(missing_ok=True)
        else:
            self._bodies.commit_lock.acquire()
        if self._file is not None:
            self._file.close()
            self._file = None
        self._stamp = stamp
        self._written = True
        self.s3_object.internal_last_modified = stamp

    @property
    def last_modified(self) -> int:
        """When the body was written, in nanoseconds: LocalStack compares it with the record's."""
        return self._stamp

    @property
    def checksum(self) -> str | None:
        """The body's checksum by the record's algorithm, in base64; None if the record names none."""
        if not self.s3_object.checksum_algorithm:
            return None
        if self._checksum_hash is None:
            self._checksum_hash = get_s3_checksum(self.s3_object.checksum_algorithm)
            for data in self._whole():
                self._checksum_hash.update(data)
        return base64.b64encode(self._checksum_hash.digest()).decode()

    @property
    def etag(self) -> str:
        """The MD5 of the body, in hexadecimal digits."""
        if self._etag is None:
            digest = hashlib.md5(usedforsecurity=False)
            for data in self._whole():
                digest.update(data)
            self._etag = digest.hexdigest()
        return self._etag

    def _whole(self) -> Iterator[bytes]:
        with self._bodies.path(self._stamp).open("rb") as body:
            while data := body.read(CHUNK_BYTES):
                yield data

    def __iter__(self) -> Iterator[bytes]:
        """The content from the current position, in chunks; whoever iterates calls `close` afterwards."""
        while data := self.read(CHUNK_BYTES):
            yield data

    def close(self) -> None:
        """Close the file; after a write, remove the bodies that it replaced."""
        if self.closed:
            return
        self.closed = True
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._written:
            try:
                if self._failed:
                    self._bodies.path(self._stamp).unlink(missing_ok=True)
                else:
                    self._bodies.remove(keep=self._stamp)
            finally:
                self._bodies.commit_lock.release()

    def __exit__(self, error_type: type[BaseException] | None, *details: object) -> None:
        self._failed = error_type is not None
        self.close()


class DiskStoredMultipart(S3StoredMultipart):
    """The parts of one multi-part upload, as files in a folder of its own."""

    def __init__(self, s3_store: DiskObjectStore, bucket: str, s3_multipart: Any, folder: Path) -> None:
        super().__init__(s3_store=s3_store, bucket=bucket, s3_multipart=s3_multipart)
        self._folder = folder

    def _bodies(self, s3_part: Any) -> Bodies:
        return Bodies(self._folder, str(s3_part.part_number))

    def open(self, s3_part: Any, mode: Literal["r", "w"] = "r") -> DiskStoredObject:
        """Open a part for reading, or for (re)placing it."""
        return DiskStoredObject(s3_part, self._bodies(s3_part), mode)

    def remove_part(self, s3_part: Any) -> None:
        """Forget a part that turned out wrong."""
        self._bodies(s3_part).remove()

    def complete_multipart(self, parts: list[Any]) -> None:
        """Make the parts, in order, the body of the upload's object."""
        with contextlib.ExitStack() as stack:
            opened = [stack.enter_context(self.open(part, "r")) for part in parts]
            with self._s3_store.open(self.bucket, self.s3_multipart.object, "w") as whole:
                whole.concatenate(opened)

    def copy_from_object(self, s3_part: Any, src_bucket: str, src_s3_object: Any, range_data: Any) -> None:
        """Make a part of an existing object, or of a range of it."""
        with (
            self._s3_store.open(src_bucket, src_s3_object, "r") as source,
            self.open(s3_part, "w") as part,
        ):
            part.write(LimitedStream(source, range_data=range_data) if range_data else source)
            if s3_part.checksum_algorithm:
                s3_part.checksum_value = part.checksum

    def close(self) -> None:
        """Remove all parts."""
        discard_tree(self._folder)


class DiskObjectStore(S3ObjectStore):
    """LocalStack's interface to bodies, on files below `root_directory`."""

    def __init__(self, root_directory: Path) -> None:
        self.root_directory = str(root_directory)
        self._root = root_directory
        self._root.mkdir(parents=True, exist_ok=True)

    def _bucket(self, bucket: str) -> Path:
        return self._root / bucket

    def _bodies(self, bucket: str, s3_object: Any) -> Bodies:
        digest = object_digest(s3_object.key, s3_object.version_id)
        return Bodies(self._bucket(bucket) / "objects" / digest[:2], digest)

    def open(self, bucket: str, s3_object: Any, mode: Literal["r", "w"] = "r") -> DiskStoredObject:
        """Open an object's body for reading, or for replacing it."""
        if mode == "w":
            deferring.touch(bucket, s3_object.key)
        return DiskStoredObject(s3_object, self._bodies(bucket, s3_object), mode)

    def remove(self, bucket: str, s3_object: Any) -> None:
        """Remove the body of one record or of several; a newer body under the same name stays."""
        for each in s3_object if isinstance(s3_object, list) else [s3_object]:
            deferring.touch(bucket, each.key)
            bodies = self._bodies(bucket, each)
            if stamp := int(getattr(each, "internal_last_modified", 0) or 0):
                discard(bodies.path(stamp))
            elif hasattr(each, "etag"):  # delete markers have no body
                bodies.remove()

    def copy(self, src_bucket: str, src_object: Any, dest_bucket: str, dest_object: Any) -> DiskStoredObject:
        """Give `dest_object` the body of `src_object`; returns the destination, open."""
        with self.open(src_bucket, src_object, "r") as source:
            destination = self.open(dest_bucket, dest_object, "w")
            destination.link(source)
        return destination

    def get_multipart(self, bucket: str, s3_multipart: Any) -> DiskStoredMultipart:
        """The parts of an upload."""
        folder = self._bucket(bucket) / "uploads" / quote(s3_multipart.id, safe="")
        return DiskStoredMultipart(self, bucket, s3_multipart, folder)

    def remove_multipart(self, bucket: str, s3_multipart: Any) -> None:
        """Remove the parts of an upload that was completed or given up."""
        self.get_multipart(bucket, s3_multipart).close()

    def create_bucket(self, bucket: str) -> None:
        """Make the bucket's folder."""
        self._bucket(bucket).mkdir(parents=True, exist_ok=True)

    def delete_bucket(self, bucket: str) -> None:
        """Remove the bucket's folder."""
        discard_tree(self._bucket(bucket))

    def flush(self) -> None:
        """Nothing to do: a body is on disk when its write returns."""

    def close(self) -> None:
        """Nothing to do: bodies stay."""

    def reset(self) -> None:
        """Remove all bodies."""
        for entry in self._root.iterdir():
            shutil.rmtree(entry, ignore_errors=True)


Known = Callable[[str], tuple[set[int], set[str]] | None]
"""Of a bucket: the stamps of its objects' bodies, and the ids of its uploads; None if there is no such bucket."""


def sweep(root: Path, known: Known, started: int) -> int:
    """Remove what no record knows and what was written before `started` (nanoseconds); returns how many bodies."""
    removed = 0
    for bucket in sorted(root.iterdir()):
        told = known(bucket.name)
        if told is None:
            if bucket.stat().st_mtime_ns < started:
                removed += sum(1 for path in bucket.rglob("*") if path.is_file())
                shutil.rmtree(bucket, ignore_errors=True)
            continue
        stamps, uploads = told
        for path in bucket.glob("objects/*/*"):
            stamp = int(path.name.split(".")[1])
            if stamp < started and (stamp not in stamps or path.suffix == ".unfinished"):
                path.unlink(missing_ok=True)
                removed += 1
        for folder in bucket.glob("uploads/*"):
            if unquote(folder.name) not in uploads and folder.stat().st_mtime_ns < started:
                shutil.rmtree(folder, ignore_errors=True)
    return removed
