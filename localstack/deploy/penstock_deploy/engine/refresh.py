"""Refresh: the state as the cloud has it now."""

from __future__ import annotations

from penstock_deploy import paths, urns
from penstock_deploy.engine.details import details
from penstock_deploy.engine.events import Events
from penstock_deploy.engine.planner import Op
from penstock_deploy.engine.providers import Providers
from penstock_deploy.engine.stopping import Stopping
from penstock_deploy.engine.targets import Targets
from penstock_deploy.engine.workers import Workers, ended
from penstock_deploy.errors import CancelledError, DeploymentError, StepError
from penstock_deploy.plugins.interface import Subject
from penstock_deploy.state.backend import StateKeeper
from penstock_deploy.state.resource import ResourceState, now
from penstock_deploy.values import Secret, plain


def refresh(
    keeper: StateKeeper, providers: Providers, events: Events, stopping: Stopping, targets: Targets, parallel: int
) -> None:
    """Read every managed resource, or the targets; take drift into the state and gone resources out of it."""
    states = targets.among(keeper.snapshot.remaining())
    targets.refuse_unmatched()
    failure: DeploymentError | None = None
    pool = Workers(parallel, "refresh")
    running = [pool.submit(_one, keeper, providers, events, stopping, state) for state in states]
    for future in ended(running, stopping.abandoned):
        error = future.exception()
        if isinstance(error, DeploymentError):
            if failure is None or isinstance(failure, CancelledError):
                failure = error
            stopping.failed.set()
        elif error is not None:
            raise error
    pool.shutdown(wait=False)
    if failure is not None:
        raise failure
    if not stopping.stopped:
        _drop_dangling(keeper)


def _one(keeper: StateKeeper, providers: Providers, events: Events, stopping: Stopping, state: ResourceState) -> None:
    if not state.is_managed or state.delete:
        if not state.is_provider:
            events.step(Op.SAME, state).done(counted=not state.external)
        return
    with stopping.slot():
        subject = Subject(state.urn, state.type, urns.name(state.urn))
        try:
            reading = providers.get(state.provider).read(subject, state.id, state.inputs, state.outputs)
        except StepError:
            raise
        except DeploymentError as error:
            raise StepError(state.urn, error.message, error.fix) from error
        if reading is None:
            step = events.step(Op.DELETE, state)
            keeper.commit(old=state)
            step.done()
            return
        outputs = dict(reading.outputs)
        for name in state.additional_secret_outputs:
            if name in outputs:
                outputs[name] = Secret(outputs[name])
        changed = paths.differences(plain(state.outputs), plain(outputs))
        inputs_changed = paths.differences(plain(state.inputs), plain(reading.inputs))
        if not changed and not inputs_changed:
            events.step(Op.SAME, state).done()
            return
        names = sorted({paths.write(keys) for keys, _ in [*changed, *inputs_changed]})
        told = details({**state.outputs, **state.inputs}, {**outputs, **reading.inputs}, names)
        step = events.step(Op.UPDATE, state, names, told)
        keeper.restate(state, inputs=reading.inputs, outputs=outputs, modified=now(), init_errors=[])
        step.done()


def _drop_dangling(keeper: StateKeeper) -> None:
    """Take dependencies on resources that are gone out of those that remain."""
    alive = {state.urn for state in keeper.snapshot.resources()}
    for state in keeper.snapshot.remaining():
        kept = [urn for urn in state.dependencies if urn in alive]
        by_property = {
            name: [urn for urn in listed if urn in alive] for name, listed in state.property_dependencies.items()
        }
        holder = state.deleted_with if state.deleted_with in alive else ""
        if (kept, by_property, holder) != (state.dependencies, state.property_dependencies, state.deleted_with):
            keeper.restate(state, dependencies=kept, property_dependencies=by_property, deleted_with=holder)
