"""The role with which AWS Budgets stops spending."""

from __future__ import annotations

import pulumi
from pydantic import Field

from penstock_infra import naming
from penstock_infra.components.role import RoleArguments, RoleComponent
from penstock_infra.iam import Document, Statement, service_trust
from penstock_infra.inputs import Text
from penstock_infra.placement import Placement


class SpendLimitRoleArguments(RoleArguments):
    """Whom the policy is attached to."""

    role_arns: tuple[Text, ...] = Field(min_length=1, description="the roles whose spending is stopped")


class SpendLimitRole(RoleComponent):
    """The role of AWS Budgets: attaches one policy, which only denies, to the named roles, and takes it away again. Free."""

    TYPE = "penstock:operations:SpendLimitRole"

    def __init__(self, name: str, args: SpendLimitRoleArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.make(
            name,
            args,
            purpose=("spend-limit",),
            trust=service_trust("budgets.amazonaws.com", account=args.placement.account),
            may=Document.of(attaching(args.placement, *args.role_arns)),
        )


def policy_arn(placement: Placement) -> str:
    """The policy that denies starting anything."""
    return placement.global_arn("iam", f"policy/{placement.name(naming.POLICY, 'stop-spending')}")


def attaching(placement: Placement, *role_arns: Text) -> Statement:
    """Attaching and detaching that one policy.

    https://docs.aws.amazon.com/cost-management/latest/userguide/billing-example-policies.html#example-budgets-IAM-SCP
    """
    return Statement(
        sid="StopSpending",
        actions=("iam:AttachRolePolicy", "iam:DetachRolePolicy"),
        resources=role_arns,
        conditions={"ArnEquals": {"iam:PolicyARN": [policy_arn(placement)]}},
    )
