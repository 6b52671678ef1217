"""Input objects into records, records into payloads.

``SplitType`` None, Line, RecordIO (records of MXNet's RecordIO, as the protobuf format of the built-in algorithms uses them)
and TFRecord; ``BatchStrategy`` SingleRecord and MultiRecord. Records keep their framing, so that a payload is again a
file of the same format (API reference, TransformInput).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import IO

_MAGIC = 0xCED7230A
_RECORDIO = struct.Struct("<II")
_TFRECORD = struct.Struct("<QI")
_LENGTH = (1 << 29) - 1


class RecordError(Exception):
    """Input that cannot be split, or a record that is too large; the text goes to the data log."""


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    return (line for line in file if line.strip(b"\r\n"))


def _recordio(file: IO[bytes]) -> Iterator[bytes]:
    """A record may have several parts (its flag says so: 1 begins, 2 goes on, 3 ends); they stay together."""
    parts = b""
    while header := file.read(_RECORDIO.size):
        if len(header) < _RECORDIO.size:
            message = "the RecordIO data ends within a header"
            raise RecordError(message)
        magic, word = _RECORDIO.unpack(header)
        if magic != _MAGIC:
            message = "the data is not RecordIO: a record does not begin with its magic number"
            raise RecordError(message)
        length = word & _LENGTH
        parts += header + _exactly(file, length + -length % 4, "RecordIO")
        if word >> 29 in (0, 3):
            yield parts
            parts = b""


def _tfrecord(file: IO[bytes]) -> Iterator[bytes]:
    while header := file.read(_TFRECORD.size):
        if len(header) < _TFRECORD.size:
            message = "the TFRecord data ends within a header"
            raise RecordError(message)
        length, _ = _TFRECORD.unpack(header)
        yield header + _exactly(file, length + 4, "TFRecord")


def _exactly(file: IO[bytes], count: int, name: str) -> bytes:
    content = file.read(count)
    if len(content) < count:
        message = f"the {name} data ends within a record"
        raise RecordError(message)
    return content


def _whole(file: IO[bytes]) -> Iterator[bytes]:
    yield file.read()


_SPLITTERS: dict[str, Callable[[IO[bytes]], Iterator[bytes]]] = {
    "None": _whole,
    "Line": _lines,
    "RecordIO": _recordio,
    "TFRecord": _tfrecord,
}


def split(file: IO[bytes], split_type: str) -> Iterator[bytes]:
    """The records of an open object."""
    return _SPLITTERS[split_type](file)


def batches(records: Iterable[bytes], limit: int, *, single: bool) -> Iterator[list[bytes]]:
    """Records in the payloads in which they are sent: one each, or as many as fit into ``limit`` bytes (0: no limit).

    Raises RecordError for a record that is larger than the limit by itself.
    """
    waiting: list[bytes] = []
    size = 0
    for record in records:
        if limit and len(record) > limit:
            message = "Too much data for max payload size"
            raise RecordError(message)
        if waiting and (single or (limit and size + len(record) > limit)):
            yield waiting
            waiting, size = [], 0
        waiting.append(record)
        size += len(record)
    if waiting:
        yield waiting
