"""Keys, artefacts, logs, alarms, budgets, the network, and the roles that GitHub's workflows take."""

import pulumi
import pulumi_aws as aws

from penstock_infra.components.budget import Budget, BudgetArguments
from penstock_infra.components.ci_role import CiRole, CiRoleArguments, Duty
from penstock_infra.components.data_key import DataKey, DataKeyArguments
from penstock_infra.components.github_oidc import GitHubOidc, GitHubOidcArguments
from penstock_infra.components.log_bucket import LogBucket, LogBucketArguments
from penstock_infra.components.notification_topic import NotificationTopic, NotificationTopicArguments
from penstock_infra.components.permissions_boundary import PermissionsBoundary, PermissionsBoundaryArguments
from penstock_infra.components.private_bucket import PrivateBucket, PrivateBucketArguments
from penstock_infra.components.private_network import SERVICES, PrivateNetwork, PrivateNetworkArguments
from penstock_infra.configuration import FoundationSettings
from penstock_infra.oidc import WorkflowTrust
from penstock_infra.platform import Foundation
from penstock_infra.registry import Registry, registry_of
from penstock_infra.repository import Repository
from penstock_infra.stack import platform_placement

settings = FoundationSettings.load()
placement = platform_placement(settings)
elsewhere = registry_of(settings.registry_stack, placement)

data_key = DataKey(
    "data",
    DataKeyArguments(
        placement=placement,
        purpose="data",
        description="The lake, the feature store and endpoint volumes",
        publishers=("events.amazonaws.com",),
    ),
)
artifact_key = DataKey(
    "artifacts",
    DataKeyArguments(
        placement=placement,
        purpose="artifacts",
        description="Models, images and captured requests",
        reader_accounts=settings.shared_with,
    ),
)
message_key = DataKey(
    "messages",
    DataKeyArguments(
        placement=placement,
        purpose="messages",
        description="What alarms, budgets and rules tell",
        publishers=("budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com"),
    ),
)
logs = LogBucket("logs", LogBucketArguments(placement=placement))
artifacts = PrivateBucket(
    "artifacts",
    PrivateBucketArguments(
        placement=placement,
        purpose="artifacts",
        key_arn=artifact_key.arn,
        log_bucket=logs.bucket,
        reader_accounts=settings.shared_with,
    ),
)
alarms = NotificationTopic(
    "alarms",
    NotificationTopicArguments(
        placement=placement,
        purpose="alarms",
        publishers=("cloudwatch", "events"),
        key_arn=message_key.arn,
        emails=settings.alarm_emails,
    ),
)
costs = NotificationTopic(
    "costs",
    NotificationTopicArguments(
        placement=placement,
        purpose="costs",
        publishers=("budgets",),
        key_arn=message_key.arn,
        emails=settings.alarm_emails,
    ),
)
limits = {f"Environment={placement.stack}": settings.monthly_budget} if settings.monthly_budget else {}
for cost_tag, limit in (limits | settings.budgets).items():
    Budget(
        cost_tag,
        BudgetArguments(placement=placement, cost_tag=cost_tag, monthly_limit=limit, topic_arn=costs.arn),
    )
network = None
if settings.network:
    zones = settings.network_zones or tuple(aws.get_availability_zones(state="available").names[:2])
    network = PrivateNetwork(
        "network",
        PrivateNetworkArguments(
            placement=placement,
            cidr=settings.network_cidr,
            zones=zones,
            services=(*SERVICES, *settings.network_services),
            other_buckets=(elsewhere.artifact_bucket,) if elsewhere else (),
            log_bucket_arn=logs.arn,
        ),
    )
boundary = PermissionsBoundary("boundary", PermissionsBoundaryArguments(placement=placement))
github = GitHubOidc("github", GitHubOidcArguments(placement=placement, existing_arn=settings.github_oidc_provider_arn))
WORKFLOWS = {
    Duty.PLAN: ("pull-request.yml", None),
    Duty.TRAIN: ("train.yml", settings.train_environment),
    Duty.DEPLOY: ("deploy.yml", settings.deploy_environment),
}
"""Who takes a role on: the workflow's file, and the GitHub environment that it must run in (None: pull requests)."""


def ci_role(repository: Repository, duty: Duty) -> CiRole:
    """The role of one repository's workflow."""
    workflow, environment = WORKFLOWS[duty]
    return CiRole(
        f"{repository.name}-{duty.value}",
        CiRoleArguments(
            placement=placement,
            duty=duty,
            trust=WorkflowTrust(repository=repository, environment=environment, workflow=workflow),
            provider_arn=github.arn,
            permissions_boundary_arn=boundary.arn,
            artifact_bucket=artifacts.bucket,
            key_arns=(data_key.arn, artifact_key.arn),
            registry=elsewhere,
            state_bucket=settings.state_bucket,
            state_key_arn=settings.state_key_arn,
        ),
    )


roles = {
    repository.slug: {role: ci_role(repository, Duty(role)).arn for role in settings.ci_roles}
    for repository in settings.repositories
}
primary = roles[settings.repositories[0].slug]
nothing = pulumi.Output.from_input("")
registry = elsewhere or Registry(
    stack=placement.stack,
    account=placement.account,
    artifact_bucket=artifacts.bucket,
    artifact_key_arn=artifact_key.arn,
)

Foundation(
    account=pulumi.Output.from_input(placement.account),
    region=pulumi.Output.from_input(placement.region),
    data_key_arn=data_key.arn,
    artifact_key_arn=artifact_key.arn,
    message_key_arn=message_key.arn,
    artifact_bucket=artifacts.bucket,
    log_bucket=logs.bucket,
    alarm_topic_arn=alarms.arn,
    cost_topic_arn=costs.arn,
    permissions_boundary_arn=boundary.arn,
    oidc_provider_arn=github.arn,
    plan_role_arn=primary.get("plan", nothing),
    train_role_arn=primary.get("train", nothing),
    deploy_role_arn=primary.get("deploy", nothing),
    ci_role_arns=pulumi.Output.from_input(roles),
    registry_stack=pulumi.Output.from_input(registry.stack),
    registry_account=pulumi.Output.from_input(registry.account),
    registry_bucket=pulumi.Output.from_input(registry.artifact_bucket),
    registry_key_arn=pulumi.Output.from_input(registry.artifact_key_arn),
    vpc_id=network.vpc_id if network else nothing,
    private_subnet_ids=network.subnet_ids if network else pulumi.Output.from_input([]),
    security_group_id=network.security_group_id if network else nothing,
).export()
