"""When a monitoring schedule runs, and over which time: schedule expressions, offsets, windows. All times are UTC.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ScheduleConfig.html and developer guide, "Schedule model
quality monitoring jobs" (offsets). AWS starts a run up to 20 minutes late; here it starts on time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_CRON = re.compile(r"cron\(0 (\*|\d{1,2})(?:/(\d{1,2}))? \? \* \* \*\)")
_DURATION = re.compile(r"[-+]?P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?)?")
_ONCE = "NOW"
_DAY = 24
_LONGEST_DAYS = 3650


class ExpressionError(ValueError):
    """An expression, an offset or a window that is not valid; the text says which and why."""


@dataclass(frozen=True)
class Window:
    """The time whose data one run looks at: from ``start`` to before ``end``."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Frequency:
    """The hours of the day at which a schedule runs, in order; none: once, immediately."""

    hours: tuple[int, ...]

    @property
    def once(self) -> bool:
        """Whether there is one run only."""
        return not self.hours

    def after(self, moment: datetime) -> datetime:
        """The first run later than ``moment``."""
        hour = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        while hour.hour not in self.hours:
            hour += timedelta(hours=1)
        return hour

    def before(self, moment: datetime) -> datetime:
        """The last run earlier than ``moment``."""
        hour = moment.replace(minute=0, second=0, microsecond=0)
        if hour == moment:
            hour -= timedelta(hours=1)
        while hour.hour not in self.hours:
            hour -= timedelta(hours=1)
        return hour


def frequency(config: dict[str, Any] | None) -> Frequency:
    """The frequency of a ``ScheduleConfig``; without one AWS "will pick a time for running every day": midnight here.

    ``cron(0 17/12 ? * * *)`` is every 12 hours starting at 17, as AWS documents it, unlike other cron expressions.
    Raises ExpressionError.
    """
    if config is None:
        return Frequency((0,))
    text = config["ScheduleExpression"]
    if text == _ONCE:
        missing = [each for each in ("DataAnalysisStartTime", "DataAnalysisEndTime") if each not in config]
        if missing:
            message = f"{' and '.join(missing)} must be given when ScheduleExpression is NOW."
            raise ExpressionError(message)
        return Frequency(())
    found = _CRON.fullmatch(text)
    if found is None:
        raise _unknown(text)
    first, step = found.groups()
    if first == "*":
        if step is not None:
            raise _unknown(text)
        return Frequency(tuple(range(_DAY)))
    start, every = int(first), int(step) if step else _DAY
    if start >= _DAY or not 1 <= every <= _DAY:
        raise _unknown(text)
    return Frequency(tuple(sorted({(start + turn * every) % _DAY for turn in range(-(-_DAY // every))})))


def _unknown(text: str) -> ExpressionError:
    message = (
        f"ScheduleExpression {text!r} is not supported: use cron(0 * ? * * *), cron(0 [00-23] ? * * *), "
        "cron(0 [00-23]/[01-24] ? * * *) or NOW."
    )
    return ExpressionError(message)


def offset(text: str) -> timedelta:
    """How much an offset such as ``-PT5H`` or ``-P1D`` takes off a time. Raises ExpressionError."""
    found = _DURATION.fullmatch(text)
    if found is None:
        message = f"{text!r} is not an offset such as -PT5H or -P1D."
        raise ExpressionError(message)
    days, hours, minutes = (int(part or 0) for part in found.groups())
    if days > _LONGEST_DAYS:
        message = f"{text!r} is longer than {_LONGEST_DAYS} days."
        raise ExpressionError(message)
    return timedelta(days=days, hours=hours, minutes=minutes)


def window(config: dict[str, Any] | None, given: dict[str, Any], scheduled: datetime) -> Window:
    """What the run of time ``scheduled`` looks at: what the offsets of the input (``given``) or of the ScheduleConfig
    say, otherwise the time since the run before. Raises ExpressionError."""
    often = frequency(config)
    start = given.get("StartTimeOffset") or (config or {}).get("DataAnalysisStartTime")
    end = given.get("EndTimeOffset") or (config or {}).get("DataAnalysisEndTime")
    begin = scheduled - offset(start) if start else often.before(scheduled) if often.hours else scheduled
    found = Window(begin, scheduled - offset(end) if end else scheduled)
    if found.start >= found.end:
        message = "The start time of the monitoring job's window must precede its end time."
        raise ExpressionError(message)
    return found


def check(config: dict[str, Any] | None, given: dict[str, Any]) -> None:
    """Raise ExpressionError for a ScheduleConfig that cannot be followed with that input."""
    often = frequency(config)
    example = datetime(2026, 1, 1, often.hours[0] if often.hours else 0, tzinfo=UTC)
    window(config, given, example)
    stated = config or {}
    if "DataAnalysisStartTime" in stated and "DataAnalysisEndTime" in stated:
        span = offset(stated["DataAnalysisStartTime"]) - offset(stated["DataAnalysisEndTime"])
        if span > timedelta(hours=_DAY):
            message = "DataAnalysisStartTime must not precede DataAnalysisEndTime by more than 24 hours."
            raise ExpressionError(message)
