"""Deleting: what a program no longer names, what was replaced, or everything; in reverse order of dependency."""

from __future__ import annotations

import threading
from concurrent import futures
from typing import TYPE_CHECKING

from penstock_deploy import urns
from penstock_deploy.engine.events import Events
from penstock_deploy.engine.planner import Op, refuse_protected
from penstock_deploy.engine.providers import Providers
from penstock_deploy.errors import CancelledError, DeploymentError, StepError
from penstock_deploy.plugins.interface import Subject
from penstock_deploy.state.backend import StateKeeper
from penstock_deploy.state.resource import ResourceState
from penstock_deploy.values import UNKNOWN

if TYPE_CHECKING:
    from penstock_deploy.engine.steps import Stopping


class Deletions:
    """Deletes old states and remembers which went ahead of their replacement."""

    def __init__(
        self, keeper: StateKeeper, providers: Providers, events: Events, stopping: Stopping, *, preview: bool
    ) -> None:
        self._keeper = keeper
        self._providers = providers
        self._events = events
        self._stopping = stopping
        self._preview = preview
        self._lock = threading.Lock()
        self._first: dict[str, ResourceState] = {}
        self._going: set[str] = set()

    def was_deleted_first(self, old: ResourceState) -> bool:
        """Whether this old state was deleted so that its replacement can be made."""
        with self._lock:
            return self._first.get(old.urn) is old

    def replacement_chain(self, root: ResourceState) -> list[ResourceState]:
        """What must go before `root` can: resources that would be replaced when root's outputs change."""
        chain: list[ResourceState] = []
        going = {root.urn}
        for state in self._keeper.snapshot.remaining():
            if state is root or not state.is_managed or state.delete:
                continue
            hit = {name for name, needed in state.property_dependencies.items() if going & set(needed)}
            if state.deleted_with not in going:
                if not hit:
                    continue
                news = {name: UNKNOWN if name in hit else value for name, value in state.inputs.items()}
                diff = self._providers.get(state.provider).diff(
                    _subject(state), state.id, state.inputs, state.outputs, news, state.ignore_changes
                )
                if not diff.replaces:
                    continue
            chain.append(state)
            going.add(state.urn)
        return chain

    def delete_first(self, states: list[ResourceState]) -> None:
        """Delete these, in this order, ahead of their replacements."""
        self._going.update(state.urn for state in states)
        for state in states:
            with self._lock:
                if state.urn in self._first:
                    continue
                self._first[state.urn] = state
            self._delete(state, counted=False)

    def victims(self, registered: set[str]) -> list[ResourceState]:
        """Old states that a program which registered these URNs leaves behind."""
        found = []
        for state in self._keeper.snapshot.remaining():
            if state.delete or state.urn not in registered:
                found.append(state)
        return found

    def delete_all(self, victims: list[ResourceState], parallel: int) -> None:
        """Delete all of these; dependents before what they depend on, the rest at the same time.

        Protection is checked before the first goes. A failure stops what has not begun; the first one is raised.
        """
        if not victims:
            return
        refuse_protected([state for state in victims if not state.delete], "deleted")
        self._going.update(state.urn for state in victims)
        by_urn: dict[str, list[ResourceState]] = {}
        for state in victims:
            by_urn.setdefault(state.urn, []).append(state)
        needs = {
            id(state): {id(other) for urn in state.needs() for other in by_urn.get(urn, []) if other is not state}
            for state in victims
        }
        holders: dict[int, int] = {id(state): 0 for state in victims}
        for needed in needs.values():
            for other in needed:
                holders[other] += 1
        ready = [state for state in victims if holders[id(state)] == 0]
        by_id = {id(state): state for state in victims}
        running: dict[futures.Future[None], ResourceState] = {}
        failure: BaseException | None = None
        left = len(victims)
        with futures.ThreadPoolExecutor(max(parallel, 1), thread_name_prefix="delete") as pool:
            while ready or running:
                while ready and failure is None:
                    state = ready.pop()
                    replaced = state.delete
                    running[pool.submit(self._in_slot, state, not replaced)] = state
                if not running:
                    break
                done, _ = futures.wait(running, return_when=futures.FIRST_COMPLETED)
                for future in done:
                    state = running.pop(future)
                    error = future.exception()
                    if error is not None:
                        if failure is None or isinstance(failure, CancelledError):
                            failure = error
                        continue
                    left -= 1
                    for other in needs[id(state)]:
                        holders[other] -= 1
                        if holders[other] == 0:
                            ready.append(by_id[other])
        if failure is not None:
            raise failure
        if left:
            raise DeploymentError("the state's dependencies form a cycle; these cannot be deleted in any order")

    def _in_slot(self, state: ResourceState, counted: bool) -> None:
        with self._stopping.slot():
            self._delete(state, counted=counted)

    def _delete(self, state: ResourceState, *, counted: bool) -> None:
        shown = not state.is_default_provider
        step = self._events.step(Op.DELETE, state) if shown else None
        real = (
            state.is_managed
            and not state.retain_on_delete
            and state.deleted_with not in self._going
            and not self._preview
        )
        if real:
            number = self._keeper.begin("deleting", state)
            try:
                provider = self._providers.get(state.provider)
                provider.delete(_subject(state), state.id, state.inputs, state.outputs)
            except BaseException as error:
                self._keeper.commit(end=number)
                if step is not None:
                    step.failed(str(error))
                if isinstance(error, DeploymentError) and not isinstance(error, CancelledError | StepError):
                    raise StepError(state.urn, error.message, error.fix) from error
                raise
            self._keeper.commit(end=number, old=state)
        else:
            self._keeper.commit(old=state)
        if step is not None:
            counts = counted and not (state.external and state.custom)
            step.done(counted=counts)


def _subject(state: ResourceState) -> Subject:
    return Subject(state.urn, state.type, urns.name(state.urn), state.custom_timeouts.get("delete", 0.0))
