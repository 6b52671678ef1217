"""Property values: Python's form of what Pulumi's protocol carries in protobuf structs.

A property value is None, bool, int, float, str, list, dict with string keys, or `Secret` around one of these.
An unknown (a value that only an update will bring) is the string `UNKNOWN`. Output values, which carry dependencies
as well, are reduced to the value when read: this engine tracks dependencies by property, as the request lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf import struct_pb2

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a constant of Pulumi's protocol
OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e"
ASSET_SIGNATURE = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE_SIGNATURE = "0def7320c3a5731c473e5ecbe6d01bc7"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWN_PREFIX = "04da6b54-"

Properties = dict[str, Any]
_EXACT_INTEGERS = 2**53


class Secret:
    """A value that is never shown and is written to the state only encrypted."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value: Any = value.value if isinstance(value, Secret) else value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.value == other.value

    def __hash__(self) -> int:
        return hash(repr(self.value))

    def __repr__(self) -> str:
        return "Secret(***)"


def from_value(value: struct_pb2.Value) -> Any:
    """Python's form of one protobuf value."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value.startswith(_UNKNOWN_PREFIX) else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) < _EXACT_INTEGERS else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [from_value(item) for item in value.list_value.values]
    if kind == "struct_value":
        return _from_marked({key: from_value(item) for key, item in value.struct_value.fields.items()})
    return None


def _from_marked(fields: Properties) -> Any:
    signature = fields.get(SIGNATURE)
    if signature == SECRET_SIGNATURE:
        return Secret(fields.get("value"))
    if signature == OUTPUT_SIGNATURE:
        inner = fields.get("value", UNKNOWN)
        return Secret(inner) if fields.get("secret") else inner
    if signature == RESOURCE_SIGNATURE:
        identifier = fields.get("id")
        return identifier if identifier is not None else fields.get("urn")
    return fields


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """Python's form of a protobuf struct."""
    return {key: from_value(item) for key, item in struct.fields.items()}


def _fill(target: struct_pb2.Value, value: Any) -> None:
    if value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, Secret):
        fields = target.struct_value.fields
        fields[SIGNATURE].string_value = SECRET_SIGNATURE
        _fill(fields["value"], value.value)
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, list | tuple):
        target.list_value.SetInParent()
        for item in value:
            _fill(target.list_value.values.add(), item)
    elif isinstance(value, dict):
        target.struct_value.SetInParent()
        for key, item in value.items():
            _fill(target.struct_value.fields[key], item)
    else:
        raise TypeError(f"not a property value: {type(value).__name__}")


def to_struct(properties: Properties) -> struct_pb2.Struct:
    """The protobuf struct of `properties`."""
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        _fill(struct.fields[key], value)
    return struct


def plain(value: Any) -> Any:
    """The value with every secret opened."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def hide(value: Any, instead: str = "[secret]") -> Any:
    """The value as it may be shown: secrets replaced."""
    if isinstance(value, Secret):
        return instead
    if isinstance(value, dict):
        return {key: hide(item, instead) for key, item in value.items()}
    if isinstance(value, list):
        return [hide(item, instead) for item in value]
    return value


def _any(value: Any, predicate: Callable[[Any], bool]) -> bool:
    if predicate(value):
        return True
    if isinstance(value, Secret):
        return _any(value.value, predicate)
    if isinstance(value, dict):
        return any(_any(item, predicate) for item in value.values())
    if isinstance(value, list):
        return any(_any(item, predicate) for item in value)
    return False


def has_secret(value: Any) -> bool:
    """Whether there is a secret anywhere in the value."""
    return _any(value, lambda item: isinstance(item, Secret))


def has_unknown(value: Any) -> bool:
    """Whether there is an unknown anywhere in the value."""
    return _any(value, lambda item: isinstance(item, str) and item == UNKNOWN)
