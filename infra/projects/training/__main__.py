"""Roles, images and limits of training and serving, MLflow, Studio, Spark, and the rules that tell model repositories."""

import os

import pulumi

from penstock_infra.components.code_repository import CodeRepository, CodeRepositoryArguments
from penstock_infra.components.experiment_tracking import (
    ExperimentTracking,
    ExperimentTrackingArguments,
    TrackingKind,
)
from penstock_infra.components.image_repository import ImageRepository, ImageRepositoryArguments
from penstock_infra.components.monitoring_role import MonitoringRole, MonitoringRoleArguments
from penstock_infra.components.repository_dispatch import RepositoryDispatch, RepositoryDispatchArguments
from penstock_infra.components.serving_role import ServingRole, ServingRoleArguments
from penstock_infra.components.spark_application import SparkApplication, SparkApplicationArguments
from penstock_infra.components.spark_role import SparkRole, SparkRoleArguments
from penstock_infra.components.spend_limit import SpendLimit, SpendLimitArguments
from penstock_infra.components.studio_domain import StudioDomain, StudioDomainArguments
from penstock_infra.components.studio_role import StudioRole, StudioRoleArguments
from penstock_infra.components.studio_team import StudioTeam, StudioTeamArguments
from penstock_infra.components.tracking_role import TrackingRole, TrackingRoleArguments
from penstock_infra.components.training_role import TrainingRole, TrainingRoleArguments
from penstock_infra.components.transform_schedule_role import TransformScheduleRole, TransformScheduleRoleArguments
from penstock_infra.configuration import TrainingSettings
from penstock_infra.github import api_url, dispatch_token
from penstock_infra.isolation import Network, required
from penstock_infra.limits import JobLimits
from penstock_infra.platform import DataLake, FeatureStore, Foundation, Training
from penstock_infra.registry import chosen
from penstock_infra.stack import platform_placement

settings = TrainingSettings.load()
placement = platform_placement(settings)
foundation = Foundation.of_stack()
lake = DataLake.of_stack()
features = FeatureStore.of_stack()

images = ImageRepository(
    "models",
    ImageRepositoryArguments(
        placement=placement, key_arn=foundation.artifact_key_arn, shared_with=settings.shared_with
    ),
)
keys = (foundation.data_key_arn, foundation.artifact_key_arn)
boundary = foundation.permissions_boundary_arn
offline_store_bucket = features.offline_store_uri.apply(lambda uri: uri.split("/")[2])
nothing = pulumi.Output.from_input("")
limits = JobLimits(instance_types=settings.instance_types, longest_run_hours=settings.longest_run_hours)
network = (
    Network(
        vpc_id=required(foundation.vpc_id, "vpcId"),
        subnet_ids=required(foundation.private_subnet_ids, "privateSubnetIds"),
        security_group_id=required(foundation.security_group_id, "securityGroupId"),
    )
    if settings.network_isolation
    else None
)

tracking_arn = None
if settings.experiment_tracking != "off":
    tracking_role = TrackingRole(
        "tracking",
        TrackingRoleArguments(
            placement=placement,
            permissions_boundary_arn=boundary,
            artifact_bucket=foundation.artifact_bucket,
            key_arn=foundation.artifact_key_arn,
        ),
    )
    tracking_arn = ExperimentTracking(
        "experiments",
        ExperimentTrackingArguments(
            placement=placement,
            kind=TrackingKind(settings.experiment_tracking),
            size=settings.tracking_server_size,
            artifact_bucket=foundation.artifact_bucket,
            role_arn=tracking_role.arn,
            network=network,
        ),
    ).arn

training = TrainingRole(
    "training",
    TrainingRoleArguments(
        placement=placement,
        permissions_boundary_arn=boundary,
        raw_bucket=lake.raw_bucket,
        written_buckets=(lake.clean_bucket, lake.curated_bucket, foundation.artifact_bucket),
        offline_store_bucket=offline_store_bucket,
        image_repository_arn=images.arn,
        key_arns=keys,
        tracking_arn=tracking_arn,
        limits=limits,
        network=network,
    ),
)
serving = ServingRole(
    "serving",
    ServingRoleArguments(
        placement=placement,
        permissions_boundary_arn=foundation.permissions_boundary_arn,
        artifact_bucket=foundation.artifact_bucket,
        registry=chosen(foundation),
        image_repository_arn=images.arn,
        key_arns=keys,
        network=network,
    ),
)
monitoring = MonitoringRole(
    "monitoring",
    MonitoringRoleArguments(
        placement=placement,
        permissions_boundary_arn=boundary,
        report_bucket=foundation.artifact_bucket,
        key_arns=keys,
        network=network,
    ),
)
transform_schedules = TransformScheduleRole(
    "transform-schedules",
    TransformScheduleRoleArguments(
        placement=placement,
        permissions_boundary_arn=foundation.permissions_boundary_arn,
        key_arns=keys,
    ),
)

spark_application_id, spark_role_arn = nothing, nothing
if settings.spark:
    spark_role_arn = SparkRole(
        "spark",
        SparkRoleArguments(
            placement=placement,
            permissions_boundary_arn=boundary,
            raw_bucket=lake.raw_bucket,
            written_buckets=(lake.clean_bucket, lake.curated_bucket),
            log_bucket=foundation.artifact_bucket,
            database=lake.glue_database,
            key_arns=keys,
        ),
    ).arn
    spark_application_id = SparkApplication(
        "spark",
        SparkApplicationArguments(
            placement=placement,
            most_cpus=settings.spark_most_cpus,
            log_bucket=foundation.artifact_bucket,
            key_arn=foundation.artifact_key_arn,
            network=network,
        ),
    ).application_id

studio_domain_id, studio_roles = nothing, []
if settings.studio_teams:
    studio_network = network or Network(
        vpc_id=settings.studio_vpc_id,
        subnet_ids=settings.studio_subnet_ids,
        security_group_id=settings.studio_security_group_id,
    )

    def studio_role(team: str | None) -> StudioRole:
        """The role of a team's notebooks, or of the shared spaces."""
        return StudioRole(
            f"studio-{team}" if team else "studio",
            StudioRoleArguments(
                placement=placement,
                permissions_boundary_arn=boundary,
                team=team,
                read_buckets=(lake.clean_bucket, lake.curated_bucket),
                artifact_bucket=foundation.artifact_bucket,
                offline_store_bucket=offline_store_bucket,
                training_role_arn=training.arn,
                image_repository_arn=images.arn,
                key_arns=keys,
                tracking_arn=tracking_arn,
                limits=limits,
                network=network,
            ),
        )

    code = {repository: f"https://github.com/{repository.slug}" for repository in settings.repositories}
    for repository, url in code.items():
        CodeRepository(
            repository.name,
            CodeRepositoryArguments(
                placement=placement,
                repository=repository.name,
                url=url,
                secret_arn=settings.code_repository_secret_arn or None,
            ),
        )
    shared_role = studio_role(None)
    domain = StudioDomain(
        "studio",
        StudioDomainArguments(
            placement=placement,
            network=studio_network,
            isolated=settings.network_isolation,
            role_arn=shared_role.arn,
            key_arn=foundation.data_key_arn,
            repository_urls=tuple(code.values()),
        ),
    )
    studio_domain_id = domain.domain_id
    studio_roles = [shared_role]
    for team in settings.studio_teams:
        studio_roles.append(studio_role(team.name))
        StudioTeam(
            team.name,
            StudioTeamArguments(
                placement=placement,
                team=team,
                domain_id=domain.domain_id,
                role_arn=studio_roles[-1].arn,
                security_group_id=studio_network.security_group_id,
            ),
        )

if settings.monthly_spend_limit:
    SpendLimit(
        "spend-limit",
        SpendLimitArguments(
            placement=placement,
            monthly_usd=settings.monthly_spend_limit,
            role_names=tuple(role.arn.apply(lambda arn: arn.split("/")[-1]) for role in (training, *studio_roles)),
            permissions_boundary_arn=boundary,
            topic_arn=foundation.cost_topic_arn,
        ),
    )

token = dispatch_token(pulumi.Config(), os.environ)
dispatches = [
    RepositoryDispatch(
        repository.name,
        RepositoryDispatchArguments(
            placement=placement,
            repository=repository,
            token=token,
            api_url=api_url(os.environ),
            permissions_boundary_arn=foundation.permissions_boundary_arn,
        ),
    )
    for repository in settings.repositories
]

Training(
    training_role_arn=training.arn,
    serving_role_arn=serving.arn,
    monitoring_role_arn=monitoring.arn,
    transform_schedule_role_arn=transform_schedules.arn,
    image_repository_url=images.url,
    tracking_server_arn=tracking_arn if tracking_arn is not None else nothing,
    job_subnet_ids=network.subnets if network else pulumi.Output.from_input([]),
    job_security_group_id=pulumi.Output.from_input(network.security_group_id) if network else nothing,
    studio_domain_id=studio_domain_id,
    spark_application_id=spark_application_id,
    spark_role_arn=spark_role_arn,
    approval_rule_arn=dispatches[0].approval_rule_arn,
    drift_rule_arn=dispatches[0].drift_rule_arn,
).export()
