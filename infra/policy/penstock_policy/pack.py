"""What a pack of Pulumi's own CLI needs of the policies, without its library: resources, settings and findings in plain form.

The CLI hands a pack the stack's resources with their options, and the stack's configuration in the environment of its
process. It does not say what is planned for a resource: policies that judge that are not applicable there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from penstock_policy.configuration import parse
from penstock_policy.judgement import Policy, judge
from penstock_policy.resource import UNKNOWN, Finding, Resource
from penstock_policy.settings import Level, Settings

NEEDS_A_PREVIEW = (
    "it judges what is planned for a resource, which Pulumi's CLI does not tell packs; `penstock up` runs it"
)


class Options(Protocol):
    """The part of a resource's options that policies judge."""

    @property
    def protect(self) -> bool: ...


class StackResource(Protocol):
    """A resource as Pulumi's library hands it to a stack policy."""

    @property
    def resource_type(self) -> str: ...

    @property
    def props(self) -> Mapping[str, Any]: ...

    @property
    def urn(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def opts(self) -> Options: ...


def settings(environment: Mapping[str, str], policies: Iterable[Policy]) -> Settings:
    """The settings of the stack that a pack's process was started for.

    Args:
        environment: The process's environment: PULUMI_STACK, and PULUMI_CONFIG with the configuration as JSON.
        policies: All policies.

    Raises:
        SettingsError: the stack's policy settings are wrong.
    """
    stack = environment.get("PULUMI_STACK", "")
    values = json.loads(environment.get("PULUMI_CONFIG") or "{}")
    names = [policy.name for policy in policies]
    if not stack and not any(str(key).startswith("policy:") for key in values):
        return Settings()
    return parse(values, stack=stack, source=f"the stack {stack or '(unnamed)'}", policies=names)


def level(policy: Policy, chosen: Settings) -> Level:
    """The level at which a policy is enforced in a stack."""
    return chosen.levels.get(policy.name, policy.level)


def findings(
    policy: Policy, resources: Iterable[StackResource], chosen: Settings, unknown: type[BaseException]
) -> list[Finding]:
    """What one policy finds in a stack and no exception covers.

    Args:
        policy: The policy.
        resources: The stack's resources as the library hands them over.
        chosen: The stack's settings.
        unknown: What the library raises when a value is read that is not known yet.
    """
    judged = [
        Resource(
            type=resource.resource_type,
            name=resource.name,
            urn=resource.urn,
            inputs=_plain(resource.props, unknown),
            protect=resource.opts.protect,
        )
        for resource in resources
    ]
    judgement = judge([policy], judged, chosen)
    return [*judgement.mandatory, *judgement.advisory]


def _plain(value: Any, unknown: type[BaseException]) -> Any:
    """A value out of the library's mappings and sequences, which raise where something is not known yet."""
    if isinstance(value, Mapping):
        return {str(key): _entry(value, key, unknown) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_entry(value, index, unknown) for index in range(len(value))]
    return value


def _entry(container: Any, key: Any, unknown: type[BaseException]) -> Any:
    try:
        entry = container[key]
    except unknown:
        return UNKNOWN
    return _plain(entry, unknown)
