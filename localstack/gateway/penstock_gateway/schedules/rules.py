"""EventBridge rules with a schedule expression, fired by the clock of ours.

LocalStack's own scheduler reads days of the week one off from AWS (1 is Sunday there), fires a rule once for every call
of PutTargets, and does not hear of rules that are disabled later. (Amazon EventBridge user guide, "Creating a scheduled
rule": cron in UTC; a rate counts from the rule's creation, the first event comes after the first period.)
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from penstock_gateway.schedules.clock import MAXIMUM_AGE_SECONDS, Clock, Planned
from penstock_gateway.schedules.expressions import ExpressionError, Rate, parse

LOG = logging.getLogger(__name__)


class Memory:
    """What fired last, for as long as the process lives: rules make up for nothing."""

    def __init__(self) -> None:
        self._fired: dict[str, tuple[float, float]] = {}

    def last(self, schedule: Planned) -> float | None:
        """The time for which this rule fired last."""
        created, last = self._fired.get(schedule.arn, (None, None))
        return last if created == schedule.created else None

    def write(self, schedule: Planned, due: float) -> None:
        """The rule fires for `due`."""
        self._fired[schedule.arn] = (schedule.created, due)


class Rules:
    """The scheduled rules of `stores` (accounts, then regions), as the clock wants them."""

    def __init__(self, stores: Mapping[str, Mapping[str, Any]], now: Callable[[], float] = time.time) -> None:
        self._stores = stores
        self._now = now
        self._seen: dict[tuple[str, ...], float] = {}

    def planned(self) -> Iterator[Planned]:
        """Every rule with an expression; it is made when it is first seen, and changed when it can fire or not any more."""
        seen: dict[tuple[str, ...], float] = {}
        for account in list(self._stores.values()):
            for store in list(account.values()):
                for bus in list(store.event_buses.values()):
                    for rule in list(bus.rules.values()):
                        if rule.schedule_expression:
                            enabled = str(rule.state) != "DISABLED" and bool(rule.targets)
                            made = (str(rule.arn), str(rule.schedule_expression))
                            changed = (*made, str(enabled))
                            for key in (made, changed):
                                seen[key] = self._seen.get(key, self._now())
                            yield self._plan(rule, enabled, seen[made], seen[changed])
        self._seen = seen

    @staticmethod
    def _plan(rule: Any, enabled: bool, created: float, modified: float) -> Planned:
        try:
            expression = parse(rule.schedule_expression, None)
        except ExpressionError:
            expression = None
        return Planned(
            arn=str(rule.arn),
            expression=str(rule.schedule_expression),
            zone=None,
            enabled=enabled,
            created=created,
            modified=modified,
            start=created + expression.seconds if isinstance(expression, Rate) else created,
            end=None,
            maximum_age=MAXIMUM_AGE_SECONDS,
            delete_when_done=False,
            target={},
        )


def install(provider: Any) -> Clock:
    """Fire the scheduled rules of LocalStack's EventBridge provider; the clock that does, already started."""
    from localstack.services.events.models import events_stores
    from localstack.services.events.rule import RuleService

    def fire(schedule: Planned, due: float) -> None:
        threading.Thread(target=send, args=[schedule.arn, due], name="scheduled-rule", daemon=True).start()

    def send(arn: str, due: float) -> None:
        _, _, _, region, account, _ = arn.split(":", 5)
        for bus in list(events_stores[account][region].event_buses.values()):
            for rule in list(bus.rules.values()):
                if str(rule.arn) == arn:
                    try:
                        provider._get_scheduled_rule_job_function(account, region, rule)()
                    except Exception:
                        LOG.exception("rule %s did not fire for %s", arn, due)

    RuleService.create_schedule_job = lambda _service, _function: None
    clock = Clock(Rules(events_stores).planned, fire, lambda _schedule: None, Memory())
    clock.start()
    return clock
