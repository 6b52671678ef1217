"""RecordIO-protobuf: SageMaker's format of labelled vectors, dense and sparse.

Framing: magic number, length, the record, padding to four bytes. The record's message is AIData's ``Record`` (features = 1,
label = 2, maps of name to ``Value``; ``Value``: float32_tensor = 2, float64_tensor = 3, int32_tensor = 7; tensors: values =
1, keys = 2, shape = 3), SageMaker developer guide, "Common Data Formats for Training".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

_MAGIC = 0xCED7230A
_LENGTH = (1 << 29) - 1
_KINDS = {2: "f", 3: "d", 7: "i"}


def records(content: bytes) -> Iterator[bytes]:
    """The records of a file; ValueError if it is none."""
    place = 0
    while place < len(content):
        if len(content) - place < 8:
            message = "a record is cut off"
            raise ValueError(message)
        magic, length = struct.unpack_from("<II", content, place)
        length &= _LENGTH
        if magic != _MAGIC or place + 8 + length > len(content):
            message = f"there is no record at byte {place}"
            raise ValueError(message)
        yield content[place + 8 : place + 8 + length]
        place += 8 + (length + 3) // 4 * 4


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def _fields(content: bytes) -> Iterator[tuple[int, int, Any]]:
    """Number, wire type and value of each field of a message."""
    place = 0
    while place < len(content):
        key, place = _varint(content, place)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, place = _varint(content, place)
            yield number, wire, value
            continue
        if wire == 2:
            length, place = _varint(content, place)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            message = f"a field of wire type {wire} is no part of a record"
            raise ValueError(message)
        yield number, wire, content[place : place + length]
        place += length


def _integers(wire: int, value: Any) -> list[int]:
    if wire == 0:
        return [value]
    found, place = [], 0
    while place < len(value):
        number, place = _varint(value, place)
        found.append(number)
    return found


def _tensor(content: bytes, kind: str) -> tuple[list[float], list[int], list[int]]:
    """Values, keys and shape."""
    values: list[float] = []
    keys: list[int] = []
    shape: list[int] = []
    for number, wire, value in _fields(content):
        if number == 1 and kind == "i":
            values += [each - (1 << 64) if each >= 1 << 63 else each for each in _integers(wire, value)]
        elif number == 1:
            values += struct.unpack(f"<{len(value) // struct.calcsize(kind)}{kind}", value)
        elif number == 2:
            keys += _integers(wire, value)
        elif number == 3:
            shape += _integers(wire, value)
    return values, keys, shape


def _value(entry: bytes) -> tuple[list[float], list[int], list[int]]:
    """The tensor of a map's entry."""
    for number, _, value in _fields(entry):
        if number == 2:
            for kind, _, tensor in _fields(value):
                if kind in _KINDS:
                    return _tensor(tensor, _KINDS[kind])
    message = "a record's value is no tensor of numbers"
    raise ValueError(message)


def read(content: bytes) -> tuple[Any, list[float] | None]:
    """The features, as a sparse table, and the labels, None where the records have none. Raises ValueError."""
    import numpy as np
    from scipy.sparse import csr_matrix

    values: list[float] = []
    columns: list[int] = []
    labels: list[float] = []
    ends = [0]
    width = 0
    for record in records(content):
        try:
            for number, _, entry in _fields(record):
                if number == 1:
                    row, keys, shape = _value(entry)
                    values += row
                    columns += keys or range(len(row))
                    width = max([width, *shape, *(key + 1 for key in keys), 0 if keys else len(row)])
                elif number == 2:
                    labels += _value(entry)[0][:1]
        except (IndexError, struct.error) as error:
            message = "a record is damaged"
            raise ValueError(message) from error
        ends.append(len(values))
    table = csr_matrix((np.array(values, np.float32), np.array(columns, np.int32), ends), shape=(len(ends) - 1, width))
    return table, labels or None
