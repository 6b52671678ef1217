"""ListMonitoringAlerts, UpdateMonitoringAlert, ListMonitoringAlertHistory."""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, operation
from penstock_services.sagemaker import listing
from penstock_services.sagemaker.engine import find, now
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.monitoring import alerts, schedules
from penstock_services.store import Where

Record = dict[str, Any]
_HISTORY = "ListMonitoringAlertHistory"
_SHOWN = ("MonitoringScheduleName", "MonitoringAlertName", "CreationTime", "AlertStatus")


@operation("ListMonitoringAlerts")
def _list(context: Context, request: Record) -> Record:
    _, record = find(context, schedules.KIND, request["MonitoringScheduleName"])
    # A page of at least one holds the one alert; what comes after it is nothing.
    return {"MonitoringAlertSummaries": [record[alerts.MEMBER]]} if "NextToken" not in request else {}


@operation("UpdateMonitoringAlert")
def _update(context: Context, request: Record) -> Record:
    key, record = find(context, schedules.KIND, request["MonitoringScheduleName"])
    name = request["MonitoringAlertName"]
    if name != record[alerts.MEMBER]["MonitoringAlertName"]:
        message = f"MonitoringAlert {name} of {record['MonitoringScheduleArn']} does not exist."
        raise ServiceError("ResourceNotFound", message)
    if request["DatapointsToAlert"] > request["EvaluationPeriod"]:
        message = "DatapointsToAlert must not be greater than EvaluationPeriod."
        raise ServiceError("ValidationException", message)

    def change(schedule: Record) -> None:
        schedule[alerts.MEMBER] |= {
            "DatapointsToAlert": request["DatapointsToAlert"],
            "EvaluationPeriod": request["EvaluationPeriod"],
            "LastModifiedTime": now(),
        }

    context.store.update(context.scope, schedules.KIND, key, change)
    return {"MonitoringScheduleArn": record["MonitoringScheduleArn"], "MonitoringAlertName": name}


@operation(_HISTORY)
def _history(context: Context, request: Record) -> Record:
    where = []
    if "MonitoringScheduleName" in request:
        key, _ = find(context, schedules.KIND, request["MonitoringScheduleName"])
        where = [Where("parent", "=", key)]
    records = [row.record for row in context.store.select(context.scope, alerts.HISTORY, where)]
    found, token = listing.page(load("sagemaker"), _HISTORY, request, records, "MonitoringAlertName", "AlertStatus")
    shown = [{member: record[member] for member in _SHOWN} for record in found]
    return {"MonitoringAlertHistory": shown, **({"NextToken": token} if token else {})}
