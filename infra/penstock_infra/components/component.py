"""What every component has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi

from penstock_infra.errors import Settings
from penstock_infra.placement import Placement


class Arguments(Settings):
    """The one typed argument of a component: keyword-only, validated, frozen."""

    placement: Placement


class Component(pulumi.ComponentResource):
    """A group of resources that make one AWS capability.

    Subclasses set `TYPE`, the stable type token `penstock:<area>:<Name>`, parent their resources with `child`, and end
    with `register_outputs`.
    """

    TYPE: ClassVar[str]

    def __init__(self, name: str, args: Arguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)
        after = opts.depends_on if opts else None
        # Pulumi does not hand a component's dependencies down to its resources: `child` does.
        self._after = list(after) if isinstance(after, list | tuple) else []
        self.placement = args.placement
        self.tags = args.placement.tags.as_dict()

    def child(
        self, *, holds_data: bool = False, depends_on: list[pulumi.Resource] | None = None
    ) -> pulumi.ResourceOptions:
        """Options of a resource of this component; one that holds data is protected where the placement says so."""
        return pulumi.ResourceOptions(
            parent=self,
            protect=True if holds_data and self.placement.protect else None,
            depends_on=[*self._after, *(depends_on or [])] or None,
        )

    def finish(self, outputs: Mapping[str, pulumi.Input[Any]]) -> None:
        """Registers the component's outputs: the last thing that a component does."""
        self.register_outputs(dict(outputs))
