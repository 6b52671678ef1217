"""An IAM role with its trust, its permissions and the platform's boundary: the base of every role here."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_aws import iam

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.iam import Document
from penstock_infra.inputs import Text

LONGEST_SESSION_SECONDS = 3600


class RoleArguments(Arguments):
    """What every role needs besides its own permissions."""

    permissions_boundary_arn: Text


class RoleComponent(Component):
    """A role and its one inline policy; IAM costs nothing. Subclasses say who may take it and what it may do."""

    arn: pulumi.Output[str]
    role_name: str

    def make(self, name: str, args: RoleArguments, *, purpose: tuple[str, ...], trust: Document, may: Document) -> None:
        """Makes the role `penstock-<stack>-<purpose>-<hash>` and sets `arn` and `role_name`."""
        self.role_name = args.placement.name(naming.ROLE, *purpose)
        role = iam.Role(
            name,
            name=self.role_name,
            description=_first_line(type(self).__doc__),
            assume_role_policy=trust.render(),
            permissions_boundary=args.permissions_boundary_arn,
            max_session_duration=LONGEST_SESSION_SECONDS,
            tags=self.tags,
            opts=self.child(),
        )
        policy = iam.RolePolicy(
            name, name="permissions", role=role.name, policy=may.render(), opts=self.child(depends_on=[role])
        )
        self.arn = pulumi.Output.all(arn=role.arn, policy=policy.id).apply(_arn)
        self.finish({"arn": self.arn, "roleName": self.role_name})


def _arn(role: dict[str, Any]) -> str:
    """The role's ARN, handed on only once its policy is attached."""
    return str(role["arn"])


def _first_line(text: str | None) -> str:
    return (text or "").strip().splitlines()[0]
