"""What acts by itself, started again after loading: rules, alarms, functions; and what was under way, ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from localstack.services.plugins import SERVICE_PLUGINS

LOG = logging.getLogger(__name__)


def _provider(service: str) -> Any:
    return SERVICE_PLUGINS.require(service)._provider


def _events() -> None:
    from penstock_gateway.state import eventbridge

    eventbridge.rebuild(_provider("events"))


def _cloudwatch() -> None:
    from localstack.services.cloudwatch.models import cloudwatch_stores

    scheduler = _provider("cloudwatch").alarm_scheduler
    for _, _, store in list(cloudwatch_stores.iter_stores()):
        for arn, alarm in list(store.alarms.items()):
            if "AlarmRule" not in alarm.alarm:
                scheduler.schedule_metric_alarm(arn)


def _lambda() -> None:
    _provider("lambda").on_after_state_load()


def _scheduler() -> None:
    _provider("scheduler")


def _stepfunctions() -> None:
    from localstack.aws.api.stepfunctions import ExecutionStatus
    from localstack.services.stepfunctions.backend.store import sfn_stores

    for _, _, store in list(sfn_stores.iter_stores()):
        for execution in store.executions.values():
            if execution.exec_status == ExecutionStatus.RUNNING:
                execution.exec_status = ExecutionStatus.ABORTED
                execution.error = "States.Runtime"
                execution.cause = "the local cloud stopped while this execution was running"


_WAKE: dict[str, Callable[[], None]] = {
    "events": _events,
    "cloudwatch": _cloudwatch,
    "lambda": _lambda,
    "scheduler": _scheduler,
    "stepfunctions": _stepfunctions,
}


def wake(loaded: list[str]) -> None:
    """Start what acts by itself among the services that were loaded; a failure of one leaves the others working."""
    for name, act in _WAKE.items():
        if name in loaded:
            began = time.monotonic()
            try:
                act()
            except Exception:
                LOG.exception("%s was loaded, but does not act by itself", name)
            LOG.info("%s acts again after %.2f s", name, time.monotonic() - began)
