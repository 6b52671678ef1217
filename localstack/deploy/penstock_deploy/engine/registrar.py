"""Registrations of the program: each is named, matched with its old state and handed to the step it needs."""

from __future__ import annotations

import threading
from typing import Any

from penstock_deploy import urns
from penstock_deploy.engine import goal as goals
from penstock_deploy.engine.events import Events
from penstock_deploy.engine.goal import Goal
from penstock_deploy.engine.planner import Op
from penstock_deploy.engine.providers import Providers
from penstock_deploy.engine.steps import Steps, Stopping
from penstock_deploy.engine.transforms import Transforms
from penstock_deploy.errors import CancelledError, StepError, UnsupportedError
from penstock_deploy.state.backend import Backend, StateKeeper
from penstock_deploy.state.resource import ResourceState, now
from penstock_deploy.values import Properties, from_struct, has_secret, has_unknown, plain

STACK_REFERENCE = "pulumi:pulumi:StackReference"


class Registrar:
    """Answers what a program registers, reads and invokes."""

    def __init__(
        self, *, project: str, stack: str, backend: Backend, keeper: StateKeeper, providers: Providers, steps: Steps,
        events: Events, stopping: Stopping, preview: bool,
    ) -> None:  # fmt: skip
        self._project = project
        self._stack = stack
        self._backend = backend
        self._keeper = keeper
        self._providers = providers
        self._steps = steps
        self._events = events
        self._stopping = stopping
        self._preview = preview
        self._lock = threading.RLock()
        self._olds = {state.urn: state for state in keeper.snapshot.base if not state.delete}
        self._aliases: dict[str, list[str]] = {}
        self._states: dict[str, ResourceState] = {}
        self._taken: set[str] = set()
        self.transforms = Transforms()
        self.registered: set[str] = set()
        self.root = ""
        self.outputs: Properties = {}

    # -- resources

    def register(self, request: Any) -> tuple[str, str, Properties]:
        """A RegisterResourceRequest: URN, id and outputs of the resource."""
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
        goal = goals.from_request(request, urn, parent, aliases)
        old = self._old(urn, aliases)
        if request.type.startswith(urns.PROVIDER_PREFIX):
            return self._register_provider(goal)
        if not goal.custom:
            return self._register_component(goal, old)
        goal.provider = self._providers.reference_for(goal)
        known = goal.type == STACK_REFERENCE
        state = self._stack_reference(goal, old) if known else self._steps.register(goal, old)
        self._keep(state, aliases)
        return urn, state.id, state.outputs

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

    def _register_provider(self, goal: Goal) -> tuple[str, str, Properties]:
        state = goal.state()
        if goal.version:
            state.inputs = {**goal.inputs, "version": goal.version}
        known = any(item.urn == goal.urn for item in self._keeper.snapshot.base)
        state, same = self._providers.register(state)
        step = self._events.step(Op.SAME if same else Op.UPDATE if known else Op.CREATE, state)
        step.done()
        self._keep(state, goal.aliases)
        return state.urn, state.id, state.outputs

    def _register_component(self, goal: Goal, old: ResourceState | None) -> tuple[str, str, Properties]:
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
        return state.urn, "", goal.inputs

    def register_outputs(self, urn: str, outputs: Properties) -> None:
        """Outputs of a component, or of the stack."""
        with self._lock:
            state = self._states.get(urn)
        if state is None:
            raise StepError(urn, "outputs were registered for a resource that is not there")
        if state.outputs != outputs:
            self._keeper.amend(state, outputs=outputs)
        if state.type == urns.STACK_TYPE:
            self.outputs = outputs

    # -- reading

    def read(self, request: Any) -> tuple[str, str, Properties]:
        """A ReadResourceRequest: URN, id and outputs."""
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
            return urn, request.id, {}
        goal.provider = self._providers.reference_for(goal)
        known = goal.type == STACK_REFERENCE
        state = self._stack_reference(goal, old) if known else self._steps.read(goal, request.id, old)
        self._keep(state, [])
        return urn, state.id, state.outputs

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
