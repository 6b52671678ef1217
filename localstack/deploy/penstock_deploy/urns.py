"""Pulumi's uniform resource names: `urn:pulumi:<stack>::<project>::<parent type>$<type>::<name>`."""

from __future__ import annotations

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"


def make(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """The URN of a resource under `parent` (a URN, or empty)."""
    qualified = type_
    if parent:
        parent_type = parent.split("::", 3)[2]
        if parent_type != STACK_TYPE:
            qualified = f"{parent_type}${type_}"
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def name(urn: str) -> str:
    """The logical name of the resource."""
    parts = urn.split("::", 3)
    return parts[3] if len(parts) == 4 else urn


def type_of(urn: str) -> str:
    """The type token of the resource, without its parents' types."""
    return urn.split("::", 3)[2].rsplit("$", 1)[-1]


def provider_urn(reference: str) -> str:
    """The URN in a provider reference (`<urn>::<id>`); empty stays empty."""
    return reference.rsplit("::", 1)[0] if reference else ""
