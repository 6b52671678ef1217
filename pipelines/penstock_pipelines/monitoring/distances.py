"""How far two distributions are apart, from 0 (alike) to 1 (nothing in common)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate


def shares(counts: Sequence[int]) -> list[float]:
    """Counts as shares of their sum; all zero for no counts at all."""
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]


def numerical_distance(baseline: Sequence[int], observed: Sequence[int]) -> float:
    """The largest difference between the two cumulative distributions, over buckets in ascending order.

    It is the Kolmogorov-Smirnov distance seen at the buckets' edges: Model Monitor's "Simple" comparison.
    Raises ValueError when the buckets differ in number.
    """
    if len(baseline) != len(observed):
        raise ValueError(f"{len(baseline)} buckets cannot be compared with {len(observed)}")
    pairs = zip(accumulate(shares(baseline)), accumulate(shares(observed)), strict=True)
    return max((abs(one - other) for one, other in pairs), default=0.0)


def categorical_distance(baseline: Mapping[str, int], observed: Mapping[str, int]) -> float:
    """The largest difference between the shares of any one value: Model Monitor's "LInfinity" comparison."""
    values = sorted(set(baseline) | set(observed))
    one = shares([baseline.get(value, 0) for value in values])
    other = shares([observed.get(value, 0) for value in values])
    return max((abs(a - b) for a, b in zip(one, other, strict=True)), default=0.0)
