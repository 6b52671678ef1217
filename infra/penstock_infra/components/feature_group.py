"""A feature group from its definition."""

from __future__ import annotations

import pulumi
from pulumi_aws import sagemaker

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.features import FeatureDefinition
from penstock_infra.inputs import Text
from penstock_infra.model import ModelName


class FeatureGroupArguments(Arguments):
    """The definition (a file of `features/`), the model it belongs to, and the feature store's storage."""

    model: ModelName
    definition: FeatureDefinition
    offline_store_uri: Text
    role_arn: Text
    key_arn: Text


class FeatureGroup(Component):
    """A SageMaker feature group, online and offline as its definition says, encrypted with the data key.

    On demand: about 1.25 USD for a million writes and 0.25 for a million reads of up to 1 KB online, 0.45 USD a GB and
    month online, S3's price offline.
    """

    TYPE = "penstock:features:FeatureGroup"

    group_name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: FeatureGroupArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        definition = args.definition
        group = sagemaker.FeatureGroup(
            name,
            feature_group_name=group_name(args.model, definition.name),
            description=definition.description or None,
            record_identifier_feature_name=definition.record_identifier,
            event_time_feature_name=definition.event_time,
            feature_definitions=[
                {"feature_name": feature.name, "feature_type": feature.type} for feature in definition.features
            ],
            role_arn=args.role_arn,
            online_store_config=(
                {"enable_online_store": True, "security_config": {"kms_key_id": args.key_arn}}
                if definition.online
                else None
            ),
            offline_store_config=(
                {"s3_storage_config": {"s3_uri": args.offline_store_uri, "kms_key_id": args.key_arn}}
                if definition.offline
                else None
            ),
            tags=self.tags,
            opts=self.child(holds_data=True),
        )
        self.group_name = group.feature_group_name
        self.arn = group.arn
        self.finish({"groupName": self.group_name, "arn": self.arn})


def group_name(model: str, definition: str) -> str:
    """The feature group's name in AWS: `<model>-<definition>`; cut and hashed only beyond 64 characters."""
    plain = f"{model}-{definition}"
    if len(plain) <= naming.FEATURE_GROUP.longest:
        return plain
    return naming.physical_name(naming.FEATURE_GROUP, model, definition, location="")
