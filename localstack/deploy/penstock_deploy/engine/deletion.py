"""Deleting: what a program no longer names, what was replaced, or everything; in reverse order of dependency."""

from __future__ import annotations

import threading
from concurrent import futures

from penstock_deploy import urns
from penstock_deploy.engine.details import details
from penstock_deploy.engine.events import Events
from penstock_deploy.engine.planner import Op, refuse_protected
from penstock_deploy.engine.providers import Providers
from penstock_deploy.engine.stopping import POLL_SECONDS, Stopping
from penstock_deploy.engine.targets import Targets
from penstock_deploy.engine.workers import Workers
from penstock_deploy.errors import CancelledError, DeploymentError, StepError
from penstock_deploy.plugins.interface import Subject
from penstock_deploy.state.backend import StateKeeper
from penstock_deploy.state.resource import ResourceState
from penstock_deploy.values import UNKNOWN


class Deletions:
    """Deletes old states and remembers which went ahead of their replacement."""

    def __init__(
        self, keeper: StateKeeper, providers: Providers, events: Events, stopping: Stopping, targets: Targets, *,
        preview: bool,
    ) -> None:  # fmt: skip
        self._keeper = keeper
        self._providers = providers
        self._events = events
        self._stopping = stopping
        self._targets = targets
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

    def delete_all(self, candidates: list[ResourceState], parallel: int) -> None:
        """Delete those of the candidates that are targets; dependents first, what is independent at the same time.

        Targets, protection and cycles are checked before the first goes. A failure stops what has not begun; the first
        one is raised.
        """
        victims = self._targets.to_delete(candidates, self._keeper.snapshot.resources())
        if not victims:
            return
        refuse_protected([state for state in victims if not state.delete], "deleted")
        needs = _order(victims)
        self._going.update(state.urn for state in victims)
        holders: dict[int, int] = {id(state): 0 for state in victims}
        for needed in needs.values():
            for other in needed:
                holders[other] += 1
        ready = [state for state in victims if holders[id(state)] == 0]
        by_id = {id(state): state for state in victims}
        running: dict[futures.Future[None], ResourceState] = {}
        failure: BaseException | None = None
        pool = Workers(parallel, "delete")
        while (ready or running) and not self._stopping.abandoned.is_set():
            while ready and failure is None:
                state = ready.pop()
                running[pool.submit(self._in_slot, state, not state.delete)] = state
            if not running:
                break
            done, _ = futures.wait(running, POLL_SECONDS, return_when=futures.FIRST_COMPLETED)
            for future in done:
                state = running.pop(future)
                error = future.exception()
                if error is not None:
                    if failure is None or isinstance(failure, CancelledError):
                        failure = error
                    continue
                for other in needs[id(state)]:
                    holders[other] -= 1
                    if holders[other] == 0:
                        ready.append(by_id[other])
        pool.shutdown(wait=False)
        if failure is not None:
            raise failure

    def _in_slot(self, state: ResourceState, counted: bool) -> None:
        with self._stopping.slot():
            self._delete(state, counted=counted)

    def _delete(self, state: ResourceState, *, counted: bool) -> None:
        shown = not state.is_default_provider
        step = self._events.step(Op.DELETE, state, None, details(state.inputs, {})) if shown else None
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


Needs = dict[int, set[int]]


def _order(victims: list[ResourceState]) -> Needs:
    """For each state, by identity, those of the others that it depends on and that go after it.

    Of a resource that was replaced there may be two states, the live one and the one still to be deleted. Refuses a
    state whose dependencies go in a circle: no order of deletion is right.
    """
    needs = _needs(victims, both=True)
    if _in_circle(needs):
        needs = _needs(victims, both=False)
    circle = _in_circle(needs)
    if circle:
        listed = "\n".join(f"  {state.urn}" for state in victims if id(state) in circle)
        raise DeploymentError(
            f"the dependencies in the state go in a circle; nothing was deleted:\n{listed}",
            "Export the state, take one of these dependencies out, and import it again.",
        )
    return needs


def _needs(victims: list[ResourceState], *, both: bool) -> Needs:
    """With `both`, a live state also waits for replaced ones of the same name; else only for its own generation."""
    by_urn: dict[str, list[ResourceState]] = {}
    for state in victims:
        by_urn.setdefault(state.urn, []).append(state)
    found: Needs = {}
    for state in victims:
        mine = found[id(state)] = set()
        for urn in state.needs():
            others = by_urn.get(urn, [])
            generation = [other for other in others if other.delete == state.delete]
            meant = others if both and not state.delete else generation or others
            mine.update(id(other) for other in meant if other is not state)
    return found


def _in_circle(needs: Needs) -> set[int]:
    """The states that no order can put behind what they need."""
    left = {each: set(needed) for each, needed in needs.items()}
    needed_by: dict[int, list[int]] = {each: [] for each in left}
    for each, needed in left.items():
        for other in needed:
            needed_by[other].append(each)
    free = [each for each, needed in left.items() if not needed]
    while free:
        each = free.pop()
        del left[each]
        for other in needed_by[each]:
            left[other].discard(each)
            if not left[other]:
                free.append(other)
    return set(left)
