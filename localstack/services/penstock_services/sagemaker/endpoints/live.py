"""Running endpoints: what of each is served at the moment, and what its record says."""

from __future__ import annotations

import contextlib
import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker import events, hooks, tags
from penstock_services.sagemaker.endpoints.capture import Capture
from penstock_services.sagemaker.endpoints.serving.fleet import Fleet
from penstock_services.sagemaker.endpoints.serving.serverless import ServerlessVariant
from penstock_services.sagemaker.engine import find, now
from penstock_services.store import Scope

_LOG = logging.getLogger(__name__)
Record = dict[str, Any]
IN_PROGRESS = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
SERVED = ("InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed")
REASON_LENGTH = 1024


@dataclass(frozen=True)
class Side:
    """A fleet that takes part of an endpoint's requests; during a blue/green deployment there are two."""

    fleet: Fleet
    capture: Capture | None
    share: float = 1.0

    def taking(self, share: float) -> Side:
        """The same with another share of the requests (0 to 1)."""
        return replace(self, share=share)

    def stop(self, *, forget: bool = True) -> None:
        """Stop the fleet, and write what was captured."""
        self.fleet.stop(forget=forget)
        if self.capture is not None:
            self.capture.close()


@dataclass(eq=False)
class Live:
    """A running endpoint. ``lock`` is held by whoever changes it; requests only read ``sides``, which is exchanged
    whole. ``hosting``: it is one for inference components."""

    context: Context
    name: str
    sides: tuple[Side, ...] = ()
    lock: threading.Lock = field(default_factory=threading.Lock)
    gone: bool = False
    hosting: bool = False
    in_flight: int = 0
    _counting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def folder(self) -> Path:
        """Where its fleets keep their files."""
        scope = self.context.scope
        return self.context.settings.state_dir / "endpoints" / f"{scope.account}-{scope.region}" / self.name

    @property
    def main(self) -> Side | None:
        """The side that the endpoint's record describes: the first."""
        return self.sides[0] if self.sides else None

    @property
    def over(self) -> bool:
        """Whether a deployment must not go on: the endpoint is being deleted, or the process ends."""
        return self.gone or STOPPED.is_set()

    def side(self, fleet: Fleet) -> Side:
        """A side of that fleet, with its capture, and no requests yet."""
        config = fleet.plan.capture
        capture = Capture(self.context, self.name, config) if config and config.get("EnableCapture") else None
        return Side(fleet, capture, 0.0)

    def fail(self, reason: str) -> None:
        """Leave it Failed, with that reason."""
        change(self, ("PendingDeploymentSummary",), EndpointStatus="Failed", FailureReason=reason[:REASON_LENGTH])

    @contextlib.contextmanager
    def admitted(self) -> Iterator[None]:
        """While a request is served. Raises ServiceError where a serverless endpoint has its MaxConcurrency."""
        limits = [
            variant.concurrency
            for side in self.sides
            for variant in side.fleet.variants.values()
            if isinstance(variant, ServerlessVariant)
        ]
        with self._counting:
            if limits and self.in_flight >= max(limits):
                message = (
                    f"Rate exceeded: endpoint {self.name} serves {max(limits)} requests at a time (MaxConcurrency)."
                )
                raise ServiceError("ThrottlingException", message, 429)
            self.in_flight += 1
        try:
            yield
        finally:
            with self._counting:
                self.in_flight -= 1


STOPPED = threading.Event()
_LIVE: dict[tuple[Scope, str], Live] = {}
_lock = threading.Lock()


def live(scope: Scope, name: str) -> Live | None:
    """The running endpoint of that name."""
    return _LIVE.get((scope, name))


def every() -> list[Live]:
    """All running endpoints."""
    with _lock:
        return list(_LIVE.values())


def add(endpoint: Live) -> None:
    """Have requests find an endpoint."""
    with _lock:
        _LIVE[(endpoint.context.scope, endpoint.name)] = endpoint


def remove(endpoint: Live) -> None:
    """Have requests find it no more, and delete its files."""
    key = (endpoint.context.scope, endpoint.name)
    with _lock:
        if _LIVE.get(key) is endpoint:
            del _LIVE[key]
    shutil.rmtree(endpoint.folder, ignore_errors=True)


def updatable(context: Context, name: str) -> tuple[Record, Live]:
    """Record and endpoint for a change of it. Raises ServiceError in AWS's words where it cannot be changed now."""
    key, record = find(context, "Endpoint", name)
    status = record["EndpointStatus"]
    endpoint = live(context.scope, key)
    if status in IN_PROGRESS:
        raise ServiceError("ValidationException", f'Cannot update in-progress endpoint "{record["EndpointArn"]}".')
    if status not in SERVED or endpoint is None:
        message = f'Cannot update endpoint "{record["EndpointArn"]}" in status {status}; it can only be deleted.'
        raise ServiceError("ValidationException", message)
    return record, endpoint


class Deployed(Protocol):
    """What is deployed: an endpoint, or an inference component."""

    name: str

    def fail(self, reason: str) -> None:
        """Leave it Failed, with that reason."""


def in_background[D: Deployed](function: Callable[..., None], deployed: D, *arguments: Any) -> None:
    """Run a step of what is deployed in a thread; a fault of ours leaves it Failed with a reason, not waiting for
    ever."""

    def run() -> None:
        try:
            function(deployed, *arguments)
        except Exception as error:  # noqa: BLE001 (becomes the FailureReason)
            _LOG.exception("%s %s", function.__name__, deployed.name)
            deployed.fail(f"InternalServerError: {type(error).__name__}: {error}")

    threading.Thread(target=run, name=f"{function.__name__}-{deployed.name}", daemon=True).start()


def change(endpoint: Live, without: tuple[str, ...] = (), **members: Any) -> Record | None:
    """Change an endpoint's record: set ``members``, remove those ``without``. A change of its status is announced."""
    context = endpoint.context
    before = ""

    def apply(record: Record) -> None:
        nonlocal before
        before = record["EndpointStatus"]
        record.update(members)
        for member in without:
            record.pop(member, None)
        record["LastModifiedTime"] = now()

    record = context.store.update(context.scope, "Endpoint", endpoint.name, apply)
    if record is not None and record["EndpointStatus"] != before:
        announce(context, record)
    return record


def announce(context: Context, record: Record) -> None:
    """Run the ``updated`` hooks of endpoints, and send the state-change event; its status is in capitals there, as AWS
    documents."""
    hooks.run("Endpoint", "updated", context, record)
    detail = {
        "EndpointName": record["EndpointName"],
        "EndpointArn": record["EndpointArn"],
        "EndpointConfigName": record["EndpointConfigName"],
        "EndpointStatus": _capitals(record["EndpointStatus"]),
        "CreationTime": int(record["CreationTime"] * 1000),
        "LastModifiedTime": int(record["LastModifiedTime"] * 1000),
        "Tags": tags.of(context, record["EndpointArn"]),
    }
    if "FailureReason" in record:
        detail["FailureReason"] = record["FailureReason"]
    for member in ("ProductionVariants", "ShadowProductionVariants"):
        if member in record:
            detail[member] = [
                {key: value for key, value in variant.items() if key != "DeployedImages"} for variant in record[member]
            ]
    events.emit(context, "SageMaker Endpoint State Change", [record["EndpointArn"]], detail)


def _capitals(status: str) -> str:
    return "".join("_" + letter if letter.isupper() else letter for letter in status).lstrip("_").upper()
