"""The most that any role of the kit can ever do."""

from __future__ import annotations

import pulumi
from pulumi_aws import iam

from penstock_infra import grants, naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.iam import Document, Statement


class PermissionsBoundaryArguments(Arguments):
    """Nothing besides the placement."""


class PermissionsBoundary(Component):
    """An IAM policy that caps every role of the kit to the actions that the kit's own roles need.

    A role whose policy is widened by hand gains nothing beyond it: no IAM, no organisation, no deletion of data. Free.
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
            policy=boundary().render(),
            tags=self.tags,
            opts=self.child(),
        )
        self.arn = policy.arn
        self.finish({"arn": self.arn})


def boundary() -> Document:
    """Every action of the kit's roles; which resources they act on is for each role to say."""
    return Document.of(
        Statement(sid="AnyResourceABoundaryIsACeilingNotAGrant", actions=grants.CEILING, resources=("*",))
    )
