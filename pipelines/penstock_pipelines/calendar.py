"""Windows of time: which landed months a model is trained on and which it is evaluated on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from penstock_pipelines.errors import DataError

MONTH_PARTITION = re.compile(r"year=(\d{4})/month=(\d{1,2})/")


@dataclass(frozen=True)
class Windows:
    """Half-open windows of whole days: [from, to). Evaluation follows training without a gap or an overlap."""

    train_from: date
    train_to: date
    evaluate_from: date
    evaluate_to: date


def add_months(day: date, months: int) -> date:
    """The first day of the month that lies `months` after the month of `day` (negative: before)."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def windows(start: date, landed_until: date, evaluation_months: int) -> Windows:
    """Train on all but the newest `evaluation_months` of the landed data, evaluate on those.

    `landed_until` is exclusive: the first day of the month after the newest landed one. At least one month must be
    left for training, else DataError.
    """
    split = add_months(landed_until, -evaluation_months)
    if split <= start:
        raise DataError(
            f"Data from {start} until {landed_until} leave no month to train on when {evaluation_months} are kept for "
            "evaluation.",
            "Land more months, or lower pipeline.evaluation_months in penstock.yaml.",
        )
    return Windows(start, split, split, landed_until)


def landed_until(keys: Iterable[str], start: date) -> date:
    """First day after the unbroken run of landed months that begins at the month of `start`.

    `keys` are object keys with `year=YYYY/month=MM/` partitions; months behind a gap do not count, because a window
    with a hole would train on less than it says. DataError when the first month itself is missing.
    """
    months = {date(int(m[1]), int(m[2]), 1) for key in keys if (m := MONTH_PARTITION.search(key))}
    first = start.replace(day=1)
    if first not in months:
        raise DataError(
            f"No data have landed for {first:%Y-%m}, the first month that penstock.yaml names (pipeline.start).",
            "Land the data in the raw zone (year=YYYY/month=MM/), or correct pipeline.start.",
        )
    month = first
    while month in months:
        month = add_months(month, 1)
    return month
