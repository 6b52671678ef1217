"""Registrations of the program: each is named, matched with its old state and handed to the step it needs."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from penstock_deploy import urns
from penstock_deploy.engine import goal as goals
from penstock_deploy.engine.events import Events
from penstock_deploy.engine.goal import Goal
from penstock_deploy.engine.planner import Op
from penstock_deploy.engine.providers import Providers
from penstock_deploy.engine.steps import Steps
from penstock_deploy.engine.stopping import Stopping
from penstock_deploy.engine.targets import Targets
from penstock_deploy.engine.transforms import Transforms
from penstock_deploy.errors import CancelledError, StepError, UnsupportedError
from penstock_deploy.state.backend import Backend, StateKeeper
from penstock_deploy.state.resource import ResourceState, now
from penstock_deploy.values import Properties, from_struct, has_secret, has_unknown, plain

STACK_REFERENCE = "pulumi:pulumi:StackReference"


_SHORTEST_SECRET = 8
"""Secret properties shorter than this are hidden where they stand, but not wherever else their text occurs."""


@dataclass(frozen=True)
class Registered:
    """What the program is told of a resource. `skipped`: it is not a target and is not there; its outputs are unknown."""

    urn: str
    id: str = ""
    outputs: Properties = field(default_factory=dict)
    skipped: bool = False


class Registrar:
    """Answers what a program registers, reads and invokes."""

    def __init__(
        self, *, project: str, stack: str, folder: Path, backend: Backend, keeper: StateKeeper, providers: Providers,
        steps: Steps, events: Events, stopping: Stopping, targets: Targets, preview: bool,
    ) -> None:  # fmt: skip
        self._project = project
        self._stack = stack
        self._folder = folder
        self._backend = backend
        self._keeper = keeper
        self._providers = providers
        self._steps = steps
        self._events = events
        self._stopping = stopping
        self._targets = targets
        self._preview = preview
        self._lock = threading.RLock()
        self._olds = {state.urn: state for state in keeper.snapshot.base if not state.delete}
        self._aliases: dict[str, list[str]] = {}
        self._states: dict[str, ResourceState] = {}
        self._taken: set[str] = set()
        self._skipped: set[str] = set()
        self.transforms = Transforms()
        self.registered: set[str] = set()
        self.root = ""
        self.outputs: Properties = {}

    # -- resources

    def register(self, request: Any) -> Registered:
        """A RegisterResourceRequest: what became of it."""
        if self._stopping.stopped:
            raise CancelledError
        self.transforms.apply(request)
        goals.refuse_unsupported(request)
        is_root = request.type == urns.STACK_TYPE
        parent = "" if is_root else (request.parent or self.root)
        urn = urns.make(self._stack, self._project, parent, request.type, request.name)
        with self._lock:
            if urn in self.registered:
                raise StepError(urn, "two resources have this URN", "Give one of them another name.")
            self.registered.add(urn)
            if is_root:
                self.root = urn
        aliases = self._alias_urns(request, parent)
        goal = goals.from_request(request, urn, parent, aliases, self._folder)
        self._events.conceal(goal.inputs, shortest=_SHORTEST_SECRET)
        self._refuse_missing(goal)
        old = self._old(urn, aliases)
        targeted = is_root or self._targets.takes(urn, goal.needs())
        if request.type.startswith(urns.PROVIDER_PREFIX):
            return self._register_provider(goal, old, targeted=targeted)
        if not targeted and old is not None:
            return self._done(self._steps.keep(goal, old), aliases)
        if not goal.custom:
            return self._register_component(goal, old)
        if not targeted:
            with self._lock:
                self._skipped.add(urn)
            return Registered(urn, skipped=True)
        self._refuse_skipped(goal)
        goal.provider = self._providers.reference_for(goal)
        known = goal.type == STACK_REFERENCE
        return self._done(self._stack_reference(goal, old) if known else self._steps.register(goal, old), aliases)

    def _done(self, state: ResourceState, aliases: list[str]) -> Registered:
        self._keep(state, aliases)
        return Registered(state.urn, state.id, state.outputs)

    def _refuse_missing(self, goal: Goal) -> None:
        """Refuse a resource that refers to one which the program has not registered."""
        with self._lock:
            missing = sorted(goal.needs() - self.registered)
        if missing:
            raise StepError(
                goal.urn, f"depends on {missing[0]}, which is not in the program", "Name a resource of this program."
            )

    def _refuse_skipped(self, goal: Goal) -> None:
        """Refuse a target that needs what is not there and is not a target."""
        with self._lock:
            absent = sorted(goal.needs() & self._skipped)
        if absent:
            raise StepError(
                goal.urn,
                f"depends on {absent[0]}, which does not exist yet and is not among the targets",
                f"Add it: --target '{absent[0]}'.",
            )

    def _keep(self, state: ResourceState, aliases: list[str]) -> None:
        with self._lock:
            self._states[state.urn] = state
            self._aliases[state.urn] = aliases

    def _old(self, urn: str, aliases: list[str]) -> ResourceState | None:
        """The old state of a URN, else of the first alias that has one; each old state is taken once."""
        with self._lock:
            for candidate in (urn, *aliases):
                old = self._olds.get(candidate)
                if old is not None and candidate not in self._taken:
                    self._taken.add(candidate)
                    if candidate != urn:
                        self.registered.add(candidate)
                    return old
        return None

    def _alias_urns(self, request: Any, parent: str) -> list[str]:
        found = list(request.aliasURNs)
        for alias in request.aliases:
            if alias.WhichOneof("alias") == "urn":
                found.append(alias.urn)
                continue
            spec = alias.spec
            above = "" if spec.noParent else (spec.parentUrn or parent)
            type_, name = spec.type or request.type, spec.name or request.name
            parents = [above, *self._aliases.get(above, [])] if above else [""]
            found += [
                urns.make(spec.stack or self._stack, spec.project or self._project, item, type_, name)
                for item in parents
            ]
        for inherited in self._aliases.get(parent, []):
            name = request.name
            if name.startswith(urns.name(parent)):
                name = urns.name(inherited) + name[len(urns.name(parent)) :]
            found.append(urns.make(self._stack, self._project, inherited, request.type, name))
        return list(dict.fromkeys(found))

    def _register_provider(self, goal: Goal, old: ResourceState | None, *, targeted: bool) -> Registered:
        """Take a provider into the state; one that is not a target keeps its configuration."""
        state = goal.state()
        if old is not None and not targeted:
            state.inputs = old.inputs
        elif goal.version:
            state.inputs = {**goal.inputs, "version": goal.version}
        known = old is not None
        state, same = self._providers.register(state, old)
        step = self._events.step(Op.SAME if same else Op.UPDATE if known else Op.CREATE, state)
        step.done()
        return self._done(state, goal.aliases)

    def _register_component(self, goal: Goal, old: ResourceState | None) -> Registered:
        state = goal.state()
        same = old is not None and plain(old.inputs) == plain(goal.inputs)
        op = Op.CREATE if old is None else Op.SAME if same else Op.UPDATE
        state.created = old.created if old else now()
        state.modified = old.modified if old and same else now()
        if old is not None:
            state.outputs, state.extra = old.outputs, dict(old.extra)
        step = self._events.step(op, state)
        self._keeper.commit(new=state, old=old)
        step.done()
        self._keep(state, goal.aliases)
        return Registered(state.urn, "", goal.inputs)

    def register_outputs(self, urn: str, outputs: Properties) -> None:
        """Outputs of a component, or of the stack. Those of a run with targets are not the whole: the old ones stay."""
        with self._lock:
            state = self._states.get(urn)
        if state is None:
            raise StepError(urn, "outputs were registered for a resource that is not there")
        self._events.conceal(outputs, shortest=_SHORTEST_SECRET)
        is_root = state.type == urns.STACK_TYPE
        if self._targets.constrained and (is_root or has_unknown(outputs)):
            outputs = state.outputs
        if state.outputs != outputs:
            self._keeper.amend(state, outputs=outputs)
        if is_root:
            self.outputs = outputs

    # -- reading

    def read(self, request: Any) -> Registered:
        """A ReadResourceRequest: what was read."""
        parent = request.parent or self.root
        urn = urns.make(self._stack, self._project, parent, request.type, request.name)
        with self._lock:
            self.registered.add(urn)
        inputs = {key: value for key, value in from_struct(request.properties).items() if value is not None}
        goal = Goal(
            urn=urn,
            type=request.type,
            name=request.name,
            custom=True,
            parent=parent,
            inputs=inputs,
            provider=request.provider,
            version=request.version,
            dependencies=list(request.dependencies),
            additional_secret_outputs=list(request.additionalSecretOutputs),
        )
        old = self._old(urn, [])
        if has_unknown(request.id) or request.id.startswith("04da6b54-") or has_unknown(inputs):
            if not self._preview:
                raise StepError(urn, "is read with an id or properties that are not known")
            return Registered(urn, request.id)
        goal.provider = self._providers.reference_for(goal)
        known = goal.type == STACK_REFERENCE
        state = self._stack_reference(goal, old) if known else self._steps.read(goal, request.id, old)
        return self._done(state, [])

    def _stack_reference(self, goal: Goal, old: ResourceState | None) -> ResourceState:
        name = str(plain(goal.inputs.get("name") or goal.name))
        outputs = self._backend.stack_outputs(name)
        secret = sorted(key for key, value in outputs.items() if has_secret(value))
        told: Properties = {"name": name, "outputs": outputs, "secretOutputNames": secret}
        return self._steps.keep_read(goal, name, told, old)

    # -- functions

    def invoke(self, request: Any) -> Properties:
        """A ResourceInvokeRequest: the function's result."""
        if self._stopping.stopped:
            raise CancelledError
        package = request.tok.split(":", 1)[0]
        arguments = from_struct(request.args)
        if package == "pulumi":
            raise UnsupportedError(f"the function {request.tok}")
        reference = request.provider or self._providers.default(package, request.version)
        return self._providers.get(reference).invoke(request.tok, arguments, preview=self._preview)
