"""Operations that an earlier deployment had begun and not ended: what came of them is read back from the cloud."""

from __future__ import annotations

from collections.abc import Callable

from penstock_deploy import urns
from penstock_deploy.engine.events import Events
from penstock_deploy.plugins.interface import Provider, Subject
from penstock_deploy.state.backend import StateKeeper
from penstock_deploy.state.resource import ResourceState, now
from penstock_deploy.state.snapshot import PendingOperation


def resolve_pending(keeper: StateKeeper, provider_of: Callable[[str], Provider], events: Events) -> int:
    """Resolve every pending operation; how many there were.

    A creation that did happen is adopted, with the inputs it was made with; one that did not is dropped and will be
    tried again. An update is read back, so that what is missing of it shows as a difference. A deletion that did happen
    is taken out of the state; one that did not is tried again.
    """
    pending = list(keeper.snapshot.pending)
    for operation in pending:
        message = _resolve(keeper, provider_of, operation)
        keeper.resolve(operation)
        events.diagnostic("warning", f"an earlier deployment was cut off {operation.type} {message}")
    if pending:
        keeper.save()
    return len(pending)


def _resolve(keeper: StateKeeper, provider_of: Callable[[str], Provider], operation: PendingOperation) -> str:
    state = operation.resource
    where = state.urn
    if not state.is_managed or not state.provider:
        return where
    subject = Subject(state.urn, state.type, urns.name(state.urn))
    provider = provider_of(state.provider)
    if operation.type == "creating":
        found = provider.find(subject, state.inputs)
        known = keeper.snapshot.remaining()
        if found is None or any(item.type == state.type and item.id == found.id for item in known):
            return f"{where}: it had not been created and will be tried again"
        for item in known:
            if item.urn == state.urn and not item.delete:
                keeper.restate(item, delete=True)  # what it was made to replace
        keeper.adopt(state.copy(id=found.id, outputs=found.outputs, created=now(), modified=now()))
        return f"{where}: it had been created and is adopted"
    old = _old(keeper, state)
    if old is None:
        return where
    reading = provider.read(subject, old.id, old.inputs, old.outputs)
    if reading is None:
        keeper.commit(old=old)
        return f"{where}: it is gone"
    if operation.type == "updating":
        keeper.restate(old, inputs=reading.inputs, outputs=reading.outputs)
        return f"{where}: it was read back"
    return f"{where}: it is still there"


def _old(keeper: StateKeeper, state: ResourceState) -> ResourceState | None:
    for candidate in keeper.snapshot.remaining():
        if candidate.urn == state.urn and candidate.id == state.id:
            return candidate
    return None
