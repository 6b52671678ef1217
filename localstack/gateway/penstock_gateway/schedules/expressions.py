"""When a schedule runs: `at(...)`, `rate(...)` and `cron(...)`. Pure.

(EventBridge Scheduler user guide, "Schedule types on EventBridge Scheduler". Rates count in lengths of 60 s, an hour of
3600 s and a day of 24 hours from the start; cron and one-time expressions are read in the schedule's time zone, a local
time that the change to summer time leaves out is skipped, and one that comes twice counts once.)
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
_RATE = re.compile(r"rate\((\d+) (minute|minutes|hour|hours|day|days)\)")
_CRON = re.compile(r"cron\(([^()]+)\)")
_UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_YEARS = range(1970, 2200)


class ExpressionError(ValueError):
    """The expression is not one that EventBridge accepts."""


@dataclass(frozen=True)
class At:
    """Once, at a moment (seconds since the epoch)."""

    moment: float

    def next(self, after: float) -> float | None:
        """The first time later than `after`."""
        return self.moment if self.moment > after else None


@dataclass(frozen=True)
class Rate:
    """At `start` and every `seconds` from then."""

    seconds: int
    start: float

    def next(self, after: float) -> float | None:
        """The first time later than `after`."""
        if after < self.start:
            return self.start
        return self.start + (int((after - self.start) // self.seconds) + 1) * self.seconds


@dataclass(frozen=True)
class Cron:
    """At every minute of local time that the six fields name."""

    minutes: list[int]
    hours: list[int]
    day: Callable[[date], bool]
    months: list[int]
    years: list[int]
    zone: tzinfo

    def next(self, after: float) -> float | None:
        """The first time later than `after`; None if there is none."""
        begin = datetime.fromtimestamp(after, self.zone)
        for day in self._days(begin.date()):
            for hour in self.hours:
                for minute in self.minutes:
                    moment = _moment(datetime(day.year, day.month, day.day, hour, minute), self.zone)
                    if moment is not None and moment > after:
                        return moment
        return None

    def _days(self, first: date) -> Iterator[date]:
        for year in self.years:
            if year < first.year:
                continue
            for month in self.months:
                if (year, month) < (first.year, first.month):
                    continue
                for number in range(1, calendar.monthrange(year, month)[1] + 1):
                    day = date(year, month, number)
                    if day >= first and self.day(day):
                        yield day


Expression = At | Rate | Cron


def parse(text: str, zone_name: str | None = None, start: float = 0.0) -> Expression:
    """The expression of a schedule. `start` is where rates count from. Raises ExpressionError."""
    zone = time_zone(zone_name)
    if found := _AT.fullmatch(text):
        try:
            local = datetime.fromisoformat(found.group(1))
        except ValueError:
            raise ExpressionError(text) from None
        return At(local.replace(tzinfo=zone).timestamp())
    if found := _RATE.fullmatch(text):
        value, unit = int(found.group(1)), found.group(2)
        if value < 1 or (value == 1) == unit.endswith("s"):
            raise ExpressionError(text)
        return Rate(value * _UNIT_SECONDS[unit.removesuffix("s")], start)
    if found := _CRON.fullmatch(text):
        return _cron(text, found.group(1).split(), zone)
    raise ExpressionError(text)


def time_zone(name: str | None) -> tzinfo:
    """A zone of the IANA database, of the system or else of dateutil's copy. Raises ExpressionError."""
    if not name or name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        from dateutil.zoneinfo import get_zonefile_instance  # type: ignore[import-untyped]

        found: tzinfo | None = get_zonefile_instance().get(name)
        if found is None:
            raise ExpressionError(name) from None
        return found


def _moment(local: datetime, zone: tzinfo) -> float | None:
    """A local time as seconds since the epoch: the first of two, None where clocks jump over it."""
    aware = local.replace(tzinfo=zone)
    back = datetime.fromtimestamp(aware.timestamp(), zone).replace(tzinfo=None)
    return aware.timestamp() if back == local else None


def _cron(text: str, fields: list[str], zone: tzinfo) -> Cron:
    if len(fields) != 6:
        raise ExpressionError(text)
    minutes, hours, days, months, weekdays, years = (field.upper() for field in fields)
    if (days == "?") == (weekdays == "?"):
        raise ExpressionError(text)
    try:
        return Cron(
            minutes=_numbers(minutes, 0, 59),
            hours=_numbers(hours, 0, 23),
            day=_month_days(days) if weekdays == "?" else _week_days(weekdays),
            months=_numbers(months, 1, 12, _MONTHS),
            years=_numbers(years, _YEARS.start, _YEARS.stop - 1),
            zone=zone,
        )
    except ValueError:
        raise ExpressionError(text) from None


def _numbers(field: str, low: int, high: int, names: dict[str, int] | None = None) -> list[int]:
    """The values that a field of values, lists, ranges and steps names, in order. Raises ValueError."""
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step_text = part.partition("/")
        step = int(step_text) if slash else 1
        if step < 1:
            raise ValueError(part)
        if span == "*":
            first, last = low, high
        else:
            first_text, dash, last_text = span.partition("-")
            first = _value(first_text, low, high, names)
            last = _value(last_text, low, high, names) if dash else (high if slash else first)
        if first <= last:
            found.update(range(first, last + 1, step))
        else:  # FRI-MON
            around = [*range(first, high + 1), *range(low, last + 1)]
            found.update(around[::step])
    return sorted(found)


def _value(text: str, low: int, high: int, names: dict[str, int] | None) -> int:
    value = (names or {}).get(text)
    if value is None:
        if not text.isdecimal():
            raise ValueError(text)
        value = int(text)
    if not low <= value <= high:
        raise ValueError(text)
    return value


def _last(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _month_days(field: str) -> Callable[[date], bool]:
    """Days of the month: numbers, `L` the last, `LW` the last weekday, `15W` the weekday nearest to the 15th."""
    if field == "L":
        return lambda day: day.day == _last(day)
    if field == "LW":
        return lambda day: day.day == _nearest_weekday(day, _last(day))
    if found := re.fullmatch(r"(\d+)W", field):
        number = _value(found.group(1), 1, 31, None)
        return lambda day: number <= _last(day) and day.day == _nearest_weekday(day, number)
    numbers = frozenset(_numbers(field, 1, 31))
    return lambda day: day.day in numbers


def _nearest_weekday(day: date, number: int) -> int:
    """The day of `day`'s month that is a weekday and nearest to day `number`, within the month."""
    weekday = day.replace(day=number).weekday()
    if weekday == 5:
        return number - 1 if number > 1 else 3
    if weekday == 6:
        return number + 1 if number < _last(day) else number - 2
    return number


def _week_days(field: str) -> Callable[[date], bool]:
    """Days of the week, 1 is Sunday: `6L` the month's last Friday, `2#1` its first Monday, `L` Saturday."""
    if field == "L":
        field = "7"
    if found := re.fullmatch(r"(\w+)L", field):
        number = _value(found.group(1), 1, 7, _DAYS)
        return lambda day: _weekday(day) == number and day.day + 7 > _last(day)
    if found := re.fullmatch(r"(\w+)#([1-5])", field):
        number, turn = _value(found.group(1), 1, 7, _DAYS), int(found.group(2))
        return lambda day: _weekday(day) == number and day.day in range(7 * turn - 6, 7 * turn + 1)
    numbers = frozenset(_numbers(field, 1, 7, _DAYS))
    return lambda day: _weekday(day) in numbers


def _weekday(day: date) -> int:
    return day.isoweekday() % 7 + 1
