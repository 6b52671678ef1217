"""Running inference components: what of each serves at the moment, and what its record says."""

from __future__ import annotations

import shutil
import threading
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from penstock_services.operations import Context
from penstock_services.sagemaker import hooks
from penstock_services.sagemaker.endpoints import live
from penstock_services.sagemaker.endpoints.components.copies import Copies
from penstock_services.sagemaker.endpoints.components.placement import Host
from penstock_services.sagemaker.endpoints.components.specification import Specification
from penstock_services.sagemaker.endpoints.description import described
from penstock_services.sagemaker.endpoints.live import REASON_LENGTH, Live
from penstock_services.sagemaker.endpoints.plan import Plan
from penstock_services.sagemaker.endpoints.serving.fleet import stop_all
from penstock_services.sagemaker.engine import now
from penstock_services.store import Scope

Record = dict[str, Any]
KIND = "InferenceComponent"


@dataclass(eq=False)
class Component:
    """A running inference component on a variant of an endpoint.

    ``lock`` is held by whoever changes it; requests only read ``copies``, which is exchanged whole: those of one
    revision, or of two during a rolling update, the one that the record describes first. ``back`` is clear while it is
    being started again after a restart: requests and changes wait for it then. ``gone``: it has been deleted.
    """

    endpoint: Live
    name: str
    variant: str
    copies: tuple[Copies, ...] = ()
    back: threading.Event = field(default_factory=threading.Event)
    gone: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def context(self) -> Context:
        """That of its endpoint."""
        return self.endpoint.context

    @property
    def folder(self) -> Path:
        """Where its revisions keep their files."""
        return self.endpoint.folder / "components" / self.name

    @property
    def host(self) -> Host:
        """The instances that it runs on. The endpoint must be up."""
        assert self.endpoint.main is not None
        return self.endpoint.main.fleet.hosts[self.variant]

    @property
    def copy_count(self) -> int:
        """The number of copies that run."""
        return sum(len(each.instances) for each in self.copies)

    def revision(self, specification: Specification) -> Copies:
        """Copies of that specification, none of which runs yet."""
        folder = self.folder / uuid.uuid4().hex[:8]
        return Copies(self.context, self.endpoint.name, self.name, self.host, specification, folder)

    def stop(self, *, forget: bool) -> None:
        """Stop all copies; ``forget``: and remove their files."""
        copies, self.copies = self.copies, ()
        stop_all(copies, forget=forget)
        if forget:
            shutil.rmtree(self.folder, ignore_errors=True)

    def fail(self, reason: str) -> None:
        """Leave it Failed, with that reason."""
        change(self, InferenceComponentStatus="Failed", FailureReason=reason[:REASON_LENGTH])
        self.back.set()
        _tell_hosts(self.endpoint)


_RUNNING: dict[tuple[Scope, str], Component] = {}
_lock = threading.Lock()


def running(scope: Scope, name: str) -> Component | None:
    """The running component of that name."""
    return _RUNNING.get((scope, name))


def every() -> list[Component]:
    """All running components."""
    with _lock:
        return list(_RUNNING.values())


def add(component: Component) -> None:
    """Have requests find a component."""
    with _lock:
        _RUNNING[(component.context.scope, component.name)] = component


def remove(component: Component) -> None:
    """Have requests find it no more."""
    with _lock:
        _RUNNING.pop((component.context.scope, component.name), None)


def change(
    component: Component, without: tuple[str, ...] = (), *, wanted: int | None = None, **members: Any
) -> Record | None:
    """Change a component's record: set ``members`` and the number of copies that are ``wanted``, remove those members
    ``without``. The number of copies that run is always told."""
    context = component.context

    def apply(record: Record) -> None:
        record.update(members)
        for member in without:
            record.pop(member, None)
        record["RuntimeConfig"]["CurrentCopyCount"] = component.copy_count
        if wanted is not None:
            record["RuntimeConfig"]["DesiredCopyCount"] = wanted
        record["LastModifiedTime"] = now()

    record = context.store.update(context.scope, KIND, component.name, apply)
    if record is not None:
        hooks.run(KIND, "updated", context, record)
    return record


def settle(component: Component, without: tuple[str, ...] = (), **members: Any) -> None:
    """Be in service with the copies that there are, and again after a restart; ``members`` and ``without`` as for
    ``change``."""
    (copies,) = component.copies
    serving = {
        "specification": copies.specification.to_record(),
        "instances": [each.instance for each in copies.places],
    }
    wanted = len(copies.places)
    change(component, without, wanted=wanted, InferenceComponentStatus="InService", _serving=serving, **members)
    _tell_hosts(component.endpoint)


def release(component: Component) -> None:
    """Stop all copies for good, and tell which instances are left."""
    component.stop(forget=True)
    _tell_hosts(component.endpoint)


def _tell_hosts(endpoint: Live) -> None:
    """Have the endpoint's record say which instances there are, where that has changed."""
    context = endpoint.context
    with endpoint.lock:
        record = context.store.get(context.scope, "Endpoint", endpoint.name)
        if record is None or endpoint.main is None or endpoint.over:
            return
        fleet = endpoint.main.fleet
        plan = replace(fleet.plan, hosts=tuple(each.plan for each in fleet.hosts.values()))
        if Plan.from_record(record["_plan"]) != plan:
            live.change(endpoint, _plan=plan.to_record(), **described(context, fleet))
