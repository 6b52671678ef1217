"""Executions: one for each run of a schedule, with the processing jobs that do its work.

Statuses follow the jobs; the end of an analysis is read from its exit message (developer guide, "Container Contract
Outputs"). Source of the members: API reference, MonitoringExecutionSummary.
"""

from __future__ import annotations

import contextvars
import logging
import secrets
import threading
import time
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.errors import ServiceError
from penstock_services.execution.transfer import TransferError
from penstock_services.operations import Context, ContextFactory, contexts_with, on_start
from penstock_services.sagemaker.engine import now
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.index import index
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.monitoring import alerts, definition, expressions, request
from penstock_services.sagemaker.monitoring.inputs import NoDataError, TooManyError
from penstock_services.store import Columns, Where

_LOG = logging.getLogger(__name__)
Record = dict[str, Any]
KIND = "MonitoringExecution"
_SCHEDULE, _JOB = "MonitoringSchedule", "ProcessingJob"
_STATUS = "MonitoringExecutionStatus"
_KEY = "_monitoring_execution"
_MERGE, _ANALYSIS = "merge", "analysis"
_GOING_ON = ("Pending", "InProgress", "Stopping")
_VIOLATIONS = "CompletedWithViolations"
_REASON_LENGTH = 1024
_MOST_CONSIDERED = 100
_OWN = contextvars.ContextVar[tuple[str, str] | None]("monitoring_execution", default=None)

index(
    KIND,
    lambda record: Columns(
        record["MonitoringScheduleName"],
        record[_STATUS],
        record["CreationTime"],
        record["LastModifiedTime"],
        record["MonitoringScheduleName"],
    ),
)


def insert(context: Context, schedule: Record, scheduled: datetime) -> str:
    """Note a new execution of a schedule, Pending; its key. ``start`` must follow."""
    config = schedule["MonitoringScheduleConfig"]
    name, identity, moment = schedule["MonitoringScheduleName"], secrets.token_hex(12), now()
    record = {
        "MonitoringScheduleName": name,
        "ScheduledTime": scheduled.timestamp(),
        "CreationTime": moment,
        "LastModifiedTime": moment,
        _STATUS: "Pending",
        "MonitoringType": definition.monitoring_type(config),
        "_order": time.time_ns(),
        "_identity": identity,
        "_schedule": schedule["CreationTime"],
        "_config": config,
        "_stage": "",
    }
    if "EndpointName" in schedule:
        record["EndpointName"] = schedule["EndpointName"]
    if "MonitoringJobDefinitionName" in config:
        record["MonitoringJobDefinitionName"] = config["MonitoringJobDefinitionName"]
    key = f"{name}/{identity}"
    context.store.put(context.scope, KIND, key, record)
    _show(context, record)
    return key


def start(context: Context, key: str) -> None:
    """Start the next job of an execution, in a thread of its own: finding the data takes calls to S3."""
    threading.Thread(target=_go_on, args=(context, key), name=f"monitoring-{key}", daemon=True).start()


def of_job(context: Context, job: Record) -> Record | None:
    """The execution that a processing job belongs to."""
    key = job.get(_KEY)
    return None if key is None else context.store.get(context.scope, KIND, key)


def summary(record: Record) -> Record:
    """MonitoringExecutionSummary of an execution."""
    return {member: value for member, value in record.items() if not member.startswith("_")}


def _go_on(context: Context, key: str) -> None:
    record = context.store.get(context.scope, KIND, key)
    if record is None:
        return
    try:
        _start_job(context, key, record)
    except (NoDataError, TooManyError) as error:
        _end(context, key, "Failed", str(error))
    except (ServiceError, expressions.ExpressionError, TransferError) as error:
        text = error.message if isinstance(error, ServiceError) else str(error)
        _end(context, key, "Failed", f"ClientError: {text}")
    except (BotoCoreError, ClientError) as error:
        _end(context, key, "Failed", f"ClientError: the data cannot be found: {error}")
    except Exception as error:  # noqa: BLE001 (becomes the FailureReason)
        _LOG.exception("monitoring execution %s", key)
        _end(context, key, "Failed", f"InternalServerError: {type(error).__name__}: {error}")


def _start_job(context: Context, key: str, record: Record) -> None:
    config = record["_config"]
    found = definition.of(context, config)
    definition.refuse(found)
    scheduled = datetime.fromtimestamp(record["ScheduledTime"], UTC)
    window = expressions.window(config.get("ScheduleConfig"), found.source, scheduled)
    run = request.Run(record["MonitoringScheduleName"], scheduled, window, record["_identity"])
    stage = _MERGE if found.needs_truth and record["_stage"] != _MERGE else _ANALYSIS
    asked = (request.merge if stage == _MERGE else request.analysis)(context, found, run)
    context.store.update(context.scope, KIND, key, lambda each: each.update(_stage=stage))
    token = _OWN.set((key, kinds().by_name[_SCHEDULE].arn(context.scope, record["MonitoringScheduleName"])))
    try:
        context.call("CreateProcessingJob", asked)
    finally:
        _OWN.reset(token)


@hook(_JOB, "prepare")
def _mark(_context: Context, job: Record) -> None:
    """DescribeProcessingJob shows the schedule of a job that one started."""
    own = _OWN.get()
    if own is not None:
        job[_KEY], job["MonitoringScheduleArn"] = own


@hook(_JOB, "updated")
def _follow(context: Context, job: Record) -> None:
    """An execution goes where its job goes."""
    key = job.get(_KEY)
    if key is None:
        return
    status, arn = job["ProcessingJobStatus"], job["ProcessingJobArn"]
    if status == "Completed":
        record = context.store.get(context.scope, KIND, key)
        if record is not None and record["_stage"] == _MERGE:
            start(context, key)
            return
        violated = str(job.get("ExitMessage", "")).startswith(_VIOLATIONS)
        _end(context, key, _VIOLATIONS if violated else "Completed", arn=arn)
    elif status in ("Failed", "Stopped"):
        _end(context, key, status, job.get("FailureReason"), arn)
    else:
        _change(context, key, {_STATUS: status, "ProcessingJobArn": arn})


def _end(context: Context, key: str, status: str, reason: str | None = None, arn: str | None = None) -> None:
    members: Record = {_STATUS: status}
    if reason:
        members["FailureReason"] = reason[:_REASON_LENGTH]
    if arn:
        members["ProcessingJobArn"] = arn
    record = _change(context, key, members)
    if record is not None:
        _judge(context, record)


def _change(context: Context, key: str, members: Record) -> Record | None:
    """Change an execution that has not ended; None where it has."""
    changed = False

    def change(record: Record) -> None:
        nonlocal changed
        if record[_STATUS] in _GOING_ON:
            record.update(members)
            record["LastModifiedTime"] = now()
            changed = True

    record = context.store.update(context.scope, KIND, key, change)
    if record is None or not changed:
        return None
    _show(context, record)
    return record


def _show(context: Context, execution: Record) -> None:
    """LastMonitoringExecutionSummary of the schedule, unless a later execution is shown or the schedule is another."""

    def change(schedule: Record) -> None:
        if schedule["CreationTime"] == execution["_schedule"] and schedule.get("_shown", 0) <= execution["_order"]:
            schedule["_shown"] = execution["_order"]
            schedule["LastMonitoringExecutionSummary"] = summary(execution)

    context.store.update(context.scope, _SCHEDULE, execution["MonitoringScheduleName"], change)


def _judge(context: Context, execution: Record) -> None:
    """The alert, by the executions of this schedule that have ended (not of an earlier one of the same name)."""
    name = execution["MonitoringScheduleName"]
    schedule = context.store.get(context.scope, _SCHEDULE, name)
    if schedule is None or schedule["CreationTime"] != execution["_schedule"]:
        return
    same = [Where("parent", "=", name), Where("created", ">=", schedule["CreationTime"])]
    rows = context.store.select(context.scope, KIND, same, limit=_MOST_CONSIDERED)
    alerts.judge(context, schedule, [row.record[_STATUS] for row in rows if row.record[_STATUS] not in _GOING_ON])


@on_start
def _fail_unfinished(factory: ContextFactory) -> None:
    """Executions that the last process left running are Failed; those of its jobs already are, by these."""
    reason = "InternalServerError: the local cloud stopped while this execution was running"
    for context in contexts_with(factory, KIND):
        for status in _GOING_ON:
            for row in context.store.select(context.scope, KIND, [Where("status", "=", status)]):
                _end(context, row.key, "Failed", reason)
