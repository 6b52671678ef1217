"""ListMonitoringExecutions: the executions of all schedules, those of deleted ones too."""

from __future__ import annotations

from typing import Any

from penstock_services.operations import Context, operation
from penstock_services.sagemaker import listing
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.monitoring import executions
from penstock_services.store import Where

Record = dict[str, Any]
_OPERATION = "ListMonitoringExecutions"


@operation(_OPERATION)
def _list(context: Context, request: Record) -> Record:
    asked = dict(request)
    after, before = asked.pop("ScheduledTimeAfter", None), asked.pop("ScheduledTimeBefore", None)
    name = asked.get("MonitoringScheduleName")
    where = [Where("parent", "=", name)] if name else []
    records = [
        row.record
        for row in context.store.select(context.scope, executions.KIND, where)
        if (after is None or row.record["ScheduledTime"] >= after)
        and (before is None or row.record["ScheduledTime"] <= before)
    ]
    found, token = listing.page(
        load("sagemaker"), _OPERATION, asked, records, "MonitoringScheduleName", "MonitoringExecutionStatus"
    )
    summaries = [executions.summary(record) for record in found]
    return {"MonitoringExecutionSummaries": summaries, **({"NextToken": token} if token else {})}
