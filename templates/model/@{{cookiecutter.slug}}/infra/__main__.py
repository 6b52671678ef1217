"""The model's own resources: feature groups, registry, card, pipeline, drift alarm, and the live version's endpoint."""

from pathlib import Path

import pulumi
from penstock_infra import definition, features, model
from penstock_infra.components.drift_alarm import DriftAlarm, DriftAlarmArguments
from penstock_infra.components.endpoint import Endpoint, EndpointArguments
from penstock_infra.components.feature_group import FeatureGroup, FeatureGroupArguments
from penstock_infra.components.model_card import ModelCard, ModelCardArguments
from penstock_infra.components.model_package_group import ModelPackageGroup, ModelPackageGroupArguments
from penstock_infra.components.model_quality_alarm import ModelQualityAlarm, ModelQualityAlarmArguments
from penstock_infra.components.model_quality_monitor import ModelQualityMonitor, ModelQualityMonitorArguments
from penstock_infra.components.pipeline import Pipeline, PipelineArguments, platform_defaults
from penstock_infra.configuration import ModelStackSettings
from penstock_infra.platform import DataLake, FeatureStore, Foundation, Training
from penstock_infra.releases import releases
from penstock_infra.stack import model_placement

REPOSITORY = Path(__file__).resolve().parent.parent

settings = model.read(REPOSITORY / "penstock.yaml")
stack = ModelStackSettings.load()
placement = model_placement(stack, settings)
name = placement.model_name(settings.name)
versions = releases(placement.stack, name)
foundation = Foundation.of_stack()
lake = DataLake.of_stack()
store = FeatureStore.of_stack()
training = Training.of_stack()

feature_groups = [
    FeatureGroup(
        group.name,
        FeatureGroupArguments(
            placement=placement,
            model=name,
            definition=group,
            offline_store_uri=store.offline_store_uri,
            role_arn=store.feature_store_role_arn,
            key_arn=foundation.data_key_arn,
        ),
    )
    for group in features.read_all(REPOSITORY / "features")
]
registry = ModelPackageGroup(
    settings.name,
    ModelPackageGroupArguments(
        placement=placement,
        model=name,
        description=settings.description,
        shared_with=stack.shared_with,
    ),
)
ModelCard(
    settings.name,
    ModelCardArguments(
        placement=placement,
        model=name,
        description=settings.description,
        settings=settings.card,
        model_package_arn=versions.live,
        evaluation=versions.evaluation,
        key_arn=foundation.data_key_arn,
    ),
)
pipeline = Pipeline(
    settings.name,
    PipelineArguments(
        placement=placement,
        model=name,
        description=settings.description,
        definition=definition.read(REPOSITORY / settings.pipeline.definition),
        defaults=platform_defaults(name, foundation, lake, training),
        role_arn=training.training_role_arn,
        subnet_ids=training.job_subnet_ids,
        security_group_id=training.job_security_group_id,
    ),
)
DriftAlarm(
    settings.name,
    DriftAlarmArguments(placement=placement, model=name, topic_arn=foundation.alarm_topic_arn),
)
endpoint = Endpoint(
    settings.name,
    EndpointArguments(
        placement=placement,
        model=name,
        model_package_arn=versions.live,
        challenger_package_arn=versions.challenger,
        settings=stack.endpoint_settings(settings.endpoint),
        capture_bucket=foundation.artifact_bucket,
        role_arn=training.serving_role_arn,
        schedule_role_arn=training.transform_schedule_role_arn,
        subnet_ids=training.job_subnet_ids,
        security_group_id=training.job_security_group_id,
        alarm_topic_arn=foundation.alarm_topic_arn,
        data_key_arn=foundation.data_key_arn,
        artifact_key_arn=foundation.artifact_key_arn,
    ),
)
if settings.quality and versions.live and stack.endpoint_settings(settings.endpoint).captures:
    after = pulumi.ResourceOptions(depends_on=[endpoint])
    watched = {"placement": placement, "model": name, "endpoint_name": endpoint.endpoint_name}
    monitor = ModelQualityMonitor(
        settings.name,
        ModelQualityMonitorArguments(
            **watched,
            **settings.quality.measurement,
            ground_truth_uri=pulumi.Output.concat("s3://", foundation.artifact_bucket, f"/labels/{name}"),
            report_bucket=foundation.artifact_bucket,
            role_arn=training.monitoring_role_arn,
            subnet_ids=training.job_subnet_ids,
            security_group_id=training.job_security_group_id,
            data_key_arn=foundation.data_key_arn,
            artifact_key_arn=foundation.artifact_key_arn,
        ),
        opts=after,
    )
    ModelQualityAlarm(
        settings.name,
        ModelQualityAlarmArguments(
            **watched,
            **settings.quality.alarm,
            schedule_name=monitor.schedule_name,
            topic_arn=foundation.alarm_topic_arn,
        ),
    )

pulumi.export("endpointName", endpoint.endpoint_name)
pulumi.export("modelName", endpoint.model_name)
pulumi.export("transformRequest", endpoint.transform_request)
pulumi.export("modelPackageGroup", registry.group_name)
pulumi.export("pipeline", pipeline.pipeline_name)
pulumi.export("featureGroups", [group.group_name for group in feature_groups])
