"""What no stack of the kit may contain, as plain functions over a list of resources.

Contents: `resource` (what is judged, and how a finding looks), `settings` and `configuration` (what a stack says: its
environment, limits, exceptions), `judgement` (applying policies), and the policies: `buckets`, `encryption`, `permissions`,
`delegation`, `trust`, `tags`, `lifetime`, `sizes`, `protection`, `endpoints`, `network`.
"""

from __future__ import annotations

from collections.abc import Iterable

from penstock_policy import (
    buckets,
    delegation,
    encryption,
    endpoints,
    lifetime,
    network,
    permissions,
    protection,
    sizes,
    tags,
    trust,
)
from penstock_policy.configuration import SettingsError, parse
from penstock_policy.judgement import Judgement, Policy, judge
from penstock_policy.resource import Finding, Resource
from penstock_policy.settings import UNSPECIFIED, Environment, Exemption, Level, Limits, Settings

POLICIES: tuple[Policy, ...] = (
    Policy(judge=buckets.private),
    Policy(judge=buckets.encrypted),
    Policy(judge=buckets.encrypted_in_transit),
    Policy(judge=encryption.encrypted_with_kms),
    Policy(judge=permissions.no_wildcard_without_reason),
    Policy(judge=delegation.bounded),
    Policy(judge=delegation.services_work_for_the_account),
    Policy(judge=delegation.handed_on_to_services),
    Policy(judge=trust.one_repository_and_environment),
    Policy(judge=tags.required_tags),
    Policy(judge=lifetime.time_to_live, level=Level.ADVISORY),
    Policy(judge=sizes.within_limits),
    Policy(judge=protection.protected),
    Policy(judge=protection.not_replaced, needs_operation=True),
    Policy(judge=endpoints.captured),
    Policy(judge=endpoints.monitored),
    Policy(judge=endpoints.alarmed_traffic_shift),
    Policy(judge=endpoints.endpoint_kept, needs_operation=True),
    Policy(judge=network.closed_network),
)


def settings_of(values: dict[str, object], *, stack: str, source: str) -> Settings:
    """The settings in a stack's configuration; see `configuration.parse`."""
    return parse(values, stack=stack, source=source, policies=(policy.name for policy in POLICIES))


def check(resources: Iterable[Resource], settings: Settings = UNSPECIFIED) -> list[Finding]:
    """All findings that no exception covers, mandatory ones first, otherwise in the policies' order."""
    judgement = judge(POLICIES, resources, settings)
    return [*judgement.mandatory, *judgement.advisory]


__all__ = [
    "POLICIES",
    "UNSPECIFIED",
    "Environment",
    "Exemption",
    "Finding",
    "Judgement",
    "Level",
    "Limits",
    "Policy",
    "Resource",
    "Settings",
    "SettingsError",
    "check",
    "judge",
    "settings_of",
]
