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
    def of_stack(cls, stack: str = "") -> Self:
        """The outputs of one of the project's stacks: by default of the one that is called as the running one is.

        Another one may be in another account or region: its outputs come from the state, which all stacks share.
        """
        reference = pulumi.StackReference(f"{pulumi.get_organization()}/{cls.PROJECT}/{stack or pulumi.get_stack()}")
        return cls(**{field.name: reference.require_output(to_camel(field.name)) for field in fields(cls)})


type Out = pulumi.Output[Any]


@dataclass(frozen=True, kw_only=True)
class Foundation(Outputs):
    """Keys, artefacts, logs, alarms, the network and the roles of CI; and where models are registered for this stack.

    Without a network, `vpc_id` and `security_group_id` are empty and `private_subnet_ids` is an empty list. `ci_role_arns` maps
    each repository (`owner/name`) to the roles that the stack has for it; the three single ones are the primary
    repository's, empty where the stack has none.
    """

    PROJECT: ClassVar[str] = "penstock-foundation"

    account: Out
    region: Out
    data_key_arn: Out
    artifact_key_arn: Out
    message_key_arn: Out
    artifact_bucket: Out
    log_bucket: Out
    alarm_topic_arn: Out
    cost_topic_arn: Out
    permissions_boundary_arn: Out
    oidc_provider_arn: Out
    plan_role_arn: Out
    train_role_arn: Out
    deploy_role_arn: Out
    ci_role_arns: Out
    registry_stack: Out
    registry_account: Out
    registry_bucket: Out
    registry_key_arn: Out
    vpc_id: Out
    private_subnet_ids: Out
    security_group_id: Out


@dataclass(frozen=True, kw_only=True)
class DataLake(Outputs):
    """The zones and their catalogue."""

    PROJECT: ClassVar[str] = "penstock-datalake"

    raw_bucket: Out
    clean_bucket: Out
    curated_bucket: Out
    glue_database: Out
    query_workgroup: Out
    query_results_bucket: Out
    landing_queue_url: Out


@dataclass(frozen=True, kw_only=True)
class FeatureStore(Outputs):
    """Where feature groups keep their history, and the role that they write it with."""

    PROJECT: ClassVar[str] = "penstock-featurestore"

    offline_store_uri: Out
    feature_store_role_arn: Out


@dataclass(frozen=True, kw_only=True)
class Training(Outputs):
    """Roles and images of jobs and endpoints, experiment tracking, Studio and Spark, and the rules that tell GitHub.

    What is switched off is empty.
    """

    PROJECT: ClassVar[str] = "penstock-training"

    training_role_arn: Out
    serving_role_arn: Out
    monitoring_role_arn: Out
    transform_schedule_role_arn: Out
    image_repository_url: Out
    tracking_server_arn: Out
    job_subnet_ids: Out
    job_security_group_id: Out
    studio_domain_id: Out
    spark_application_id: Out
    spark_role_arn: Out
    approval_rule_arn: Out
    drift_rule_arn: Out


@dataclass(frozen=True, kw_only=True)
class Operations(Outputs):
    """Where the stack as a whole is seen."""

    PROJECT: ClassVar[str] = "penstock-operations"

    operations_dashboard: Out
