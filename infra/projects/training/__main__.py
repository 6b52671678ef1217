"""Roles and images of training and serving, and the rules that tell model repositories of approvals and drift."""

import os

import pulumi

from penstock_infra.components.image_repository import ImageRepository, ImageRepositoryArguments
from penstock_infra.components.repository_dispatch import RepositoryDispatch, RepositoryDispatchArguments
from penstock_infra.components.serving_role import ServingRole, ServingRoleArguments
from penstock_infra.components.training_role import TrainingRole, TrainingRoleArguments
from penstock_infra.configuration import TrainingSettings
from penstock_infra.github import api_url, dispatch_token
from penstock_infra.platform import DataLake, FeatureStore, Foundation, Training
from penstock_infra.stack import platform_placement

settings = TrainingSettings.load()
placement = platform_placement(settings)
foundation = Foundation.of_stack()
lake = DataLake.of_stack()
features = FeatureStore.of_stack()

images = ImageRepository("models", ImageRepositoryArguments(placement=placement, key_arn=foundation.artifact_key_arn))
keys = (foundation.data_key_arn, foundation.artifact_key_arn)
training = TrainingRole(
    "training",
    TrainingRoleArguments(
        placement=placement,
        permissions_boundary_arn=foundation.permissions_boundary_arn,
        raw_bucket=lake.raw_bucket,
        written_buckets=(lake.clean_bucket, lake.curated_bucket, foundation.artifact_bucket),
        offline_store_bucket=features.offline_store_uri.apply(lambda uri: uri.split("/")[2]),
        image_repository_arn=images.arn,
        key_arns=keys,
    ),
)
serving = ServingRole(
    "serving",
    ServingRoleArguments(
        placement=placement,
        permissions_boundary_arn=foundation.permissions_boundary_arn,
        artifact_bucket=foundation.artifact_bucket,
        image_repository_arn=images.arn,
        key_arns=keys,
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
    image_repository_url=images.url,
    approval_rule_arn=dispatches[0].approval_rule_arn,
    drift_rule_arn=dispatches[0].drift_rule_arn,
).export()
