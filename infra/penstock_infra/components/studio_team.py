"""A team's people in Studio, and the space that they share."""

from __future__ import annotations

import pulumi
from pulumi_aws import sagemaker
from pydantic import Field

from penstock_infra.components.component import Arguments, Component
from penstock_infra.inputs import Text
from penstock_infra.team import Team


class StudioTeamArguments(Arguments):
    """The team, its domain and its role."""

    team: Team
    domain_id: Text
    role_arn: Text = Field(description="the role that the team's notebooks run with")
    security_group_id: Text
    disk_gb: int = Field(default=5, ge=5, le=16_384, description="the shared space's disk, in GB")


class StudioTeam(Component):
    """A user profile for each person of a team, all with the team's role, and a JupyterLab space that they share.

    The team's first person owns the space; it runs with the domain's role for shared spaces, as AWS has it. Free but for
    the space's disk (0.11 USD a GB and month) and the apps that people open.
    """

    TYPE = "penstock:training:StudioTeam"

    space_name: pulumi.Output[str]
    user_names: pulumi.Output[list[str]]

    def __init__(self, name: str, args: StudioTeamArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        users = [
            sagemaker.UserProfile(
                f"{name}-{member}",
                domain_id=args.domain_id,
                user_profile_name=member,
                user_settings={"execution_role": args.role_arn, "security_groups": [args.security_group_id]},
                tags=self.tags,
                opts=self.child(),
            )
            for member in args.team.members
        ]
        space = sagemaker.Space(
            name,
            domain_id=args.domain_id,
            space_name=args.team.name,
            space_display_name=args.team.name,
            space_settings={
                "app_type": "JupyterLab",
                "space_storage_settings": {"ebs_storage_settings": {"ebs_volume_size_in_gb": args.disk_gb}},
            },
            space_sharing_settings={"sharing_type": "Shared"},
            ownership_settings={"owner_user_profile_name": users[0].user_profile_name},
            tags=self.tags,
            opts=self.child(),
        )
        self.space_name = space.space_name
        self.user_names = pulumi.Output.all(*(user.user_profile_name for user in users))
        self.finish({"spaceName": self.space_name, "userNames": self.user_names})
