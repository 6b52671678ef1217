"""When a training job is stopped early, and when a tuning job has found enough.

Developer guide, "Stop Training Jobs Early": after each epoch the objective is compared with the median, over the previous
training jobs, of the running average of their objective up to the same epoch.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def worse_than_median(series: Sequence[float], previous: Sequence[Sequence[float]], *, maximize: bool) -> bool:
    """Whether the last value of ``series`` is worse than the median of the running averages of ``previous``."""
    epoch = len(series)
    averages = [statistics.fmean(each[:epoch]) for each in previous if 0 < epoch <= len(each)]
    if not averages:
        return False
    median = statistics.median(averages)
    return series[-1] < median if maximize else series[-1] > median


def not_improving(objectives: Sequence[float], *, maximize: bool) -> int:
    """How many of the last objectives, in the order in which they came, did not improve the best one."""
    best: float | None = None
    count = 0
    for value in objectives:
        if best is None or (value > best if maximize else value < best):
            best, count = value, 0
        else:
            count += 1
    return count


_CONVERGED_JOBS = 10
_CONVERGED_SHARE = 0.01


def converged(objectives: Sequence[float], *, maximize: bool) -> bool:
    """Whether the search has converged: "a lack of significant improvement (1% or less)" (API reference,
    ConvergenceDetected), here of the best objective over the last ten training jobs after ten others, measured by the
    spread of all objectives."""
    if len(objectives) < 2 * _CONVERGED_JOBS:
        return False
    spread = max(objectives) - min(objectives)
    pick = max if maximize else min
    gain = abs(pick(objectives) - pick(objectives[:-_CONVERGED_JOBS]))
    return gain <= _CONVERGED_SHARE * spread
