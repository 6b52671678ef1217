"""Recording what happens without standing in its way: lineage may never make a request or a job fail."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from penstock_services.operations import Context
from penstock_services.sagemaker.hooks import Moment, hook

_LOG = logging.getLogger(__name__)
Recorder = Callable[[Context, dict[str, Any]], None]


def recorded(kind: str, *moments: Moment) -> Callable[[Recorder], Recorder]:
    """Run ``function(context, record)`` at these moments of a kind; a failure is logged, not raised."""

    def register(function: Recorder) -> Recorder:
        def safely(context: Context, record: dict[str, Any]) -> None:
            try:
                function(context, record)
            except Exception:  # noqa: BLE001 (metadata: what is recorded goes on without it)
                _LOG.exception("the lineage of a %s", kind)

        for moment in moments:
            hook(kind, moment)(safely)
        return function

    return register
