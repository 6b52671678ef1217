"""Shapes of JSON values, as far as model cards need them: each tells what is wrong with a value, or None."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

AnyJson = Any


class Shape(Protocol):
    """What a value must be like."""

    def problem(self, value: AnyJson, path: str) -> str | None:
        """What is wrong with the value at ``path`` ("a.b[0]"; empty for the whole), or None."""


def _at(path: str) -> str:
    return path or "the content"


@dataclass(frozen=True)
class Text:
    """A string of ``least`` to ``most`` characters."""

    most: int | None = None
    least: int = 0

    def problem(self, value: AnyJson, path: str) -> str | None:
        """See Shape."""
        if not isinstance(value, str):
            return f"{_at(path)} must be a string"
        if len(value) < self.least:
            return f"{_at(path)} must have at least {self.least} characters"
        if self.most is not None and len(value) > self.most:
            return f"{_at(path)} must have at most {self.most} characters"
        return None


@dataclass(frozen=True)
class Anything:
    """Any value."""

    def problem(self, _value: AnyJson, _path: str) -> str | None:
        """See Shape."""
        return None


@dataclass(frozen=True)
class Number:
    """A finite number, of at least ``least``."""

    least: float = -math.inf

    def problem(self, value: AnyJson, path: str) -> str | None:
        """See Shape."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return f"{_at(path)} must be a number"
        return None if value >= self.least else f"{_at(path)} must be at least {self.least}"


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def problem(self, value: AnyJson, path: str) -> str | None:
        """See Shape."""
        return None if isinstance(value, bool) else f"{_at(path)} must be true or false"


@dataclass(frozen=True)
class Choice:
    """One of these strings."""

    values: tuple[str, ...]

    def problem(self, value: AnyJson, path: str) -> str | None:
        """See Shape."""
        return None if value in self.values else f"{_at(path)} must be one of {', '.join(self.values)}"


@dataclass(frozen=True)
class Listed:
    """An array of ``least`` to ``most`` items of a shape."""

    item: Shape
    most: int | None = None
    least: int = 0

    def problem(self, value: AnyJson, path: str) -> str | None:
        """See Shape."""
        if not isinstance(value, list):
            return f"{_at(path)} must be an array"
        if len(value) < self.least:
            return f"{_at(path)} must have at least {self.least} items"
        if self.most is not None and len(value) > self.most:
            return f"{_at(path)} must have at most {self.most} items"
        found = (self.item.problem(each, f"{path}[{place}]") for place, each in enumerate(value))
        return next((each for each in found if each is not None), None)


@dataclass(frozen=True)
class Mapped:
    """An object with any names, whose values are of a shape."""

    item: Shape

    def problem(self, value: AnyJson, path: str) -> str | None:
        """See Shape."""
        if not isinstance(value, dict):
            return f"{_at(path)} must be an object"
        found = (self.item.problem(each, f"{path}.{name}".lstrip(".")) for name, each in value.items())
        return next((each for each in found if each is not None), None)


@dataclass(frozen=True)
class Members:
    """An object with these members; ``closed``: and no others."""

    shapes: Mapping[str, Shape]
    required: tuple[str, ...] = ()
    closed: bool = True

    def problem(self, value: AnyJson, path: str) -> str | None:
        """See Shape."""
        if not isinstance(value, dict):
            return f"{_at(path)} must be an object"
        for name in self.required:
            if name not in value:
                return f"{_at(path)} must have {name}"
        for name, each in value.items():
            shape = self.shapes.get(name)
            if shape is None:
                if self.closed:
                    return f"{_at(path)} must not have {name!r}"
                continue
            problem = shape.problem(each, f"{path}.{name}".lstrip("."))
            if problem is not None:
                return problem
        return None


@dataclass(frozen=True)
class OneOf:
    """A value of one of these shapes."""

    shapes: tuple[Shape, ...]

    def problem(self, value: AnyJson, path: str) -> str | None:
        """See Shape; of objects that say their ``type``, the form of that type is meant."""
        problems = [(shape, shape.problem(value, path)) for shape in self.shapes]
        if any(problem is None for _, problem in problems):
            return None
        said = value.get("type") if isinstance(value, dict) else None
        for shape, problem in problems:
            kind = shape.shapes.get("type") if isinstance(shape, Members) else None
            if isinstance(kind, Choice) and said in kind.values:
                return problem
        return problems[0][1]
