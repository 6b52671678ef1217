"""at(), rate() and cron(): the next time after a moment, as EventBridge Scheduler's user guide says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_gateway.schedules.expressions import ExpressionError, parse


def seconds(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def after(expression: str, moment: str, count: int = 1, zone: str = "UTC") -> list[str]:
    """The next times after a moment of UTC, as local times of the zone."""
    parsed, found, last = parse(expression, zone), [], seconds(moment)
    for _ in range(count):
        upcoming = parsed.next(last)
        if upcoming is None:
            break
        last = upcoming
        found.append(datetime.fromtimestamp(last, ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M"))
    return found


@pytest.mark.parametrize(
    ("expression", "moment", "expected"),
    [
        ("cron(0 10 * * ? *)", "2026-03-01T10:00:00", ["2026-03-02T10:00", "2026-03-03T10:00"]),
        ("cron(15 12 ? * MON-FRI *)", "2026-11-20T12:15:00", ["2026-11-23T12:15", "2026-11-24T12:15"]),
        ("cron(0/15 8-9 ? * 2 *)", "2026-11-23T09:30:00", ["2026-11-23T09:45", "2026-11-30T08:00"]),
        ("cron(0 18 L * ? *)", "2026-02-01T00:00:00", ["2026-02-28T18:00", "2026-03-31T18:00"]),
        ("cron(0 0 LW * ? *)", "2026-01-01T00:00:00", ["2026-01-30T00:00", "2026-02-27T00:00"]),
        ("cron(0 0 1W * ? *)", "2026-07-31T00:00:00", ["2026-08-03T00:00", "2026-09-01T00:00"]),
        ("cron(0 0 31W 5 ? *)", "2026-01-01T00:00:00", ["2026-05-29T00:00", "2027-05-31T00:00"]),
        ("cron(0 6 ? * 6L *)", "2026-11-01T00:00:00", ["2026-11-27T06:00", "2026-12-25T06:00"]),
        ("cron(0 6 ? * MON#1 *)", "2026-11-01T00:00:00", ["2026-11-02T06:00", "2026-12-07T06:00"]),
        ("cron(0 0 ? * FRI-SUN *)", "2026-11-20T00:00:00", ["2026-11-21T00:00", "2026-11-22T00:00"]),
        ("cron(0 0 29 FEB ? *)", "2026-01-01T00:00:00", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("cron(30 9 1,15 JAN,JUL ? 2027-2028)", "2027-07-15T09:30:00", ["2028-01-01T09:30", "2028-01-15T09:30"]),
        ("cron(0 0 1 1 ? 2030)", "2026-01-01T00:00:00", ["2030-01-01T00:00"]),
        ("at(2026-11-20T13:00:00)", "2026-11-20T12:00:00", ["2026-11-20T13:00"]),
        ("at(2026-11-20T13:00:00)", "2026-11-20T13:00:00", []),
    ],
)
def test_next_times(expression: str, moment: str, expected: list[str]) -> None:
    assert after(expression, moment, 2) == expected


def test_time_zones_and_the_change_of_clocks() -> None:
    berlin = "Europe/Berlin"
    assert after("at(2026-07-01T08:00:00)", "2026-01-01T00:00:00", zone=berlin) == ["2026-07-01T08:00"]
    assert parse("at(2026-07-01T08:00:00)", berlin).next(0) == seconds("2026-07-01T06:00:00")
    # 02:30 does not exist on 29 March, and exists twice on 25 October.
    spring = after("cron(30 2 * * ? *)", "2026-03-28T00:00:00", 3, berlin)
    assert spring == ["2026-03-28T02:30", "2026-03-30T02:30", "2026-03-31T02:30"]
    autumn = after("cron(30 2 * * ? *)", "2026-10-24T12:00:00", 2, berlin)
    assert autumn == ["2026-10-25T02:30", "2026-10-26T02:30"]


def test_rates_count_from_their_start_and_at_once() -> None:
    rate = parse("rate(5 minutes)", None, start=1000.5)
    assert rate.next(0) == 1000.5
    assert rate.next(1000.5) == 1300.5
    assert rate.next(1299) == 1300.5
    assert parse("rate(1 day)", "Europe/Berlin", start=0).next(0) == 86400


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "rate(0 minutes)", "rate(1 minutes)", "rate(2 minute)", "rate(5 seconds)", "rate(x days)",
        "at(2026-02-30T00:00:00)", "at(2026-01-01)", "cron(* * * * *)", "cron(0 0 * * * *)", "cron(0 0 ? * ? *)",
        "cron(60 0 * * ? *)", "cron(0 24 * * ? *)", "cron(0 0 32 * ? *)", "cron(0 0 ? * 8 *)", "cron(0 0 ? * 2#6 *)",
        "cron(0 0 * 13 ? *)", "cron(0 0 * * ? 1969)", "cron(0/0 0 * * ? *)", "cron(a 0 * * ? *)", "cron(-1 0 * * ? *)",
    ],
)  # fmt: skip
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


def test_unknown_time_zones() -> None:
    for name in ("Mars/Olympus", "../etc/passwd", "/etc/localtime"):
        with pytest.raises(ExpressionError):
            parse("rate(1 day)", name)


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    day=st.integers(1, 28),
    now=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
)
def test_a_cron_time_matches_its_fields_and_none_is_left_out(minute: int, hour: int, day: int, now: datetime) -> None:
    moment = now.replace(tzinfo=UTC).timestamp()
    found = parse(f"cron({minute} {hour} {day} * ? *)").next(moment)
    assert found is not None
    at = datetime.fromtimestamp(found, UTC)
    assert (at.minute, at.hour, at.day, at.second) == (minute, hour, day, 0)
    assert timedelta(0) < at - now.replace(tzinfo=UTC) <= timedelta(days=31)
