"""Ports that a state folder's local cloud listens on: those of its last run as long as they are free.

Stacks name the receiver by its address (EventBridge posts to it): the same port after a restart leaves them as they
are. Where it must be another one, `former_receivers` lets the gateway send to the new one what is meant for the old.
"""

from __future__ import annotations

import time

from pydantic import BaseModel, ConfigDict, ValidationError

from penstock_cloud import processes
from penstock_cloud.state import StateFolder, write_atomically

PATIENCE_SECONDS = 3.0
LISTENER_PATIENCE_SECONDS = 1.0
"""For a port on which somebody listens: a killed process that is ending has no name any more, but its sockets still."""


class Ports(BaseModel):
    """Ports of the loopback interface; `receiver` None: none was started."""

    model_config = ConfigDict(frozen=True)

    gateway: int
    services: int
    receiver: int | None = None
    former_receivers: list[int] = []


def last(folder: StateFolder) -> Ports | None:
    """The ports of the last run."""
    try:
        return Ports.model_validate_json(folder.ports.read_text())
    except (FileNotFoundError, ValidationError):
        return None


def gateway(folder: StateFolder) -> int:
    """The last run's port of the gateway if it is free, else any free one."""
    known = last(folder)
    return _again(known.gateway if known else None)


def choose(folder: StateFolder, gateway_port: int, *, with_receiver: bool) -> Ports:
    """The ports of this run, written down for the next."""
    known = last(folder)
    receiver = _again(known.receiver if known else None) if with_receiver else None
    former = [*known.former_receivers, known.receiver] if known else []
    chosen = Ports(
        gateway=gateway_port,
        services=_again(known.services if known else None),
        receiver=receiver or (known.receiver if known else None),
        former_receivers=sorted({port for port in former if port and port != receiver}),
    )
    write_atomically(folder.ports, chosen.model_dump_json(indent=2))
    return chosen


def _again(port: int | None) -> int:
    """The port if it is free, or will be in a moment: who held it may be ending, or a passing connection may have it."""
    start = time.monotonic()
    while port:
        if processes.port_is_free(port):
            return port
        patience = LISTENER_PATIENCE_SECONDS if processes.somebody_listens(port) else PATIENCE_SECONDS
        if time.monotonic() - start > patience:
            break
        time.sleep(0.05)
    return processes.free_port()
