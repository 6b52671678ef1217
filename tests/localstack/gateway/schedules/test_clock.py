"""The clock of EventBridge Scheduler, with a time of our own: each time once, also over restarts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock_gateway.schedules.clock import Clock, Journal, Planned

T0 = 1_800_000_000.0  # a whole minute
ARN = "arn:aws:scheduler:us-east-1:000000000000:schedule/default/s"


def schedule(expression: str, **members: Any) -> Planned:
    base = Planned(
        arn=ARN, expression=expression, zone=None, enabled=True, created=T0, modified=T0, start=None, end=None,
        maximum_age=86400.0, delete_when_done=False, target={"Arn": "x"},
    )  # fmt: skip
    return replace(base, **members)


class World:
    """Schedules, the time, what fired (seconds after T0), and clocks that may be started anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = T0
        self.schedules: list[Planned] = []
        self.fired: list[float] = []
        self.restart()

    def restart(self) -> None:
        journal = Journal(self.folder / "fired.json", self.now)
        self.clock = Clock(lambda: list(self.schedules), self._fire, self._remove, journal, lambda: self.now)

    def _fire(self, _schedule: Planned, due: float) -> None:
        self.fired.append(due - T0)

    def _remove(self, schedule: Planned) -> None:
        self.schedules.remove(schedule)

    def pass_time(self, until: float, step: float = 1.0) -> None:
        """Turn the clock every `step` seconds until `until` (after T0)."""
        while self.now < T0 + until:
            self.clock.turn()
            self.now += step
        self.now = T0 + until
        self.clock.turn()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def at(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(T0 + seconds, UTC).strftime("at(%Y-%m-%dT%H:%M:%S)")


def test_rates_begin_at_once_and_go_on(world: World) -> None:
    world.schedules = [schedule("rate(1 minute)")]
    world.pass_time(181)
    assert world.fired == [0, 60, 120, 180]


def test_a_turn_says_when_the_next_one_is_due(world: World) -> None:
    world.schedules = [schedule("rate(2 minutes)"), schedule(at(30), arn=ARN + "2")]
    assert world.clock.turn() == T0 + 30
    world.now = T0 + 30
    assert world.clock.turn() == T0 + 120


def test_start_and_end(world: World) -> None:
    world.schedules = [schedule("rate(1 minute)", start=T0 + 30, end=T0 + 150)]
    world.pass_time(400)
    assert world.fired == [30, 90, 150]
    cron = schedule("cron(* * * * ? *)", arn=ARN + "c", modified=T0 + 400, start=T0 + 90, end=T0 + 600)
    world.schedules, world.fired = [cron], []
    world.pass_time(900)
    assert world.fired == [420, 480, 540, 600]


def test_a_one_time_schedule_fires_once_and_goes_if_asked_to(world: World) -> None:
    world.schedules = [schedule(at(5)), schedule(at(7), arn=ARN + "2", delete_when_done=True)]
    world.pass_time(100)
    assert world.fired == [5, 7]
    assert [one.arn for one in world.schedules] == [ARN]


def test_a_recurring_schedule_goes_after_its_end_if_asked_to(world: World) -> None:
    world.schedules = [schedule("rate(1 minute)", end=T0 + 70, delete_when_done=True)]
    world.pass_time(50)
    assert len(world.schedules) == 1
    world.pass_time(100)
    assert world.fired == [0, 60]
    assert world.schedules == []


def test_disabled_schedules_wait(world: World) -> None:
    world.schedules = [schedule("rate(1 minute)", enabled=False)]
    world.pass_time(90)
    assert world.fired == []
    world.schedules = [schedule("rate(1 minute)", modified=T0 + 90)]
    world.pass_time(200)
    assert world.fired == [120, 180]


def test_a_change_counts_from_then_on(world: World) -> None:
    world.schedules = [schedule(at(1000))]
    world.pass_time(10)
    world.schedules = [schedule(at(20), modified=T0 + 10)]
    world.pass_time(60)
    assert world.fired == [20]
    world.schedules = [schedule(at(40), modified=T0 + 60)]
    world.pass_time(70)
    assert world.fired == [20, 40], "AWS has a precision of a minute"


@pytest.mark.parametrize("expression", ["cron(* * * * ? *)", at(60)])
def test_what_was_due_before_a_change_fires_once_as_it_was(world: World, expression: str) -> None:
    """The change comes between the time and the turn of the clock that would notice it."""
    targets: list[str] = []
    before = schedule(expression, target={"Arn": "old"})
    world.schedules = [before]
    world.clock._fire = lambda found, due: targets.append(f"{found.target['Arn']} {due - T0:.0f}")
    world.pass_time(30)
    world.now = T0 + 60.4
    world.schedules = [replace(before, modified=T0 + 60.2, target={"Arn": "new"})]
    world.pass_time(130)
    assert targets == (["old 60"] if "at" in expression else ["old 0", "old 60", "new 120"])


@pytest.mark.parametrize("expression", ["rate(1 minute)", at(30)])
def test_no_time_fires_twice_over_a_restart(world: World, expression: str) -> None:
    world.schedules = [schedule(expression)]
    world.pass_time(45)
    before = list(world.fired)
    for _ in range(3):
        world.restart()
        world.clock.turn()
    assert world.fired == before
    world.pass_time(130)
    assert world.fired == ([0, 60, 120] if "rate" in expression else [30])


def test_what_was_missed_while_nothing_ran(world: World) -> None:
    late = schedule(at(100), arn=ARN + "late")
    world.schedules = [schedule("rate(1 minute)"), late, schedule(at(101), arn=ARN + "old", maximum_age=60)]
    world.pass_time(10)
    world.now = T0 + 3610
    world.restart()
    world.clock.turn()
    assert sorted(world.fired) == [0, 100, 3600], "one-time: made up for; recurring: only within the precision"


def test_a_schedule_of_the_same_name_starts_anew(world: World) -> None:
    world.schedules = [schedule(at(25))]
    world.pass_time(30)
    world.schedules = [schedule(at(20), created=T0 + 30, modified=T0 + 30)]
    world.pass_time(40)
    assert world.fired == [25, 20]


def test_an_expression_that_cannot_be_read_harms_no_other(world: World) -> None:
    world.schedules = [schedule("nonsense", arn=ARN + "x"), schedule(at(3))]
    world.pass_time(10)
    assert world.fired == [3]


def test_a_broken_journal_is_no_end(world: World) -> None:
    (world.folder / "fired.json").write_text("{")
    world.restart()
    world.schedules = [schedule(at(3))]
    world.pass_time(10)
    assert world.fired == [3]


def test_the_thread_fires_by_itself_and_stops(tmp_path: Path) -> None:
    import threading
    import time

    fired = threading.Event()
    now = time.time()
    records: Callable[[], list[Planned]] = lambda: [schedule("rate(1 minute)", created=now, modified=now)]  # noqa: E731
    clock = Clock(records, lambda _schedule, _due: fired.set(), lambda _schedule: None, Journal(tmp_path / "j.json"))
    clock.start()
    assert fired.wait(60)
    clock.stop()
