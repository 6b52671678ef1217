"""What a preview found that a program asks for: the graph that policies and costs are read from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

PLANNED = "planned"
"""The kind of the events that a preview ends with, one a resource."""

type Operation = Literal["create", "update", "replace", "delete", "same"]


@dataclass(frozen=True, kw_only=True)
class PlannedResource:
    """One resource of a provider as the program asks for it (or, to be deleted, as it was).

    Attributes:
        urn: Its whole name in Pulumi.
        type: Pulumi's type token.
        name: Its name in the program.
        operation: What `up` would do to it.
        protect: The resource option.
        inputs: By their names on the wire; secrets are hidden, what is not known yet has Pulumi's mark.
        changed: The paths of the properties that are the reason of the operation.
    """

    urn: str
    type: str
    name: str
    operation: Operation
    protect: bool
    inputs: dict[str, Any]
    changed: tuple[str, ...] = ()


class Plan:
    """A listener of a preview's events that keeps the planned resources and hands on everything else, if anyone listens."""

    def __init__(self, on_event: Callable[[dict[str, Any]], None] | None = None) -> None:
        self.resources: list[PlannedResource] = []
        self._on_event = on_event

    def __call__(self, event: dict[str, Any]) -> None:
        """Take one event."""
        if event.get("kind") != PLANNED:
            if self._on_event is not None:
                self._on_event(event)
            return
        self.resources.append(
            PlannedResource(
                urn=event["urn"],
                type=event["type"],
                name=event["name"],
                operation=event["op"],
                protect=event["protect"],
                inputs=event["inputs"],
                changed=tuple(event["diff"]),
            )
        )
