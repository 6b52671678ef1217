"""A feature group from its definition."""

from __future__ import annotations

import pulumi
from pulumi_aws import sagemaker

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.feature_schema import FeatureSchema
from penstock_infra.features import FeatureDefinition, OfflineStore, OnlineStore, Throughput
from penstock_infra.inputs import Text
from penstock_infra.model import ModelName


class FeatureGroupArguments(Arguments):
    """The definition (a file of `features/`), the model it belongs to, and the feature store's storage."""

    model: ModelName
    definition: FeatureDefinition
    offline_store_uri: Text
    role_arn: Text
    key_arn: Text


OWN_WAY = ["description", "featureDefinitions"]
"""What AWS cannot change (the description) and what `FeatureSchema` changes: the provider would replace the group."""


class FeatureGroup(Component):
    """A SageMaker feature group, online and offline as its definition says, encrypted with the data key.

    Features that are added to the definition are appended; a change that would replace the group, and lose its records,
    fails the preview and says what to do instead (`schema_change`). Only the TTL and the throughput change besides.

    On demand: about 1.25 USD for a million writes and 0.25 for a million reads of up to 1 KB online, 0.45 USD a GB and
    month online, S3's price offline. Provisioned throughput is paid by the hour, used or not.
    """

    TYPE = "penstock:features:FeatureGroup"

    group_name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: FeatureGroupArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        definition = args.definition
        online, offline = definition.online_store, definition.offline_store
        physical = group_name(args.model, definition.name)
        schema = FeatureSchema(
            name,
            group=physical,
            region=args.placement.region,
            definition=definition.name,
            features=[{"name": feature.name, "type": feature.type} for feature in definition.features],
            fixed={
                "recordIdentifier": definition.record_identifier,
                "eventTime": definition.event_time,
                "online": online is not None,
                "onlineStorage": online.storage if online else "",
                "offline": offline is not None,
                "tableFormat": offline.table_format if offline else "",
                "offlineStoreUri": args.offline_store_uri if offline else "",
                "roleArn": args.role_arn,
                "keyArn": args.key_arn,
            },
            opts=self.child(),
        )
        group = sagemaker.FeatureGroup(
            name,
            feature_group_name=physical,
            description=definition.description or None,
            record_identifier_feature_name=definition.record_identifier,
            event_time_feature_name=definition.event_time,
            feature_definitions=[
                {"feature_name": feature.name, "feature_type": feature.type} for feature in definition.features
            ],
            role_arn=args.role_arn,
            online_store_config=_online(online, args.key_arn) if online else None,
            offline_store_config=_offline(offline, args) if offline else None,
            throughput_config=_throughput(online.throughput) if online and online.throughput else None,
            tags=self.tags,
            opts=pulumi.ResourceOptions.merge(
                self.child(holds_data=True, depends_on=[schema]), pulumi.ResourceOptions(ignore_changes=OWN_WAY)
            ),
        )
        self.group_name = group.feature_group_name
        self.arn = group.arn
        self.finish({"groupName": self.group_name, "arn": self.arn})


def _online(store: OnlineStore, key_arn: Text) -> sagemaker.FeatureGroupOnlineStoreConfigArgs:
    return sagemaker.FeatureGroupOnlineStoreConfigArgs(
        enable_online_store=True,
        security_config={"kms_key_id": key_arn},
        # Standard is what AWS takes when nothing is said, and tells nothing of: said here, it would look changed.
        storage_type=store.storage if store.storage != "Standard" else None,
        ttl_duration={"unit": "Days", "value": store.ttl_days} if store.ttl_days else None,
    )


def _offline(store: OfflineStore, args: FeatureGroupArguments) -> sagemaker.FeatureGroupOfflineStoreConfigArgs:
    return sagemaker.FeatureGroupOfflineStoreConfigArgs(
        s3_storage_config={"s3_uri": args.offline_store_uri, "kms_key_id": args.key_arn},
        table_format=store.table_format if store.table_format != "Glue" else None,
    )


def _throughput(capacity: Throughput) -> sagemaker.FeatureGroupThroughputConfigArgs:
    return sagemaker.FeatureGroupThroughputConfigArgs(
        throughput_mode="Provisioned",
        provisioned_read_capacity_units=capacity.read,
        provisioned_write_capacity_units=capacity.write,
    )


def group_name(model: str, definition: str) -> str:
    """The feature group's name in AWS: `<model>-<definition>`; cut and hashed only beyond 64 characters."""
    plain = f"{model}-{definition}"
    if len(plain) <= naming.FEATURE_GROUP.longest:
        return plain
    return naming.physical_name(naming.FEATURE_GROUP, model, definition, location="")
