"""Keys, artefacts, logs, alarms, and the roles that GitHub's workflows take."""

from penstock_infra.components.alarm_topic import AlarmTopic, AlarmTopicArguments
from penstock_infra.components.ci_role import CiRole, CiRoleArguments, Duty
from penstock_infra.components.data_key import DataKey, DataKeyArguments
from penstock_infra.components.github_oidc import GitHubOidc, GitHubOidcArguments
from penstock_infra.components.log_bucket import LogBucket, LogBucketArguments
from penstock_infra.components.permissions_boundary import PermissionsBoundary, PermissionsBoundaryArguments
from penstock_infra.components.private_bucket import PrivateBucket, PrivateBucketArguments
from penstock_infra.configuration import FoundationSettings
from penstock_infra.oidc import WorkflowTrust
from penstock_infra.platform import Foundation
from penstock_infra.repository import Repository
from penstock_infra.stack import platform_placement

settings = FoundationSettings.load()
placement = platform_placement(settings)

data_key = DataKey(
    "data",
    DataKeyArguments(
        placement=placement,
        purpose="data",
        description="The lake, the feature store, endpoint volumes and alarms",
        publishers=("cloudwatch.amazonaws.com", "events.amazonaws.com"),
    ),
)
artifact_key = DataKey(
    "artifacts",
    DataKeyArguments(placement=placement, purpose="artifacts", description="Models, images and captured requests"),
)
logs = LogBucket("logs", LogBucketArguments(placement=placement))
artifacts = PrivateBucket(
    "artifacts",
    PrivateBucketArguments(placement=placement, purpose="artifacts", key_arn=artifact_key.arn, log_bucket=logs.bucket),
)
alarms = AlarmTopic(
    "alarms", AlarmTopicArguments(placement=placement, key_arn=data_key.arn, emails=settings.alarm_emails)
)
boundary = PermissionsBoundary("boundary", PermissionsBoundaryArguments(placement=placement))
github = GitHubOidc("github", GitHubOidcArguments(placement=placement, existing_arn=settings.github_oidc_provider_arn))


def ci_role(repository: Repository, duty: Duty, workflow: str, environment: str | None) -> CiRole:
    """The role of one repository's workflow."""
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
            state_bucket=settings.state_bucket,
            state_key_arn=settings.state_key_arn,
        ),
    )


roles = [
    (
        ci_role(repository, Duty.PLAN, "pull-request.yml", None),
        ci_role(repository, Duty.TRAIN, "train.yml", settings.train_environment),
        ci_role(repository, Duty.DEPLOY, "deploy.yml", settings.deploy_environment),
    )
    for repository in settings.repositories
]
plan, train, deploy = roles[0]

Foundation(
    data_key_arn=data_key.arn,
    artifact_key_arn=artifact_key.arn,
    artifact_bucket=artifacts.bucket,
    log_bucket=logs.bucket,
    alarm_topic_arn=alarms.arn,
    permissions_boundary_arn=boundary.arn,
    oidc_provider_arn=github.arn,
    plan_role_arn=plan.arn,
    train_role_arn=train.arn,
    deploy_role_arn=deploy.arn,
).export()
