"""The time by which schedules run: this machine's, or one that is ahead of it by a setting
(``PENSTOCK_MONITORING_AHEAD_SECONDS``), so that the next full hour need not be waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from penstock_services.operations import Context
from penstock_services.sagemaker import lifecycle


def now(context: Context) -> datetime:
    """The schedules' time."""
    return datetime.fromtimestamp(time.time() + context.settings.monitoring_ahead_seconds, UTC)


def at(context: Context, due: float, function: Callable[[], None]) -> None:
    """Run ``function`` at ``due`` (epoch seconds of the schedules' time), or at once if that is past; it must be quick."""
    lifecycle.CLOCK.at(due - context.settings.monitoring_ahead_seconds, function)
