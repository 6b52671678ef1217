"""Two states of a stack compared: who may do what that they could not before, and the other way round. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from penstock_ci.access.rights import Kind, Right, Unread, concerns, rights
from penstock_ci.plans import PlannedResource


@dataclass(frozen=True, kw_only=True)
class Change:
    """Rights of one principal that come or go together.

    Attributes:
        sign: `+` what comes, `-` what goes.
        widens: Whether somebody may more afterwards: a permission that comes, or a denial or boundary that goes.
    """

    sign: Literal["+", "-"]
    widens: bool
    kind: Kind
    who: str
    effect: Literal["Allow", "Deny"]
    actions: tuple[str, ...]
    on: tuple[str, ...]
    when: str


@dataclass(frozen=True, kw_only=True)
class UnreadResource:
    """A resource that says who may do what, and that could not be compared."""

    operation: str
    type: str
    name: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What a plan changes in who may do what; widening changes first."""

    changes: tuple[Change, ...] = ()
    unread: tuple[UnreadResource, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nobody's rights change."""
        return not self.changes and not self.unread

    def document(self) -> dict[str, Any]:
        """The difference for `--json`."""
        return {
            "changes": [asdict(change) for change in self.changes],
            "unread": [asdict(resource) for resource in self.unread],
        }


def difference(state: Iterable[Mapping[str, Any]], planned: Iterable[PlannedResource]) -> Difference:
    """What changes between a stack's state and its plan.

    A right that only moves from one policy of a role to another is no change. A resource whose document is not known yet
    is compared on neither side, and listed.

    Args:
        state: The resources of the state: `urn`, `type`, `inputs`.
        planned: What a preview found; resources of the state that it does not mention stay as they are.
    """
    old = {str(entry["urn"]): entry for entry in state if concerns(str(entry.get("type", "")))}
    before: set[Right] = set()
    after: set[Right] = set()
    unread: list[UnreadResource] = []
    for resource in planned:
        if not concerns(resource.type):
            continue
        kept = old.pop(resource.urn, None)
        try:
            had = rights(resource.type, resource.name, kept.get("inputs") or {}) if kept is not None else frozenset()
            gets = (
                rights(resource.type, resource.name, resource.inputs)
                if resource.operation != "delete"
                else frozenset[Right]()
            )
        except Unread as reason:
            if resource.operation != "same":
                unread.append(
                    UnreadResource(
                        operation=resource.operation, type=resource.type, name=resource.name, why=str(reason)
                    )
                )
            continue
        before |= had
        after |= gets
    for urn, entry in old.items():
        try:
            untouched = rights(str(entry["type"]), urn.rsplit("::", 1)[-1], entry.get("inputs") or {})
        except Unread:
            continue
        before |= untouched
        after |= untouched
    changes = [*_changes("+", after - before), *_changes("-", before - after)]
    changes.sort(key=lambda change: (not change.widens, change.who, change.sign == "-", change.actions, change.on))
    return Difference(changes=tuple(changes), unread=tuple(unread))


def _changes(sign: Literal["+", "-"], found: Iterable[Right]) -> Iterable[Change]:
    """Rights gathered: first the actions on the same resource, then the resources of the same actions."""
    actions = _gathered(found, lambda right: (right.kind, right.who, right.effect, right.when, right.on), "action")
    alike: dict[tuple[Any, ...], list[str]] = {}
    for (kind, who, effect, when, on), names in actions.items():
        alike.setdefault((kind, who, effect, when, tuple(names)), []).append(on)
    for (kind, who, effect, when, names), resources in alike.items():
        yield Change(
            sign=sign,
            widens=(effect == "Allow") == (sign == "+"),
            kind=kind,
            who=who,
            effect=effect,
            actions=names,
            on=tuple(sorted(resources)),
            when=when,
        )


def _gathered(
    found: Iterable[Right], key: Callable[[Right], tuple[Any, ...]], attribute: str
) -> dict[tuple[Any, ...], list[str]]:
    groups: dict[tuple[Any, ...], list[str]] = {}
    for right in sorted(found):
        groups.setdefault(key(right), []).append(getattr(right, attribute))
    return groups
