"""The alert of a schedule: InAlert while enough of its last executions failed.

Developer guide, "View and edit alerts" of the Model Dashboard: "If the number of failures meets or exceeds the Datapoints
to alert value, the monitor raises an alert and remains in alert status until the number of failures within the Evaluation
period becomes less", even before there are as many executions as the period has. A schedule has one alert, made with it.
AWS documents neither the alert's name nor its first thresholds: here both are 1, so that one bad execution alerts.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from penstock_services.operations import Context
from penstock_services.sagemaker.engine import now
from penstock_services.sagemaker.index import index
from penstock_services.store import Columns

Record = dict[str, Any]
HISTORY = "MonitoringAlertHistory"
MEMBER = "_alert"
NAME = "model-monitor-alert"
OK, IN_ALERT = "OK", "InAlert"
_FAILURES = ("CompletedWithViolations", "Failed")

index(
    HISTORY,
    lambda record: Columns(
        record["MonitoringAlertName"],
        record["AlertStatus"],
        record["CreationTime"],
        record["CreationTime"],
        record["MonitoringScheduleName"],
    ),
)


def new(moment: float) -> Record:
    """The alert of a new schedule, as ListMonitoringAlerts shows it."""
    return {
        "MonitoringAlertName": NAME,
        "CreationTime": moment,
        "LastModifiedTime": moment,
        "AlertStatus": OK,
        "DatapointsToAlert": 1,
        "EvaluationPeriod": 1,
        "Actions": {"ModelDashboardIndicator": {"Enabled": True}},
    }


def status(alert: Record, latest_first: Sequence[str]) -> str:
    """The status that the executions' statuses (the latest first) give."""
    considered = latest_first[: alert["EvaluationPeriod"]]
    failures = sum(each in _FAILURES for each in considered)
    return IN_ALERT if failures >= alert["DatapointsToAlert"] else OK


def judge(context: Context, schedule: Record, latest_first: Sequence[str]) -> None:
    """After an execution: set the alert's status, and note in its history when that changed."""
    name = schedule["MonitoringScheduleName"]
    changed: list[str] = []

    def change(record: Record) -> None:
        alert = record.setdefault(MEMBER, new(record["CreationTime"]))
        found = status(alert, latest_first)
        if found != alert["AlertStatus"]:
            alert["AlertStatus"] = found
            changed.append(found)

    with context.store.together():
        context.store.update(context.scope, "MonitoringSchedule", name, change)
        for found in changed:
            entry = {
                "MonitoringScheduleName": name,
                "MonitoringAlertName": NAME,
                "CreationTime": now(),
                "AlertStatus": found,
                "_order": time.time_ns(),
            }
            context.store.put(context.scope, HISTORY, f"{name}/{entry['_order']}", entry)
