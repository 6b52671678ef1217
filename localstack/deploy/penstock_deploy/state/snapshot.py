"""A stack's resources as they stand, from the first step of a deployment to the last."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from penstock_deploy.state.resource import ResourceState


@dataclass
class PendingOperation:
    """A step that had begun and whose end is not known: `type` is creating, updating, deleting, reading or importing."""

    type: str
    resource: ResourceState
    number: int = 0


@dataclass
class Snapshot:
    """Old states that are still true, new states in the order they were reached, and steps under way.

    The order is Pulumi's: what a resource depends on stands before it. `extra` keeps what else the checkpoint says.
    """

    base: list[ResourceState] = field(default_factory=list)
    new: list[ResourceState] = field(default_factory=list)
    pending: list[PendingOperation] = field(default_factory=list)
    superseded: set[int] = field(default_factory=set)
    metadata: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def remaining(self) -> list[ResourceState]:
        """The old states that no new state has replaced."""
        return [state for index, state in enumerate(self.base) if index not in self.superseded]

    def resources(self) -> list[ResourceState]:
        """All states that hold now."""
        return [*self.new, *self.remaining()]

    def settled(self) -> Snapshot:
        """A snapshot of what holds now, to begin the next deployment with."""
        return Snapshot(
            base=self.resources(),
            pending=list(self.pending),
            metadata=copy.deepcopy(self.metadata),
            extra=copy.deepcopy(self.extra),
        )
