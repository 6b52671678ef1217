"""The most that any role of the kit can ever do."""

from __future__ import annotations

import pulumi
from pulumi_aws import iam

from penstock_infra import grants, naming
from penstock_infra.components import spend_limit_role
from penstock_infra.components.component import Arguments, Component
from penstock_infra.iam import Document, Statement
from penstock_infra.placement import Placement


class PermissionsBoundaryArguments(Arguments):
    """Nothing besides the placement."""


class PermissionsBoundary(Component):
    """An IAM policy that caps every role of the kit to the actions that the kit's own roles need.

    A role whose policy is widened by hand gains nothing beyond it: no organisation, no deletion of data, and of IAM only
    attaching the one policy that stops spending. Free.
    """

    TYPE = "penstock:security:PermissionsBoundary"

    arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: PermissionsBoundaryArguments, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args, opts)
        policy = iam.Policy(
            name,
            name=args.placement.name(naming.POLICY, "boundary"),
            description="The most that a role of Penstock can ever do",
            policy=boundary(args.placement).render(),
            tags=self.tags,
            opts=self.child(),
        )
        self.arn = policy.arn
        self.finish({"arn": self.arn})


def boundary(placement: Placement) -> Document:
    """Every action of the kit's roles; which resources they act on is for each role to say.

    The one thing that any of them does to roles is attaching the policy that stops spending.
    """
    return Document.of(
        Statement(sid="AnyResourceABoundaryIsACeilingNotAGrant", actions=grants.CEILING, resources=("*",)),
        spend_limit_role.attaching(placement, placement.global_arn("iam", f"role/penstock-{placement.stack}-*")),
    )
