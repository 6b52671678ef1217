"""How far two distributions are apart: the population stability index (PSI).

PSI is the sum over bins of (p - q) ln(p / q). Below 0.1 counts as stable, above 0.2 as shifted. Numbers are binned by the
tenths of the baseline, texts by their values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
BINS = 10
SMALLEST_SHARE = 1e-4


def psi(baseline: Floats, current: Floats) -> float:
    """PSI of two shares over the same bins; empty bins count as one in ten thousand."""
    p, q = np.clip(baseline, SMALLEST_SHARE, None), np.clip(current, SMALLEST_SHARE, None)
    return float(((p - q) * np.log(p / q)).sum())


def edges(baseline: Floats) -> Floats:
    """Inner edges of the baseline's tenths; fewer where many values are equal."""
    inner: Floats = np.unique(np.quantile(baseline, np.linspace(0, 1, BINS + 1)[1:-1]))
    return inner


def shares(values: Floats, inner_edges: Floats) -> Floats:
    """Share of the values in each bin; a bin holds its upper edge."""
    counts = np.bincount(np.searchsorted(inner_edges, values, side="left"), minlength=len(inner_edges) + 1)
    part: Floats = counts / max(len(values), 1)
    return part


def of_numbers(baseline: Floats, current: Floats) -> float:
    """PSI of two samples of numbers; 0 when either is empty, as then completeness tells the story."""
    if not len(baseline) or not len(current):
        return 0.0
    inner = edges(baseline)
    return psi(shares(baseline, inner), shares(current, inner))


def of_categories(baseline: Mapping[str, int], current: Mapping[str, int]) -> float:
    """PSI of two counts of texts."""
    if not baseline or not current:
        return 0.0
    names = sorted({*baseline, *current})

    def part(counts: Mapping[str, int]) -> Floats:
        return np.array([counts.get(name, 0) for name in names], dtype=np.float64) / sum(counts.values())

    return psi(part(baseline), part(current))
