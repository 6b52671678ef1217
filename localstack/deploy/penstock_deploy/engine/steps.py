"""Carrying out steps: each asks the provider, then writes what came of it to the state."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from penstock_deploy import paths, urns
from penstock_deploy.engine.autonaming import Autonaming
from penstock_deploy.engine.deletion import Deletions
from penstock_deploy.engine.details import Details, details
from penstock_deploy.engine.events import Events, Step
from penstock_deploy.engine.goal import Goal
from penstock_deploy.engine.planner import Decision, Op, decide, refuse_protected
from penstock_deploy.engine.providers import Providers
from penstock_deploy.engine.stopping import Stopping
from penstock_deploy.engine.targets import Targets
from penstock_deploy.errors import CancelledError, DeploymentError, StepError
from penstock_deploy.plugins.interface import InitializationError, Provider, Subject
from penstock_deploy.state.backend import StateKeeper
from penstock_deploy.state.resource import ResourceState, now
from penstock_deploy.values import Properties, Secret, has_secret

_Made = Callable[[], tuple[str, Properties]]


class Steps:
    """Takes custom resources from their old states to their goals."""

    def __init__(
        self, keeper: StateKeeper, providers: Providers, events: Events, stopping: Stopping, targets: Targets, *,
        preview: bool, autonaming: Autonaming | None = None,
    ) -> None:  # fmt: skip
        self._autonaming = autonaming or Autonaming()
        self._keeper = keeper
        self._providers = providers
        self._events = events
        self._stopping = stopping
        self._targets = targets
        self._preview = preview
        self.replaced: set[str] = set()
        self.deletions = Deletions(keeper, providers, events, stopping, targets, preview=preview)

    def register(self, goal: Goal, old: ResourceState | None) -> ResourceState:
        """Carry out the step that a registration of a custom resource needs; the new state."""
        with self._stopping.slot(), _about(goal.urn):
            return self._register(goal, old)

    def _register(self, goal: Goal, old: ResourceState | None) -> ResourceState:
        provider = self._providers.get(goal.provider)
        state = goal.state()
        deleted_first = old is not None and self.deletions.was_deleted_first(old)
        live = None if old is None or deleted_first or old.external else old
        if old is not None and old.external:
            self._keeper.commit(old=old)
        olds = live.inputs if live else {}
        if live is not None and live.init_errors:
            olds = self._olds_of_half_made(provider, goal, live)
        news = paths.ignore(olds, goal.inputs, goal.ignore_changes) if live and goal.ignore_changes else goal.inputs
        subject, seed = self._to_be_named(goal)
        state.inputs = provider.check(subject, olds, news, seed)
        if live is None:
            return self._create(provider, goal, state, Op.REPLACE if deleted_first else Op.CREATE)
        diff = provider.diff(subject, live.id, olds, live.outputs, state.inputs, goal.ignore_changes)
        decision = decide(goal, live, diff, replaced_with=goal.deleted_with in self.replaced)
        if decision.op is Op.REPLACE:
            return self._replace(provider, goal, state, live, decision)
        state.id, state.created = live.id, live.created
        state.extra = dict(live.extra)
        if decision.op is Op.UPDATE:
            return self._update(provider, goal, state, live, decision, olds)
        state.outputs, state.modified = live.outputs, live.modified
        _hide_outputs(state)
        step = self._events.step(Op.SAME, state)
        self._keeper.commit(new=state, old=live)
        step.done()
        return state

    def _to_be_named(self, goal: Goal) -> tuple[Subject, bytes]:
        """The resource as a check takes it, with how it is to be named and a seed for what is random in its name."""
        seed = os.urandom(32)
        naming = self._autonaming.naming(goal.urn, seed)
        if naming is not None and naming.delete_before_replace:
            goal.delete_before_replace = True
        return replace(_subject(goal, "create"), naming=naming), seed

    @staticmethod
    def _olds_of_half_made(provider: Provider, goal: Goal, live: ResourceState) -> Properties:
        """The inputs that are in effect on a resource that did not become what was asked: read back, not remembered."""
        reading = provider.read(_subject(goal, "read"), live.id, live.inputs, live.outputs)
        return reading.inputs if reading is not None else live.inputs

    def _create(
        self,
        provider: Provider,
        goal: Goal,
        state: ResourceState,
        op: Op,
        decision: Decision | None = None,
        condemned: ResourceState | None = None,
        told: Details | None = None,
    ) -> ResourceState:
        diff = decision.diff if decision else []
        step = self._events.step(op, state, diff, told if told is not None else details({}, state.inputs))
        number = self._keeper.begin("creating", state)
        state.created = state.modified = now()

        def made() -> tuple[str, Properties]:
            return provider.create(_subject(goal, "create"), state.inputs, preview=self._preview)

        return self._carry_out(step, number, state, made, condemned=condemned)

    def _update(
        self,
        provider: Provider,
        goal: Goal,
        state: ResourceState,
        old: ResourceState,
        decision: Decision,
        old_inputs: Properties,
    ) -> ResourceState:
        step = self._events.step(Op.UPDATE, state, decision.diff, details(old_inputs, state.inputs, decision.diff))
        number = self._keeper.begin("updating", old.copy(inputs=state.inputs))
        state.modified = now()

        def made() -> tuple[str, Properties]:
            return old.id, provider.update(
                _subject(goal, "update"), old.id, old_inputs, old.outputs, state.inputs, goal.ignore_changes,
                preview=self._preview,
            )  # fmt: skip

        return self._carry_out(step, number, state, made, old=old)

    def _carry_out(
        self,
        step: Step,
        number: int,
        state: ResourceState,
        made: _Made,
        *,
        old: ResourceState | None = None,
        condemned: ResourceState | None = None,
    ) -> ResourceState:
        """Let the provider make it so, and write what came of it; the one ending of creations and updates."""
        half_made: InitializationError | None = None
        try:
            state.id, state.outputs = made()
        except InitializationError as error:
            half_made = error
            state.id, state.outputs, state.init_errors = error.id or state.id, error.outputs, [str(error)]
        except BaseException as error:
            self._keeper.commit(end=number)
            step.failed(str(error))
            raise
        _hide_outputs(state)
        self._keeper.commit(end=number, new=state, old=old, condemned=condemned)
        if half_made is not None:
            step.failed(str(half_made))
            raise half_made
        step.done()
        return state

    def _replace(
        self, provider: Provider, goal: Goal, state: ResourceState, old: ResourceState, decision: Decision
    ) -> ResourceState:
        """Replace: names are made anew, and the old one goes first or, at the end of the deployment, last."""
        chain = self.deletions.replacement_chain(old) if decision.delete_first else []
        if not old.retain_on_delete:
            refuse_protected([*chain, old], "replaced")
        self._targets.refuse_beyond(chain)
        self.replaced.add(goal.urn)
        told = details(old.inputs, goal.inputs, decision.diff)
        subject, seed = self._to_be_named(goal)
        state.inputs = provider.check(subject, {}, goal.inputs, seed)
        if decision.delete_first:
            self.deletions.delete_first([*reversed(chain), old])
            return self._create(provider, goal, state, Op.REPLACE, decision, told=told)
        return self._create(provider, goal, state, Op.REPLACE, decision, condemned=old, told=told)

    def keep(self, goal: Goal, old: ResourceState) -> ResourceState:
        """Leave a resource that is not a target as it is, under the name that the program gives it now."""
        state = old.copy(urn=goal.urn, type=goal.type, parent=goal.parent)
        step = self._events.step(Op.SAME, state)
        self._keeper.commit(new=state, old=old)
        step.done()
        return state

    def read(self, goal: Goal, id_: str, old: ResourceState | None) -> ResourceState:
        """Read a resource that someone else manages into the state."""
        with self._stopping.slot(), _about(goal.urn):
            provider = self._providers.get(goal.provider)
            reading = provider.read(_subject(goal, "read"), id_, {}, goal.inputs)
            if reading is None:
                raise StepError(goal.urn, f"the resource {id_!r} does not exist")
            return self.keep_read(goal, reading.id, reading.outputs, old)

    def keep_read(self, goal: Goal, id_: str, outputs: Properties, old: ResourceState | None) -> ResourceState:
        """Put what was read into the state, as Pulumi's `external` resources."""
        state = goal.state()
        state.id, state.external, state.outputs = id_, True, outputs
        _hide_outputs(state)
        state.created = old.created if old else now()
        state.modified = now()
        step = self._events.step(Op.READ, state)
        managed_other = old is not None and old.is_managed and old.id != id_
        if managed_other:
            self._keeper.commit(new=state, condemned=old)
        else:
            self._keeper.commit(new=state, old=old)
        step.done()
        return state


def _subject(goal: Goal, phase: str) -> Subject:
    return Subject(goal.urn, goal.type, urns.name(goal.urn), goal.custom_timeouts.get(phase, 0.0))


def _hide_outputs(state: ResourceState) -> None:
    for name in state.additional_secret_outputs:
        if name in state.outputs and not has_secret(state.outputs[name]):
            state.outputs[name] = Secret(state.outputs[name])


@contextmanager
def _about(urn: str) -> Iterator[None]:
    """Errors of the provider get the resource's URN."""
    try:
        yield
    except (StepError, CancelledError):
        raise
    except DeploymentError as error:
        raise StepError(urn, error.message, error.fix) from error
