"""The order of resources in a state: what a resource depends on stands before it."""

from __future__ import annotations

from penstock_deploy.state.resource import ResourceState


def in_order(states: list[ResourceState]) -> list[ResourceState]:
    """The states in an order that Pulumi accepts; as they were where that is free.

    A live state stands before a replaced one of the same name that is still to be deleted.
    """
    by_urn: dict[str, ResourceState] = {}
    for state in states:
        if state.urn not in by_urn or by_urn[state.urn].delete:
            by_urn[state.urn] = state
    result: list[ResourceState] = []
    placed: set[int] = set()
    begun: set[int] = set()
    for root in states:
        path = [root]
        while path:
            state = path[-1]
            begun.add(id(state))
            before = [by_urn[urn] for urn in sorted({*state.needs(), state.urn}) if urn in by_urn]
            missing = next((item for item in before if id(item) not in begun), None)
            if missing is not None:
                path.append(missing)
                continue
            path.pop()
            if id(state) not in placed:
                placed.add(id(state))
                result.append(state)
    return result


def rename(states: list[ResourceState], renamed: dict[str, str]) -> None:
    """Let states that refer to a resource by an earlier URN refer to it by its present one."""
    for state in states:
        if renamed.keys().isdisjoint(state.needs()):
            continue
        state.parent = renamed.get(state.parent, state.parent)
        state.deleted_with = renamed.get(state.deleted_with, state.deleted_with)
        state.dependencies = [renamed.get(urn, urn) for urn in state.dependencies]
        state.property_dependencies = {
            name: [renamed.get(urn, urn) for urn in listed] for name, listed in state.property_dependencies.items()
        }
        urn, sign, id_ = state.provider.rpartition("::")
        state.provider = f"{renamed.get(urn, urn)}{sign}{id_}"
