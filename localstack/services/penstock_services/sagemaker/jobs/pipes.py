"""Pipe mode: channels as named pipes /opt/ml/input/data/<channel>_<epoch>, fed while the command reads them.

A pipe carries the objects one after the other; with RecordWrapperType RecordIO each as one record; of an augmented
manifest the wanted attributes of each line, where the object that an attribute "...-ref" names stands for it. The pipe of
the next epoch is there as soon as the one before it has been opened.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html (Pipe mode),
https://docs.aws.amazon.com/sagemaker/latest/dg/augmented-manifest.html
"""

from __future__ import annotations

import errno
import json
import logging
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.execution.transfer import TransferError, split
from penstock_services.sagemaker.jobs.channels import Channel

_LOG = logging.getLogger(__name__)
_MAGIC = 0xCED7230A
_LONGEST_RECORD = (1 << 29) - 1
_CHUNK = 1 << 20
_POLL_SECONDS = 0.02


class PipeFeed:
    """Feeds one channel of one host until ``stop``, or until an object cannot be read (``problem`` says so then)."""

    def __init__(self, client: Any, channel: Channel, folder: Path) -> None:
        self.problem: str | None = None
        self._client = client
        self._channel = channel
        self._folder = folder
        self._stopping = threading.Event()
        self._make(0)
        self._thread = threading.Thread(target=self._feed, name=f"pipe-{channel.name}", daemon=True)
        self._thread.start()

    def _path(self, epoch: int) -> Path:
        return self._folder / f"{self._channel.name}_{epoch}"

    def _make(self, epoch: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        os.mkfifo(self._path(epoch))

    def _feed(self) -> None:
        epoch = 0
        try:
            while not self._stopping.is_set():
                pipe = self._opened(epoch)
                if pipe is None:
                    return
                self._make(epoch + 1)
                with os.fdopen(pipe, "wb", buffering=_CHUNK) as file:
                    self._fill(file, epoch)
                epoch += 1
        except (OSError, TransferError, BotoCoreError, ClientError) as error:
            if not self._stopping.is_set():
                self.problem = f"the channel {self._channel.name} cannot be read: {error}"
                _LOG.warning("%s", self.problem)

    def _opened(self, epoch: int) -> int | None:
        """The pipe, when somebody reads it; None when there is no need any more."""
        while not self._stopping.wait(_POLL_SECONDS):
            try:
                pipe = os.open(self._path(epoch), os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    continue
                raise
            os.set_blocking(pipe, True)
            return pipe
        return None

    def _fill(self, file: Any, epoch: int) -> None:
        try:
            for piece in self._content(epoch):
                file.write(piece)
            file.flush()
        except BrokenPipeError:
            # The reader has enough of this epoch.
            file.raw.close()

    def _content(self, epoch: int) -> Iterator[bytes]:
        if self._channel.source["S3DataType"] == "AugmentedManifestFile":
            yield from self._augmented(epoch)
            return
        for item in self._channel.items(self._client, epoch):
            yield from self._object(item.bucket, item.key)

    def _object(self, bucket: str, key: str) -> Iterator[bytes]:
        body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
        chunks = iter(lambda: body.read(_CHUNK), b"")
        pieces = _decompressed(chunks) if self._channel.compressed else chunks
        if self._channel.record_io:
            yield from _record(b"".join(pieces))
        else:
            yield from pieces

    def _augmented(self, epoch: int) -> Iterator[bytes]:
        bucket, key = split(self._channel.source["S3Uri"])
        text = self._client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        lines = [line for line in text.splitlines() if line.strip()]
        for line in self._channel.chosen(lines, epoch):
            try:
                document = json.loads(line)
                values = [(name, document[name]) for name in self._channel.source["AttributeNames"]]
            except (ValueError, KeyError, TypeError) as error:
                message = f"a line of the augmented manifest s3://{bucket}/{key} lacks {error}"
                raise TransferError(message) from None
            for name, value in values:
                if name.endswith("-ref"):
                    yield from self._object(*split(str(value)))
                    continue
                content = (value if isinstance(value, str) else json.dumps(value)).encode()
                yield from _record(content) if self._channel.record_io else (content,)

    def stop(self) -> None:
        """Feed no more; a pipe that is being written ends with its reader."""
        self._stopping.set()


def _decompressed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The content of gzip members, one after the other."""
    unpacker = zlib.decompressobj(wbits=31)
    for chunk in chunks:
        rest = chunk
        while rest:
            yield unpacker.decompress(rest)
            rest = unpacker.unused_data
            if unpacker.eof:
                unpacker = zlib.decompressobj(wbits=31)


def _record(content: bytes) -> Iterator[bytes]:
    """One RecordIO record: magic number, length, content, padding to four bytes."""
    if len(content) > _LONGEST_RECORD:
        message = f"an object of {len(content)} bytes does not fit into a RecordIO record"
        raise TransferError(message)
    yield struct.pack("<II", _MAGIC, len(content))
    yield content
    yield b"\0" * (-len(content) % 4)
