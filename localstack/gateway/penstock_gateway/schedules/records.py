"""The schedules that LocalStack holds, as the clock of EventBridge Scheduler reads them."""

from __future__ import annotations

import functools
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from localstack.aws.connect import connect_to

from penstock_gateway import settings
from penstock_gateway.schedules.clock import MAXIMUM_AGE_SECONDS, Clock, Journal, Planned
from penstock_gateway.schedules.targets import Invoker

LOG = logging.getLogger(__name__)


@functools.cache
def clock() -> Clock:
    """The one clock of this process; `clock().start()` when the gateway answers."""
    journal = Journal(settings.from_environment().volume_dir / "schedules-fired.json")
    return Clock(planned, Invoker().fire, remove, journal)


def planned() -> Iterator[Planned]:
    """All schedules of all accounts and regions, as the clock wants them; none while nobody has loaded any."""
    # The module may be half imported by the request that makes the first schedule.
    backends = getattr(sys.modules.get("moto.scheduler.models"), "scheduler_backends", {})
    for account in list(backends.values()):
        for backend in list(account.values()):
            for group in list(backend.schedule_groups.values()):
                for schedule in list(group.schedules.values()):
                    yield _planned(schedule)


def _planned(schedule: Any) -> Planned:
    retry = schedule.target.get("RetryPolicy") or {}
    return Planned(
        arn=schedule.arn,
        expression=schedule.schedule_expression,
        zone=schedule.schedule_expression_timezone,
        enabled=schedule.state != "DISABLED",
        created=float(schedule.creation_date),
        modified=float(schedule.last_modified_date),
        start=seconds(schedule.start_date),
        end=seconds(schedule.end_date),
        maximum_age=float(retry.get("MaximumEventAgeInSeconds") or MAXIMUM_AGE_SECONDS),
        delete_when_done=schedule.action_after_completion == "DELETE",
        target=schedule.target,
    )


def seconds(moment: Any) -> float | None:
    if moment is None or moment == "":
        return None
    if isinstance(moment, int | float):
        return float(moment)
    if isinstance(moment, datetime):
        return moment.timestamp()
    try:
        return float(moment)
    except ValueError:
        return datetime.fromisoformat(str(moment)).timestamp()


def remove(schedule: Planned) -> None:
    """Delete a completed schedule whose ActionAfterCompletion says so, by its API: so the deletion is kept."""
    threading.Thread(target=_remove, args=[schedule], name="schedule-removal", daemon=True).start()


def _remove(schedule: Planned) -> None:
    _, _, _, region, account, resource = schedule.arn.split(":", 5)
    _, group, name = resource.split("/")
    try:
        connect_to(aws_access_key_id=account, region_name=region).scheduler.delete_schedule(GroupName=group, Name=name)
    except (ClientError, BotoCoreError) as error:
        LOG.warning("the completed schedule %s was not deleted: %s", schedule.arn, error)
