"""What no stack of the kit may contain, as plain functions over a list of resources.

Contents: `resource` (what is judged, and how a finding looks), `buckets`, `permissions`, `trust`, `tags`.
"""

from __future__ import annotations

from collections.abc import Iterable

from penstock_policy import buckets, permissions, tags, trust
from penstock_policy.resource import Finding, Policy, Resource

POLICIES: tuple[Policy, ...] = (
    buckets.private,
    buckets.encrypted,
    permissions.no_wildcard_without_reason,
    trust.one_repository_and_environment,
    tags.required,
)


def check(resources: Iterable[Resource]) -> list[Finding]:
    """All findings of all policies, in the policies' order."""
    judged = tuple(resources)
    return [finding for policy in POLICIES for finding in policy(judged)]


__all__ = ["POLICIES", "Finding", "Policy", "Resource", "check"]
