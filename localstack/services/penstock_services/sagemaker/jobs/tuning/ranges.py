"""Hyperparameter ranges: from the request's strings to a search space, and back.

Developer guide, "Define Hyperparameter Ranges" and "Hyperparameter scaling": Linear; Logarithmic, for values greater than 0;
ReverseLogarithmic, for continuous values from 0 to below 1; Auto, which SageMaker chooses: here logarithmic for a range of
positive values over three orders of magnitude or more, else linear.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from penstock_services.errors import ServiceError

Record = dict[str, Any]
Scaling = Literal["Linear", "Logarithmic", "ReverseLogarithmic"]
_AUTO_LOGARITHMIC = 1000.0


@dataclass(frozen=True)
class NumberRange:
    """An integer or continuous range. The strategy works with ``1 - value`` where the scaling is reverse logarithmic."""

    name: str
    low: float
    high: float
    scaling: Scaling
    integer: bool

    @property
    def logarithmic(self) -> bool:
        """Whether the inner value is drawn on a logarithmic scale."""
        return self.scaling != "Linear"

    @property
    def bounds(self) -> tuple[float, float]:
        """The range of the inner value."""
        if self.scaling == "ReverseLogarithmic":
            return 1 - self.high, 1 - self.low
        return self.low, self.high

    def text(self, inner: Any) -> str:
        """An inner value as the training job gets it."""
        if self.integer:
            return str(int(inner))
        value = 1 - float(inner) if self.scaling == "ReverseLogarithmic" else float(inner)
        return repr(min(max(value, self.low), self.high))

    def inner(self, text: str) -> float | int | None:
        """The inner value of what a training job got; None where it is not within the range."""
        try:
            value = float(text)
        except ValueError:
            return None
        if not self.low <= value <= self.high:
            return None
        if self.integer:
            return int(value)
        return 1 - value if self.scaling == "ReverseLogarithmic" else value


@dataclass(frozen=True)
class Choice:
    """A categorical range."""

    name: str
    values: tuple[str, ...]

    def text(self, inner: Any) -> str:
        """A chosen value: itself."""
        return str(inner)

    def inner(self, text: str) -> str | None:
        """The value, if it is one of the range's."""
        return text if text in self.values else None


Range = NumberRange | Choice


@dataclass(frozen=True)
class Space:
    """The ranges of one training job definition."""

    ranges: tuple[Range, ...]

    @property
    def combinations(self) -> int:
        """How many combinations of categorical values there are."""
        return math.prod(len(each.values) for each in self.ranges if isinstance(each, Choice))

    @property
    def names(self) -> set[str]:
        """The tuned hyperparameters."""
        return {each.name for each in self.ranges}

    def texts(self, inner: Record) -> dict[str, str]:
        """Hyperparameters of a training job."""
        return {each.name: each.text(inner[each.name]) for each in self.ranges}

    def inner(self, texts: dict[str, str]) -> Record | None:
        """Inner values of hyperparameters; None where one is missing or not within its range."""
        found: Record = {}
        for each in self.ranges:
            value = each.inner(texts[each.name]) if each.name in texts else None
            if value is None:
                return None
            found[each.name] = value
        return found


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def space(given: Record) -> Space:
    """The search space of ``ParameterRanges``; raises ServiceError for what AWS refuses."""
    if given.get("AutoParameters"):
        message = "Penstock's local SageMaker does not choose ranges (ParameterRanges.AutoParameters, Autotune)."
        raise _invalid(message)
    ranges: list[Range] = [_number(each, integer=True) for each in given.get("IntegerParameterRanges", [])]
    ranges += [_number(each, integer=False) for each in given.get("ContinuousParameterRanges", [])]
    for each in given.get("CategoricalParameterRanges", []):
        if len(set(each["Values"])) < len(each["Values"]):
            message = f"The categorical values of hyperparameter {each['Name']} are not unique."
            raise _invalid(message)
        ranges.append(Choice(each["Name"], tuple(each["Values"])))
    if not ranges:
        message = "At least one hyperparameter range must be given (ParameterRanges)."
        raise _invalid(message)
    names = [each.name for each in ranges]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        message = f"Hyperparameter names must be unique over all ranges; given more than once: {', '.join(twice)}."
        raise _invalid(message)
    return Space(tuple(ranges))


def _number(given: Record, *, integer: bool) -> NumberRange:
    name = given["Name"]
    kind = "integer" if integer else "continuous"
    try:
        low, high = (float(int(given[end]) if integer else float(given[end])) for end in ("MinValue", "MaxValue"))
    except ValueError:
        message = (
            f"The bounds of {kind} hyperparameter {name} are not {kind}: {given['MinValue']}, {given['MaxValue']}."
        )
        raise _invalid(message) from None
    if not (math.isfinite(low) and math.isfinite(high)) or low > high:
        message = f"MinValue of hyperparameter {name} must not be greater than its MaxValue."
        raise _invalid(message)
    scaling = given.get("ScalingType", "Auto")
    if scaling == "Auto":
        scaling = "Logarithmic" if low > 0 and high / low >= _AUTO_LOGARITHMIC else "Linear"
    if scaling == "Logarithmic" and low <= 0:
        message = f"Logarithmic scaling needs a range of values greater than 0; that of hyperparameter {name} is not."
        raise _invalid(message)
    if scaling == "ReverseLogarithmic" and (integer or low < 0 or high >= 1):
        message = (
            "ReverseLogarithmic scaling needs a continuous range of values from 0 to below 1; that of hyperparameter "
            f"{name} is not."
        )
        raise _invalid(message)
    return NumberRange(name, low, high, scaling, integer)
