"""The role that starts transform jobs by the clock."""

from __future__ import annotations

import pulumi
from pydantic import Field

from penstock_infra import grants
from penstock_infra.components.role import RoleArguments, RoleComponent
from penstock_infra.iam import Document, Statement, service_trust
from penstock_infra.inputs import Text


class TransformScheduleRoleArguments(RoleArguments):
    """The keys of schedules and of what the jobs write."""

    key_arns: tuple[Text, ...] = Field(min_length=1)


class TransformScheduleRole(RoleComponent):
    """The role with which EventBridge Scheduler starts transform jobs, and does nothing else. Free."""

    TYPE = "penstock:serving:TransformScheduleRole"

    def __init__(
        self, name: str, args: TransformScheduleRoleArguments, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args, opts)
        self.make(
            name,
            args,
            purpose=("transform-schedule",),
            trust=service_trust("scheduler.amazonaws.com", account=args.placement.account),
            may=permissions(args),
        )


def permissions(args: TransformScheduleRoleArguments) -> Document:
    """Starting jobs of models that exist, with the model's own role, and reading the schedule's encrypted request."""
    return Document.of(
        Statement(
            sid="StartTransformJobs",
            actions=grants.START_TRANSFORMS,
            resources=grants.sagemaker_resources(args.placement, "transform-job"),
        ),
        grants.use_keys("UseKeys", *args.key_arns),
        grants.lend_keys("LendKeysToDisks", *args.key_arns),
    )
