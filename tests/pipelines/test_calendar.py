"""Windows of training and evaluation."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_pipelines import calendar
from penstock_pipelines.errors import DataError

START = date(2013, 1, 1)


def keys(*months: int) -> list[str]:
    return [f"flights/year=2013/month={month:02d}/part-0.parquet" for month in months]


def test_the_design_calendar() -> None:
    found = calendar.windows(START, calendar.landed_until(keys(*range(1, 9)), START), 2)
    assert found == calendar.Windows(START, date(2013, 7, 1), date(2013, 7, 1), date(2013, 9, 1))
    later = calendar.windows(START, calendar.landed_until(keys(*range(1, 12)), START), 1)
    assert later == calendar.Windows(START, date(2013, 11, 1), date(2013, 11, 1), date(2013, 12, 1))


def test_months_behind_a_gap_do_not_count() -> None:
    assert calendar.landed_until(keys(1, 2, 4, 5), START) == date(2013, 3, 1)


def test_months_need_no_leading_zero_and_cross_years() -> None:
    assert calendar.landed_until(["f/year=2013/month=12/a", "f/year=2014/month=1/a"], date(2013, 12, 9)) == date(
        2014, 2, 1
    )


def test_nothing_landed() -> None:
    with pytest.raises(DataError, match="2013-01"):
        calendar.landed_until(keys(2, 3), START)


def test_too_little_to_train_on() -> None:
    with pytest.raises(DataError, match="leave no month to train on"):
        calendar.windows(START, date(2013, 3, 1), 2)


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.integers(-200, 200))
def test_adding_months_can_be_undone(day: date, months: int) -> None:
    assert calendar.add_months(calendar.add_months(day, months), -months) == day.replace(day=1)


@given(st.integers(1, 24), st.integers(1, 24))
def test_windows_join_without_gap_or_overlap(landed: int, kept: int) -> None:
    until = calendar.add_months(START, landed)
    if landed <= kept:
        return
    found = calendar.windows(START, until, kept)
    assert found.train_to == found.evaluate_from
    assert found.train_from < found.train_to < found.evaluate_to == until
    assert found.evaluate_to - found.evaluate_from >= timedelta(days=28 * kept)
