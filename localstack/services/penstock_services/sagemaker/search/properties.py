"""Properties by which resources are searched: "TrainingJobName", "HyperParameters.depth", "InputDataConfig.ChannelName".

Source: Filter and SearchRecord in the API reference.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import Any

from penstock_services.sagemaker.model import load

# Lists of named things, which a property names by their name: the list, its name member, its value's members.
_NAMED = {
    "Metrics": (("FinalMetricDataList", "Metrics"), "MetricName"),
    "Tags": (("Tags",), "Key"),
    "PipelineParameters": (("PipelineParameters",), "Name"),
}
_DEPTH = 4


def type_of(shape: str, name: str) -> str | None:
    """The type of a property of a resource ("string", "timestamp", "float"... or "any"); None where there is none."""
    head, _, rest = name.partition(".")
    if head in _NAMED and rest:
        return "any" if any(each in load("sagemaker").members(shape) for each in _NAMED[head][0]) else None
    return _leaf(shape, tuple(name.split(".")))


def _leaf(shape: str, path: tuple[str, ...]) -> str | None:
    model = load("sagemaker")
    described = model.shapes[shape]
    kind = str(described["type"])
    if kind == "list":
        return _leaf(described["member"]["shape"], path)
    if not path:
        return kind
    if kind == "map":
        return "any"
    members = described.get("members", {})
    return _leaf(members[path[0]]["shape"], path[1:]) if path[0] in members else None


def values(record: dict[str, Any], name: str) -> list[Any]:
    """The values of a property: several where it leads through lists, none where it is not there."""
    head, _, rest = name.partition(".")
    if head in _NAMED and rest:
        lists, key = _NAMED[head]
        return [
            value
            for member in lists
            for item in record.get(member) or []
            for value in _named(item, item.get(key), rest, ignored=key)
        ]
    return _walk(record, name.split("."))


def _named(item: dict[str, Any], name: Any, wanted: str, ignored: str) -> list[Any]:
    """What an item of a named list says for ``name`` or ``name.Member``."""
    if name == wanted:
        stated = [item[member] for member in ("Value", "Last") if member in item]
        return stated[:1]
    name_, _, member = wanted.rpartition(".")
    return [item[member]] if name == name_ and member != ignored and member in item else []


def _walk(value: Any, path: list[str]) -> list[Any]:
    if isinstance(value, list):
        return list(itertools.chain.from_iterable(_walk(each, path) for each in value))
    if not path:
        return [value]
    if not isinstance(value, dict):
        return []
    if path[0] in value:
        return _parameter(_walk(value[path[0]], path[1:]))
    whole = ".".join(path)
    return _parameter([value[whole]]) if whole in value else []


def _parameter(found: list[Any]) -> list[Any]:
    """A trial component's parameter or artifact is its value."""
    parts = ("NumberValue", "StringValue", "Value")
    return [
        next((each[part] for part in parts if part in each), each) if isinstance(each, dict) else each for each in found
    ]


@functools.cache
def names(shape: str) -> tuple[str, ...]:
    """The properties of a resource that have a value of their own."""
    return tuple(_names(shape, (), 0))


def _names(shape: str, path: tuple[str, ...], depth: int) -> Iterator[str]:
    model = load("sagemaker")
    described = model.shapes[shape]
    if described["type"] == "list":
        yield from _names(described["member"]["shape"], path, depth)
    elif described["type"] == "structure" and depth < _DEPTH:
        for member, reference in described.get("members", {}).items():
            yield from _names(reference["shape"], (*path, member), depth + 1)
    elif described["type"] not in ("structure", "map") and path:
        yield ".".join(path)


def own_names(record: dict[str, Any]) -> Iterator[str]:
    """The properties that a record has by what is in it: its hyperparameters, tags and metrics."""
    for name in record.get("HyperParameters") or {}:
        yield f"HyperParameters.{name}"
    for head, (lists, key) in _NAMED.items():
        for member in lists:
            for item in record.get(member) or []:
                yield f"{head}.{item.get(key)}"
