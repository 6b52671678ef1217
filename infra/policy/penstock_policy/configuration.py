"""Reading a stack's settings from its configuration: the keys `policy:...` of Pulumi.yaml and Pulumi.<stack>.yaml.

config:
  policy:environment: production
  policy:limits: {largest: 4xlarge, instances: 4}
  policy:levels: {time_to_live: mandatory}
  policy:exceptions:
    - policy: protected
      resource: scratch-*
      reason: Scratch space of the load test; nothing in it is kept longer than a day.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from penstock_policy.settings import DEFAULT_LIMITS, Environment, Exemption, Level, Limits, Settings
from penstock_policy.sizes import is_size

NAMESPACE = "policy"
KEYS = ("environment", "limits", "levels", "exceptions")
SHORTEST_REASON = 15
"""Characters of a reason: less is no sentence."""

_BY_NAME = {
    Environment.LOCAL: re.compile(r"local"),
    Environment.DEVELOPMENT: re.compile(r"(.+-)?(dev|development|sandbox|test)(-.+)?"),
    Environment.STAGING: re.compile(r"(.+-)?(stage|staging|preprod|pre-production)(-.+)?"),
}


class SettingsError(ValueError):
    """A stack's policy settings are wrong; the message lists every fault with its key."""


def environment_of(stack: str) -> Environment:
    """The kind of a stack by its name; a name that says nothing is taken for production, where most is asked."""
    return next((kind for kind, name in _BY_NAME.items() if name.fullmatch(stack)), Environment.PRODUCTION)


def parse(values: Mapping[str, Any], *, stack: str, source: str, policies: Iterable[str]) -> Settings:
    """The settings in a stack's configuration.

    Args:
        values: The configuration by full key; keys outside `policy:` are not looked at, structures may be JSON text.
        stack: The stack's name, which gives the environment when no setting does.
        source: What to call the configuration in errors: the stack file.
        policies: The names of all policies.

    Raises:
        SettingsError: with every fault at once.
    """
    prefix = f"{NAMESPACE}:"
    given = {key.removeprefix(prefix): decoded(value) for key, value in values.items() if key.startswith(prefix)}
    reading = _Reading(sorted(policies))
    for key in given:
        if key not in KEYS:
            reading.fault(key, f"there is no such key{_near(key, KEYS)}; known: {', '.join(KEYS)}")
    environment = reading.environment(given.get("environment"), stack)
    settings = Settings(
        environment=environment,
        limits=reading.limits(given.get("limits"), environment),
        levels=reading.levels(given.get("levels")),
        exceptions=reading.exceptions(given.get("exceptions")),
    )
    if reading.faults:
        raise SettingsError("\n".join([f"the policy settings of {source} are not valid:", *reading.faults]))
    return settings


class _Reading:
    """One reading of the settings, which collects faults instead of stopping at the first."""

    def __init__(self, policies: list[str]) -> None:
        self._policies = policies
        self.faults: list[str] = []

    def fault(self, key: str, message: str) -> None:
        self.faults.append(f"  {NAMESPACE}:{key}: {message}")

    def environment(self, value: Any, stack: str) -> Environment:
        if value is None:
            return environment_of(stack)
        try:
            return Environment(value)
        except ValueError:
            self.fault("environment", f"{value!r} is none of {', '.join(Environment)}")
            return Environment.PRODUCTION

    def limits(self, value: Any, environment: Environment) -> Limits | None:
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.fault("limits", "it must be a mapping: families, largest, instances")
            return None
        for key in value:
            if key not in ("families", "largest", "instances"):
                self.fault(f"limits.{key}", "there is no such limit; known: families, largest, instances")
        default = DEFAULT_LIMITS.get(environment, DEFAULT_LIMITS[Environment.PRODUCTION])
        families, largest, instances = value.get("families"), value.get("largest"), value.get("instances")
        if families is not None and not (
            isinstance(families, list) and all(isinstance(name, str) for name in families)
        ):
            self.fault("limits.families", "it must be a list of instance families: [m5, g5]")
            families = None
        if largest is not None and not (isinstance(largest, str) and is_size(largest)):
            self.fault("limits.largest", f"{largest!r} is no instance size: large, xlarge, 2xlarge, ...")
            largest = None
        if instances is not None and (isinstance(instances, bool) or not isinstance(instances, int) or instances < 1):
            self.fault("limits.instances", f"{instances!r} is no number of instances")
            instances = None
        return Limits(
            families=default.families if families is None else frozenset(families),
            largest=largest or default.largest,
            instances=instances or default.instances,
        )

    def levels(self, value: Any) -> dict[str, Level]:
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.fault("levels", f"it must map policies to {', '.join(Level)}")
            return {}
        found = {}
        for name, level in value.items():
            if self._is_policy(f"levels.{name}", name):
                try:
                    found[str(name)] = Level(level)
                except ValueError:
                    self.fault(f"levels.{name}", f"{level!r} is none of {', '.join(Level)}")
        return found

    def exceptions(self, value: Any) -> tuple[Exemption, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            self.fault("exceptions", "it must be a list of {policy, resource, reason}")
            return ()
        return tuple(
            exemption
            for position, entry in enumerate(value)
            if (exemption := self._exception(f"exceptions[{position}]", entry)) is not None
        )

    def _exception(self, where: str, entry: Any) -> Exemption | None:
        if not isinstance(entry, Mapping) or set(entry) != {"policy", "resource", "reason"}:
            self.fault(where, "it must have policy, resource and reason, and nothing else")
            return None
        policy, resource, reason = entry["policy"], entry["resource"], str(entry["reason"] or "").strip()
        sound = self._is_policy(where, policy)
        if not isinstance(resource, str) or not resource.strip("*?"):
            self.fault(where, f"{resource!r} would excuse everything: give the name or URN of what it is about")
            sound = False
        if len(reason) < SHORTEST_REASON:
            self.fault(where, "the reason must say why, in a sentence")
            sound = False
        return Exemption(policy=policy, resource=resource, reason=reason) if sound else None

    def _is_policy(self, where: str, name: object) -> bool:
        if name in self._policies:
            return True
        self.fault(where, f"there is no policy {name!r}{_near(str(name), self._policies)}")
        return False


def _near(name: str, known: Iterable[str]) -> str:
    matches = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {matches[0]}?)" if matches else ""


def decoded(value: Any) -> Any:
    """Pulumi hands lists and mappings over as JSON text."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
