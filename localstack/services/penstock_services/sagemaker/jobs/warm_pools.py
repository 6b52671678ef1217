"""Warm pools: instances that AWS keeps for KeepAlivePeriodInSeconds after a job, for the next one like it.

Here nothing is kept, as nothing has to be started up; the status that Describe shows is AWS's: Available until the period
is over, Terminated afterwards. https://docs.aws.amazon.com/sagemaker/latest/dg/train-warm-pools.html
"""

from __future__ import annotations

import time

from penstock_services.operations import Context, ContextFactory, contexts_with, on_start
from penstock_services.sagemaker.jobs.base import Record
from penstock_services.sagemaker.lifecycle import CLOCK

_KIND = "TrainingJob"


def _until(record: Record) -> float:
    period: float = record.get("ResourceConfig", {}).get("KeepAlivePeriodInSeconds", 0)
    return float(record.get("TrainingEndTime", 0)) + period


def keep(record: Record, moment: float) -> None:
    """Begin the period, where the record of a job that ends at ``moment`` asks for one."""
    if record.get("ResourceConfig", {}).get("KeepAlivePeriodInSeconds") and record["TrainingEndTime"] == moment:
        record["WarmPoolStatus"] = {"Status": "Available"}


def plan(context: Context, record: Record) -> None:
    """Have the period end in time."""
    if record.get("WarmPoolStatus", {}).get("Status") == "Available":
        CLOCK.at(_until(record), lambda: terminate(context, record["TrainingJobName"]))


def terminate(context: Context, name: str) -> None:
    """End the period if it is over by now."""

    def change(record: Record) -> None:
        pool = record.get("WarmPoolStatus", {})
        if pool.get("Status") == "Available" and _until(record) <= time.time():
            kept = max(0, round(time.time() - record["TrainingEndTime"]))
            record["WarmPoolStatus"] = {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": kept}

    context.store.update(context.scope, _KIND, name, change)


@on_start
def _resume(factory: ContextFactory) -> None:
    for context in contexts_with(factory, _KIND):
        for _, record in context.store.scan(context.scope, _KIND):
            plan(context, record)
