"""What each platform project hands to the others and to model repositories: stack outputs, by their names."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import pulumi
from pydantic.alias_generators import to_camel


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Outputs of one project; each field is exported under its camelCase name."""

    PROJECT: ClassVar[str]

    def export(self) -> None:
        """Exports every field from the running program."""
        for field in fields(self):
            pulumi.export(to_camel(field.name), getattr(self, field.name))

    @classmethod
    def of_stack(cls) -> Self:
        """The outputs of the project's stack of the same name as the running one."""
        reference = pulumi.StackReference(f"{pulumi.get_organization()}/{cls.PROJECT}/{pulumi.get_stack()}")
        return cls(**{field.name: reference.require_output(to_camel(field.name)) for field in fields(cls)})


type Out = pulumi.Output[Any]


@dataclass(frozen=True, kw_only=True)
class Foundation(Outputs):
    """Keys, artefacts, logs, alarms and the roles of CI."""

    PROJECT: ClassVar[str] = "penstock-foundation"

    data_key_arn: Out
    artifact_key_arn: Out
    artifact_bucket: Out
    log_bucket: Out
    alarm_topic_arn: Out
    permissions_boundary_arn: Out
    oidc_provider_arn: Out
    plan_role_arn: Out
    train_role_arn: Out
    deploy_role_arn: Out


@dataclass(frozen=True, kw_only=True)
class DataLake(Outputs):
    """The zones and their catalogue."""

    PROJECT: ClassVar[str] = "penstock-datalake"

    raw_bucket: Out
    clean_bucket: Out
    curated_bucket: Out
    glue_database: Out


@dataclass(frozen=True, kw_only=True)
class FeatureStore(Outputs):
    """Where feature groups keep their history, and the role that they write it with."""

    PROJECT: ClassVar[str] = "penstock-featurestore"

    offline_store_uri: Out
    feature_store_role_arn: Out


@dataclass(frozen=True, kw_only=True)
class Training(Outputs):
    """Roles and images of jobs and endpoints, and the rules that tell GitHub of approvals and drift."""

    PROJECT: ClassVar[str] = "penstock-training"

    training_role_arn: Out
    serving_role_arn: Out
    image_repository_url: Out
    approval_rule_arn: Out
    drift_rule_arn: Out
