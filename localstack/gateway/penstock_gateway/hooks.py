"""What runs inside LocalStack before it serves."""

from __future__ import annotations

import threading
import time
from typing import Any

from localstack.runtime import hooks

POLL_SECONDS = 0.05
_keepers: list[Any] = []


@hooks.on_infra_start()
def on_start() -> None:
    """Load the state, and put our handlers at both ends of the chain of every request."""
    from localstack.aws.handlers import preprocess_request, run_custom_response_handlers

    from penstock_gateway import forward, settings
    from penstock_gateway.state.keeping import Keeper

    given = settings.from_environment()
    keeper = Keeper(given.kept_dir, given.s3_dir)
    keeper.load()
    _keepers.append(keeper)
    preprocess_request.append(keeper.begin)
    preprocess_request.append(forward.Forwarder(given.services_url))
    run_custom_response_handlers.append(keeper.end)
    threading.Thread(target=ready, args=[given.port], name="ready", daemon=True).start()


def ready(port: int) -> None:
    """Start what acts by itself, once the gateway listens. (LocalStack's own hook gives up after 15 seconds.)"""
    from localstack.utils.net import is_port_open

    from penstock_gateway.schedules.records import clock

    while not is_port_open(port, protocols="tcp"):
        time.sleep(POLL_SECONDS)
    for keeper in _keepers:
        keeper.wake()
    clock().start()


@hooks.on_infra_shutdown()
def on_shutdown() -> None:
    """Fire nothing more, and write the state once more."""
    from penstock_gateway.schedules.records import clock

    clock().stop()
    for keeper in _keepers:
        keeper.stop()
