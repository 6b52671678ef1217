"""When schedules run and over which time, by AWS's own examples."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from penstock_services.sagemaker.monitoring import alerts
from penstock_services.sagemaker.monitoring.expressions import ExpressionError, frequency, offset, window


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def config(expression: str, **more: str) -> dict[str, Any]:
    return {"ScheduleExpression": expression, **more}


@pytest.mark.parametrize(
    ("expression", "hours"),
    [
        ("cron(0 * ? * * *)", list(range(24))),
        ("cron(0 12 ? * * *)", [12]),
        ("cron(0 00 ? * * *)", [0]),
        ("cron(0 17/12 ? * * *)", [5, 17]),
        ("cron(0 0/2 ? * * *)", list(range(0, 24, 2))),
        ("cron(0 0/5 ? * * *)", [0, 5, 10, 15, 20]),
        ("cron(0 3/24 ? * * *)", [3]),
    ],
)
def test_hours(expression: str, hours: list[int]) -> None:
    assert list(frequency(config(expression)).hours) == hours


def test_runs_follow_each_other() -> None:
    twice = frequency(config("cron(0 17/12 ? * * *)"))
    moment, runs = at("2026-01-01T04:59:59"), []
    for _ in range(4):
        moment = twice.after(moment)
        runs.append(moment)
        assert twice.before(moment) == moment - timedelta(hours=12)
    assert runs == [
        at(f"2026-01-{day}T{hour}:00") for day, hour in (("01", "05"), ("01", "17"), ("02", "05"), ("02", "17"))
    ]
    assert twice.before(at("2026-01-01T17:00:01")) == at("2026-01-01T17:00")
    assert frequency(None).after(at("2026-01-01T00:00")) == at("2026-01-02T00:00")


def test_the_window_is_the_time_since_the_run_before() -> None:
    found = window(config("cron(0 0/6 ? * * *)"), {}, at("2026-01-01T12:00"))
    assert (found.start, found.end) == (at("2026-01-01T06:00"), at("2026-01-01T12:00"))


def test_offsets_as_the_developer_guide_has_them() -> None:
    given = {"StartTimeOffset": "-P8D", "EndTimeOffset": "-P1D"}
    found = window(config("cron(0 * ? * * *)"), given, at("2020-01-09T13:00"))
    assert (found.start, found.end) == (at("2020-01-01T13:00"), at("2020-01-08T13:00"))
    once = config("NOW", DataAnalysisStartTime="-PT5H30M", DataAnalysisEndTime="-PT1H")
    found = window(once, {}, at("2020-01-09T13:00"))
    assert (found.start, found.end) == (at("2020-01-09T07:30"), at("2020-01-09T12:00"))
    assert offset("P1DT2H") == timedelta(hours=26)


@pytest.mark.parametrize("text", ["", "P", "PT", "-P1DT", "1H", "-PT1.5H", "P99999D"])
def test_what_is_no_offset(text: str) -> None:
    with pytest.raises(ExpressionError):
        offset(text)


@pytest.mark.parametrize(
    ("latest_first", "points", "period", "status"),
    [
        ([], 1, 1, "OK"),
        (["CompletedWithViolations"], 1, 1, "InAlert"),
        (["Completed", "CompletedWithViolations"], 1, 1, "OK"),
        (["Failed", "CompletedWithViolations"], 2, 3, "InAlert"),
        (["Completed", "Failed", "Completed", "Failed"], 2, 3, "OK"),
        (["Completed", "Failed", "Failed"], 2, 3, "InAlert"),
    ],
)
def test_alerts(latest_first: list[str], points: int, period: int, status: str) -> None:
    alert = {**alerts.new(0.0), "DatapointsToAlert": points, "EvaluationPeriod": period}
    assert alerts.status(alert, latest_first) == status
