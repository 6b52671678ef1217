"""SageMaker's state-change events, put on the gateway's EventBridge in AWS's documented form."""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from penstock_services.operations import Context, ContextFactory, on_stop

_LOG = logging.getLogger(__name__)
_ATTEMPTS = 8
_queue: queue.SimpleQueue[tuple[Context, dict[str, Any]]] = queue.SimpleQueue()
_lock = threading.Lock()
_worker: threading.Thread | None = None
_pending = 0
_idle = threading.Condition()
Listener = Callable[[Context, str, list[str], dict[str, Any]], None]
_listeners: list[Listener] = []


def listen(function: Listener) -> Listener:
    """Call ``function(context, detail_type, resources, detail)`` in this process at every event, before it leaves; it must
    be quick and must not raise."""
    _listeners.append(function)
    return function


def emit(context: Context, detail_type: str, resources: list[str], detail: dict[str, Any]) -> None:
    """Put one event of source ``aws.sagemaker`` on the default bus, in the background, in order, with retries.

    ``detail_type`` is AWS's ("SageMaker Model Package State Change"), ``resources`` the ARNs concerned, ``detail`` the
    documented detail object.
    """
    global _worker, _pending
    for function in _listeners:
        function(context, detail_type, resources, detail)
    entry = {
        "Time": datetime.now(UTC),
        "Source": "aws.sagemaker",
        "DetailType": detail_type,
        "Resources": resources,
        "Detail": json.dumps(detail),
    }
    with _idle:
        _pending += 1
    with _lock:
        if _worker is None:
            _worker = threading.Thread(target=_deliver, name="events", daemon=True)
            _worker.start()
    _queue.put((context, entry))


def _deliver() -> None:
    global _pending
    while True:
        context, entry = _queue.get()
        try:
            _put(context, entry)
        finally:
            with _idle:
                _pending -= 1
                _idle.notify_all()


def _put(context: Context, entry: dict[str, Any]) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            answer = context.client("events").put_events(Entries=[entry])
        except Exception as error:  # noqa: BLE001 (any failure of the gateway is retried, then told)
            reason = str(error)
        else:
            if not answer.get("FailedEntryCount"):
                return
            reason = json.dumps(answer["Entries"][0])
        time.sleep(min(0.2 * 2**attempt, 5))
    _LOG.error("event %s for %s was not delivered: %s", entry["DetailType"], entry["Resources"], reason)


@on_stop
def _drain(_factory: ContextFactory) -> None:
    """Give queued events a moment to leave."""
    with _idle:
        _idle.wait_for(lambda: _pending == 0, timeout=2)
