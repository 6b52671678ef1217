"""Rules with a schedule expression, as the clock reads them from LocalStack's stores."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from penstock_gateway.schedules.clock import Clock, Planned
from penstock_gateway.schedules.rules import Memory, Rules

T0 = 1_800_000_000.0  # a Friday, a whole minute


@dataclass
class Rule:
    schedule_expression: str | None
    state: str = "ENABLED"
    targets: dict[str, Any] = field(default_factory=lambda: {"1": {}})
    arn: str = "arn:aws:events:us-east-1:000000000000:rule/r"


class World:
    def __init__(self) -> None:
        self.now, self.fired = T0, list[float]()
        self.rules: dict[str, Rule] = {}
        stores = {
            "000000000000": {"us-east-1": SimpleNamespace(event_buses={"default": SimpleNamespace(rules=self.rules)})}
        }
        rules = Rules(stores, lambda: self.now)
        self.clock = Clock(rules.planned, self._fire, lambda _: None, Memory(), lambda: self.now)

    def _fire(self, _: Planned, due: float) -> None:
        self.fired.append(due - T0)

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.clock.turn()
            self.now += 1
        self.clock.turn()


@pytest.fixture
def world() -> World:
    return World()


def test_a_rate_begins_after_its_first_period(world: World) -> None:
    world.rules["r"] = Rule("rate(1 minute)")
    world.pass_time(130)
    assert world.fired == [60, 120]


def test_days_of_the_week_are_awss(world: World) -> None:
    world.rules["r"] = Rule("cron(0/1 * ? * 6 *)")
    world.pass_time(65)
    assert world.fired == [0, 60]
    world.rules["r"] = Rule("cron(0/1 * ? * 5 *)")
    world.pass_time(65)
    assert world.fired == [0, 60]


def test_a_rule_fires_once_however_its_targets_came_and_not_while_disabled(world: World) -> None:
    rule = world.rules["r"] = Rule("rate(1 minute)", targets={})
    world.pass_time(60)
    rule.targets["1"] = {}
    rule.targets["2"] = {}
    world.pass_time(60)
    rule.state = "DISABLED"
    world.pass_time(170)
    rule.state = "ENABLED"
    world.pass_time(70)
    assert world.fired == [60, 120, 300, 360]
    del world.rules["r"]
    world.pass_time(120)
    assert len(world.fired) == 4


def test_rules_with_patterns_are_none_of_the_clocks(world: World) -> None:
    world.rules["p"] = Rule(None)
    assert world.clock.turn() is None
