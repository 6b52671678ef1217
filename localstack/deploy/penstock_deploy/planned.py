"""What a preview found that a program asks for: each resource with its inputs, options and planned operation."""

from __future__ import annotations

from typing import Any

from penstock_deploy import urns, values
from penstock_deploy.engine.details import Details
from penstock_deploy.engine.events import Events, Listener, Step
from penstock_deploy.engine.planner import Op
from penstock_deploy.state.resource import ResourceState


class PlannedEvents(Events):
    """Events that remember the last planned operation of every resource that a provider manages."""

    def __init__(self, listener: Listener | None) -> None:
        super().__init__(listener)
        self._planned: dict[str, tuple[Op, ResourceState, list[str]]] = {}

    def step(self, op: Op, state: ResourceState, diff: list[str] | None = None, details: Details | None = None) -> Step:
        """See Events."""
        if state.is_managed and op is not Op.READ and not self.refreshing:
            with self._lock:
                if op is Op.DELETE:
                    self._planned.setdefault(state.urn, (op, state, []))
                else:
                    self._planned[state.urn] = (op, state, diff or [])
        return super().step(op, state, diff, details)

    def resources(self) -> list[dict[str, Any]]:
        """The resources with `op`, `urn`, `type`, `name`, `protect`, `inputs` (secrets hidden) and `diff`."""
        with self._lock:
            planned = sorted(self._planned.items())
        return [
            {
                "op": op.value,
                "urn": urn,
                "type": state.type,
                "name": urns.name(urn),
                "protect": state.protect,
                "inputs": values.hide(state.inputs),
                "diff": diff,
            }
            for urn, (op, state, diff) in planned
        ]
