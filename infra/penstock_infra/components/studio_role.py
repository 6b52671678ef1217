"""The role of people at work in Studio."""

from __future__ import annotations

import pulumi
from pydantic import Field

from penstock_infra import grants, isolation, limits
from penstock_infra.components.role import RoleArguments, RoleComponent
from penstock_infra.iam import Document, Statement, service_trust
from penstock_infra.inputs import Text
from penstock_infra.isolation import Network
from penstock_infra.limits import JobLimits
from penstock_infra.team import TeamName

TAGGED_WHEN_MADE = ("CreateApp", "CreateProcessingJob", "CreateSpace", "CreateTrainingJob")
"""What gets tags as it is made, the domain's among them; tags of what exists stay as they are."""


class StudioRoleArguments(RoleArguments):
    """Whose role it is, what that team reads, and what its jobs may ask for."""

    team: TeamName | None = Field(default=None, description="the team; none for shared spaces, which belong to all")
    read_buckets: tuple[Text, ...] = Field(min_length=1, description="data that notebooks may read")
    artifact_bucket: Text = Field(description="where notebooks write, below studio/<team>/")
    offline_store_bucket: Text
    training_role_arn: Text = Field(description="the role that jobs started from a notebook run with")
    image_repository_arn: Text
    key_arns: tuple[Text, ...] = Field(min_length=1)
    tracking_arn: Text | None = Field(default=None, description="the MLflow server or app, if there is one")
    limits: JobLimits = Field(default_factory=JobLimits)
    network: Network | None = None


class StudioRole(RoleComponent):
    """The role of a team's notebooks: reads data, writes below the team's own prefix, starts jobs within the limits.

    It opens apps in spaces of its own or shared ones, on the instance types of the limits. It deletes no data, approves no
    model and touches no endpoint. Free; the apps are not.
    """

    TYPE = "penstock:training:StudioRole"

    def __init__(self, name: str, args: StudioRoleArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.make(
            name,
            args,
            purpose=("studio", *([args.team] if args.team else [])),
            trust=service_trust("sagemaker.amazonaws.com", account=args.placement.account),
            may=permissions(args),
        )


def permissions(args: StudioRoleArguments) -> Document:
    """Looking at everything, writing below one prefix, and starting what the limits allow."""
    placement = args.placement
    prefix = f"studio/{args.team or 'shared'}/"
    statements = [
        grants.list_buckets("FindData", placement, *args.read_buckets, args.artifact_bucket, args.offline_store_bucket),
        grants.read_objects("ReadData", placement, *args.read_buckets, args.artifact_bucket, args.offline_store_bucket),
        Statement(
            sid="WriteBelowOwnPrefix",
            actions=grants.WRITE_OBJECTS,
            resources=(grants.objects(placement, args.artifact_bucket, prefix),),
        ),
        grants.use_keys("UseKeys", *args.key_arns),
        grants.lend_keys("LendKeysToDisks", *args.key_arns),
        Statement(
            sid="ReadFeatures",
            actions=("sagemaker:BatchGetRecord", "sagemaker:DescribeFeatureGroup", "sagemaker:GetRecord"),
            resources=grants.sagemaker_resources(placement, "feature-group"),
        ),
        Statement(
            sid="StartJobs",
            actions=grants.CREATE_JOBS,
            resources=grants.sagemaker_resources(placement, "processing-job", "training-job"),
            conditions=limits.together(args.limits.conditions(), isolation.inside(args.network)),
        ),
        Statement(
            sid="FollowWork",
            actions=(*grants.DESCRIBE_MODEL, "sagemaker:StopProcessingJob", "sagemaker:StopTrainingJob"),
            resources=grants.sagemaker_resources(
                placement,
                "endpoint",
                "feature-group",
                "model-package",
                "model-package-group",
                "pipeline",
                "processing-job",
                "training-job",
            ),
        ),
        grants.list_versions(),
        grants.pass_roles("PassTrainingRole", "sagemaker.amazonaws.com", args.training_role_arn),
        *_rooms(args),
        grants.pull_images("PullImages", args.image_repository_arn),
        grants.log_in_to_registry(),
        grants.write_logs("WriteAppLogs", placement, "/aws/sagemaker/"),
    ]
    if args.tracking_arn is not None:
        statements += [
            grants.log_experiments("LogExperiments", args.tracking_arn),
            grants.open_tracking("OpenExperiments", args.tracking_arn),
        ]
    return Document.of(*statements, *isolation.joining(placement, args.network))


def _rooms(args: StudioRoleArguments) -> list[Statement]:
    """Opening apps in one's own and in shared spaces.

    https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-spaces.html and
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html (sagemaker:InstanceTypes
    of CreateApp, sagemaker:OwnerUserProfileArn and sagemaker:SpaceSharingType of spaces)
    """
    placement = args.placement
    own = {
        "ArnLike": {
            "sagemaker:OwnerUserProfileArn": [
                placement.arn("sagemaker", "user-profile/${sagemaker:DomainId}/${sagemaker:UserProfileName}")
            ]
        }
    }
    return [
        Statement(
            sid="OpenApps",
            actions=("sagemaker:CreateApp",),
            resources=grants.sagemaker_resources(placement, "app"),
            conditions={
                "ForAllValues:StringEquals": {"sagemaker:InstanceTypes": [*args.limits.instance_types, "system"]}
            },
        ),
        Statement(
            sid="CloseApps", actions=("sagemaker:DeleteApp",), resources=grants.sagemaker_resources(placement, "app")
        ),
        Statement(
            sid="KeepOwnSpaces",
            actions=("sagemaker:CreateSpace", "sagemaker:DeleteSpace", "sagemaker:UpdateSpace"),
            resources=grants.sagemaker_resources(placement, "space"),
            conditions=own,
        ),
        Statement(
            sid="TagWhatIsMade",
            actions=("sagemaker:AddTags",),
            resources=grants.sagemaker_resources(placement, "app", "processing-job", "space", "training-job"),
            conditions={"StringEquals": {"sagemaker:TaggingAction": list(TAGGED_WHEN_MADE)}},
        ),
        Statement(
            sid="SeeStudio",
            actions=(
                "sagemaker:DescribeApp",
                "sagemaker:DescribeDomain",
                "sagemaker:DescribeSpace",
                "sagemaker:DescribeUserProfile",
                "sagemaker:ListTags",
            ),
            resources=grants.sagemaker_resources(placement, "app", "domain", "space", "user-profile"),
        ),
        Statement(sid="AnyResourceListingStudioHasNoArn", actions=grants.LIST_STUDIO, resources=("*",)),
    ]
