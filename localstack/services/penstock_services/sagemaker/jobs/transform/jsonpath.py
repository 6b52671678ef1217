"""The part of JSONPath that filters of batch transform understand.

``$``, ``.name``, ``*``, ``['name', 'name']``, ``[number, number]`` (negative from the end) and ``[start:end]``, also mixed as in
``$[0,5:]`` (developer guide, "Associate Prediction Results with Input Records", supported JSONPath operators).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_STEP = re.compile(r"\.?\[(?P<bracket>[^\]]*)\]|\.(?P<name>[^.\[\]]+)")
_INDEX = re.compile(r"\s*(-?\d+)\s*$")
_SLICE = re.compile(r"\s*(-?\d*)\s*:\s*(-?\d*)\s*$")
_NAME = re.compile(r"""\s*(?:'([^']*)'|"([^"]*)")\s*$""")


class FilterError(Exception):
    """An expression that is not understood, or that does not fit the data; the text says which."""


@dataclass(frozen=True)
class _Step:
    """One step: names of an object's members, or places in an array, or all of either."""

    names: tuple[str, ...] = ()
    places: tuple[int | slice, ...] = ()
    every: bool = False


@dataclass(frozen=True)
class Path:
    """A parsed expression."""

    text: str
    steps: tuple[_Step, ...]

    def row(self, row: list[str]) -> list[str]:
        """The chosen columns of a row of CSV."""
        found = self.value(row)
        return [str(each) for each in found] if isinstance(found, list) else [str(found)]

    def value(self, value: Any) -> Any:
        """What the expression selects; raises FilterError where an index or name is not there."""
        for step in self.steps:
            value = self._apply(step, value)
        return value

    def _apply(self, step: _Step, value: Any) -> Any:
        if step.every:
            return list(value.values()) if isinstance(value, dict) else value
        if step.names:
            if not isinstance(value, dict) or any(name not in value for name in step.names):
                missing = ", ".join(name for name in step.names if not isinstance(value, dict) or name not in value)
                message = f"{self.text}: there is no {missing}"
                raise FilterError(message)
            return value[step.names[0]] if len(step.names) == 1 else {name: value[name] for name in step.names}
        if not isinstance(value, list):
            message = f"{self.text}: an index does not apply to what is not an array"
            raise FilterError(message)
        chosen: list[Any] = []
        for place in step.places:
            if isinstance(place, slice):
                chosen.extend(value[place])
                continue
            try:
                chosen.append(value[place])
            except IndexError:
                message = f"{self.text}: index {place} is not within the {len(value)} columns"
                raise FilterError(message) from None
        only = step.places[0] if len(step.places) == 1 else None
        return chosen[0] if isinstance(only, int) else chosen


def parse(text: str) -> Path:
    """Parse an expression; raises FilterError."""
    if not text.startswith("$"):
        message = f"{text!r} is not a JSONPath expression: it must begin with $"
        raise FilterError(message)
    steps, position = [], 1
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            raise _not_understood(text, position)
        steps.append(_named(found["name"]) if found["name"] is not None else _bracket(text, found["bracket"], position))
        position = found.end()
    return Path(text, tuple(steps))


def _named(name: str) -> _Step:
    return _Step(every=True) if name == "*" else _Step(names=(name,))


def _bracket(text: str, content: str, position: int) -> _Step:
    if content.strip() == "*":
        return _Step(every=True)
    names: list[str] = []
    places: list[int | slice] = []
    for part in content.split(","):
        if found := _NAME.match(part):
            names.append(found[1] if found[1] is not None else found[2])
        elif found := _INDEX.match(part):
            places.append(int(found[1]))
        elif found := _SLICE.match(part):
            start, end = (int(each) if each else None for each in found.groups())
            places.append(slice(start, end))
        else:
            raise _not_understood(text, position)
    if names and places:
        raise _not_understood(text, position)
    return _Step(tuple(names), tuple(places))


def _not_understood(text: str, position: int) -> FilterError:
    return FilterError(f"{text!r} is not a JSONPath expression that batch transform supports: {text[position:]!r}")
