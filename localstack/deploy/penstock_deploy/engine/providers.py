"""The providers of a deployment: default ones made when first needed, explicit ones as registered."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping

from penstock_deploy import urns
from penstock_deploy.engine.goal import Goal
from penstock_deploy.errors import DeploymentError, UnsupportedError
from penstock_deploy.plugins.interface import Provider
from penstock_deploy.state.backend import StateKeeper
from penstock_deploy.state.resource import ResourceState, now
from penstock_deploy.values import Properties, Secret, has_unknown, plain

Loader = Callable[[str, str, Properties], Provider]
_BUILT_IN = "pulumi"


class Providers:
    """Configured providers by reference (`<urn>::<id>`).

    `load(package, version, configuration)` makes one; `find_state` gives the state of a provider of this deployment.
    """

    def __init__(
        self, load: Loader, keeper: StateKeeper, project: str, stack: str,
        configuration: Mapping[str, str], secret_keys: list[str],
    ) -> None:  # fmt: skip
        self._load = load
        self._keeper = keeper
        self._project = project
        self._stack = stack
        self._configuration = configuration
        self._secret_keys = secret_keys
        self._lock = threading.RLock()
        self._loaded: dict[str, Provider] = {}
        self._states: dict[str, ResourceState] = {}
        self._defaults: dict[tuple[str, str], str] = {}
        self._old = {state.urn: state for state in keeper.snapshot.base if state.is_provider and not state.delete}
        for state in keeper.snapshot.base:
            if state.is_provider:
                self._states[f"{state.urn}::{state.id}"] = state
        self.seen: set[str] = set()

    def get(self, reference: str) -> Provider:
        """The configured provider of a reference."""
        with self._lock:
            known = self._loaded.get(reference)
            if known is not None:
                return known
            state = self._states.get(reference)
            if state is None:
                raise DeploymentError(f"the provider {reference} is not part of this stack")
            if has_unknown(state.inputs):
                raise UnsupportedError(
                    f"{state.urn}: a provider configured with values that are only known after the update",
                    "Bring the resources it depends on up first.",
                )
            package = state.type.removeprefix(urns.PROVIDER_PREFIX)
            version = str(plain(state.inputs.get("version") or ""))
            inputs = {key: value for key, value in state.inputs.items() if key not in ("__internal", "version")}
            loaded = self._load(package, version, inputs)
            self._loaded[reference] = loaded
            return loaded

    def default(self, package: str, version: str) -> str:
        """The reference of a package's default provider, registered when first needed."""
        if package == _BUILT_IN:
            version = ""
        with self._lock:
            key = (package, version)
            if key not in self._defaults:
                self._refuse_disabled(package)
                name = f"default_{version.replace('.', '_')}" if version else "default"
                type_ = f"{urns.PROVIDER_PREFIX}{package}"
                urn = urns.make(self._stack, self._project, "", type_, name)
                inputs: Properties = {}
                if package != _BUILT_IN:
                    inputs["__internal"] = {}
                    for full, value in sorted(self._configuration.items()):
                        if full.startswith(f"{package}:"):
                            inputs[full.split(":", 1)[1]] = Secret(value) if full in self._secret_keys else value
                    if version:
                        inputs["version"] = version
                state, _ = self.register(ResourceState(urn=urn, type=type_, custom=True, inputs=inputs))
                self._defaults[key] = f"{state.urn}::{state.id}"
            return self._defaults[key]

    def _refuse_disabled(self, package: str) -> None:
        disabled = self._configuration.get("pulumi:disable-default-providers", "")
        if f'"{package}"' in disabled or '"*"' in disabled:
            raise DeploymentError(
                f"default providers are disabled for {package}, and a resource gives no provider of its own",
                "Pass an explicit provider to it.",
            )

    def register(self, state: ResourceState, old: ResourceState | None = None) -> tuple[ResourceState, bool]:
        """Take a provider resource into the state; whether it is as it was. `old` is one that had another name."""
        with self._lock:
            old = old or self._old.get(state.urn)
            if old is not None and old.urn in self.seen:
                old = None
            same = old is not None and plain(old.inputs) == plain(state.inputs)
            state.id = old.id if old else str(uuid.uuid4())
            state.outputs = {key: value for key, value in state.inputs.items() if key != "__internal"}
            state.created = old.created if old else now()
            state.modified = old.modified if same and old else now()
            if old is not None:
                state.extra = {**old.extra, **state.extra}
            self.seen.add(state.urn)
            if old is not None:
                self.seen.add(old.urn)
            reference = f"{state.urn}::{state.id}"
            self._states[reference] = state
            if not same:
                self._loaded.pop(reference, None)
            self._keeper.commit(new=state, old=old)
            return state, same

    def reference_for(self, goal: Goal) -> str:
        """The reference of the provider that a goal asks for."""
        return goal.provider or self.default(goal.package, goal.version)

    def cancel(self) -> None:
        """Let waits in all providers end."""
        with self._lock:
            for provider in self._loaded.values():
                provider.cancel()

    def close(self) -> None:
        """Give all providers up."""
        with self._lock:
            for provider in self._loaded.values():
                provider.close()
            self._loaded.clear()
