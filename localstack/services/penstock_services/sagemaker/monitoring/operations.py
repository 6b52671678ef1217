"""StartMonitoringSchedule and StopMonitoringSchedule.

Stop keeps further runs from starting; an execution that runs goes on (StopProcessingJob stops it). Starting what is
started, and stopping what is stopped, changes nothing.
"""

from __future__ import annotations

from typing import Any

from penstock_services.operations import Context, operation
from penstock_services.sagemaker.engine import find
from penstock_services.sagemaker.monitoring import schedules

Record = dict[str, Any]


@operation("StartMonitoringSchedule")
def _start(context: Context, request: Record) -> Record:
    return _become(context, request, "Scheduled")


@operation("StopMonitoringSchedule")
def _stop(context: Context, request: Record) -> Record:
    return _become(context, request, "Stopped")


def _become(context: Context, request: Record, status: str) -> Record:
    name, record = find(context, schedules.KIND, request["MonitoringScheduleName"])
    if schedules.aim(record) != status:
        schedules.become(context, name, status)
    return {}
