"""The life of a schedule: from Pending to Scheduled or Stopped, and the time of its next run.

The next run is kept in the record (``_due``), so that it happens after a restart too; it is taken from there and the
execution noted in one transaction, so that no run is lost or done twice. Of the runs that were due while the local cloud
was down, the first is made up for.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, ContextFactory, check, contexts_with, on_start
from penstock_services.sagemaker import lifecycle
from penstock_services.sagemaker.engine import now
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.monitoring import alerts, clock, definition, executions, expressions, request
from penstock_services.store import Where

Record = dict[str, Any]
KIND = "MonitoringSchedule"
_STATUS = "MonitoringScheduleStatus"
_PENDING, _SCHEDULED, _STOPPED = "Pending", "Scheduled", "Stopped"
_EVER = 1e12


@check("CreateMonitoringSchedule", "UpdateMonitoringSchedule")
def _runnable(context: Context, asked: Record) -> None:
    """Refuse what AWS refuses, and what would not run here."""
    config = asked["MonitoringScheduleConfig"]
    found = definition.of(context, config)
    definition.refuse(found)
    try:
        expressions.check(config.get("ScheduleConfig"), found.source)
    except expressions.ExpressionError as error:
        raise ServiceError("ValidationException", str(error)) from error
    if found.endpoint is not None:
        request.capture_uri(context, found.endpoint)


@hook(KIND, "prepare")
def _prepare(context: Context, record: Record) -> None:
    _describe_job(context, record)
    record[alerts.MEMBER] = alerts.new(record["CreationTime"])


@hook(KIND, "created")
def _created(_context: Context, _record: Record) -> None:
    """It runs from the moment in which it is Scheduled."""


@hook(KIND, "settled")
def _settled(context: Context, record: Record) -> None:
    if record[_STATUS] == _SCHEDULED:
        _arm(context, record["MonitoringScheduleName"])


@hook(KIND, "updated")
def _updated(context: Context, record: Record) -> None:
    """The new configuration holds from the next run on; a stopped schedule stays stopped."""
    name = record["MonitoringScheduleName"]
    context.store.update(context.scope, KIND, name, lambda each: _describe_job(context, each))
    if aim(record) != _STOPPED:
        become(context, name, _SCHEDULED)


@hook(KIND, "deleted")
def _deleted(context: Context, record: Record) -> None:
    """The history of the executions stays, as AWS documents; the alert and its history go."""
    for row in context.store.select(
        context.scope, alerts.HISTORY, [Where("parent", "=", record["MonitoringScheduleName"])]
    ):
        context.store.delete(context.scope, alerts.HISTORY, row.key)


def _describe_job(context: Context, record: Record) -> None:
    config = record["MonitoringScheduleConfig"]
    record["MonitoringType"] = definition.monitoring_type(config)
    record.pop("EndpointName", None)
    endpoint = definition.of(context, config).endpoint
    if endpoint is not None:
        record["EndpointName"] = endpoint


def aim(record: Record) -> str:
    """The status that a schedule has, or that it is about to have."""
    status: str = record.get("_next", {}).get("Set", {}).get(_STATUS) or record[_STATUS]
    return status


def become(context: Context, name: str, status: str) -> None:
    """Let a schedule be Pending, and Scheduled or Stopped after a step."""

    def change(record: Record) -> None:
        record.pop("_due", None)
        record[_STATUS] = _PENDING
        record["LastModifiedTime"] = now()
        record["_next"] = lifecycle.step(context, Set={_STATUS: status})

    record = context.store.update(context.scope, KIND, name, change)
    if record is not None:
        lifecycle.plan(context, kinds().by_name[KIND], name, record)


def _arm(context: Context, name: str) -> None:
    """Note when the first run is, and wait for it."""

    def change(record: Record) -> None:
        moment = clock.now(context)
        often = expressions.frequency(record["MonitoringScheduleConfig"].get("ScheduleConfig"))
        record["_due"] = round((moment if often.once else often.after(moment)).timestamp(), 3)

    record = context.store.update(context.scope, KIND, name, change)
    if record is not None:
        _wait(context, name, record["_due"])


def _wait(context: Context, name: str, due: float) -> None:
    clock.at(context, due, lambda: _fire(context, name, due))


def _fire(context: Context, name: str, due: float) -> None:
    """Run, if the schedule still waits for this very run; then wait for the next."""
    taken = False

    def take(record: Record) -> None:
        nonlocal taken
        if record[_STATUS] != _SCHEDULED or record.get("_due") != due:
            return
        taken = True
        del record["_due"]
        often = expressions.frequency(record["MonitoringScheduleConfig"].get("ScheduleConfig"))
        if not often.once:
            record["_due"] = often.after(max(clock.now(context), datetime.fromtimestamp(due, UTC))).timestamp()

    with context.store.together():
        record = context.store.update(context.scope, KIND, name, take)
        if record is None or not taken:
            return
        key = executions.insert(context, record, datetime.fromtimestamp(due, UTC))
    executions.start(context, key)
    if "_due" in record:
        _wait(context, name, record["_due"])


@on_start
def _resume(factory: ContextFactory) -> None:
    """Wait for the runs that the last process was waiting for."""
    for context in contexts_with(factory, KIND):
        for row in context.store.select(context.scope, KIND, [Where("_due", "<=", _EVER)]):
            if "_due" in row.record:
                _wait(context, row.key, row.record["_due"])
