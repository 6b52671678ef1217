"""The role of pipelines and of the jobs that they start."""

from __future__ import annotations

import pulumi
from pydantic import Field

from penstock_infra import grants, isolation, limits, naming
from penstock_infra.components.role import RoleArguments, RoleComponent
from penstock_infra.iam import Document, Statement, service_trust
from penstock_infra.inputs import Text
from penstock_infra.isolation import Network
from penstock_infra.limits import JobLimits

METRIC_NAMESPACES = ("Penstock/Drift", "/aws/sagemaker/ProcessingJobs", "/aws/sagemaker/TrainingJobs")


class TrainingRoleArguments(RoleArguments):
    """What jobs read and write, and what they may ask for."""

    raw_bucket: Text
    written_buckets: tuple[Text, ...] = Field(min_length=1, description="clean, curated and artifacts")
    offline_store_bucket: Text
    image_repository_arn: Text
    key_arns: tuple[Text, ...] = Field(min_length=1)
    tracking_arn: Text | None = Field(default=None, description="the MLflow server or app, if there is one")
    limits: JobLimits = Field(default_factory=JobLimits)
    network: Network | None = Field(default=None, description="where jobs must run; anywhere if none")


class TrainingRole(RoleComponent):
    """The role with which SageMaker runs pipelines and their jobs, within the limits and the network. Free; the jobs are not."""

    TYPE = "penstock:training:TrainingRole"

    def __init__(self, name: str, args: TrainingRoleArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.make(
            name,
            args,
            purpose=("training",),
            trust=service_trust("sagemaker.amazonaws.com", account=args.placement.account),
            may=permissions(args),
        )


def permissions(args: TrainingRoleArguments) -> Document:
    """Reading raw data, writing everything that is made of it, running jobs and registering their models."""
    placement = args.placement
    own_arn = placement.global_arn("iam", f"role/{placement.name(naming.ROLE, 'training')}")
    return Document.of(
        grants.list_buckets("FindData", placement, args.raw_bucket, *args.written_buckets, args.offline_store_bucket),
        grants.read_objects("ReadData", placement, args.raw_bucket, args.offline_store_bucket),
        grants.write_objects("WriteData", placement, *args.written_buckets),
        grants.use_keys("UseKeys", *args.key_arns),
        grants.lend_keys("LendKeysToDisks", *args.key_arns),
        Statement(
            sid="ReadAndWriteFeatures",
            actions=grants.FEATURE_RECORDS,
            resources=grants.resources_of_models(placement, "feature-group"),
        ),
        Statement(
            sid="StartJobs",
            actions=grants.CREATE_JOBS,
            resources=grants.sagemaker_resources(placement, "processing-job", "training-job"),
            conditions=limits.together(args.limits.conditions(), isolation.inside(args.network)),
        ),
        Statement(
            sid="RunJobs",
            actions=grants.RUN_JOBS,
            resources=(
                *grants.resources_of_models(placement, "model-package", "model-package-group"),
                *grants.sagemaker_resources(placement, "processing-job", "training-job"),
            ),
        ),
        grants.list_versions(),
        grants.pass_roles("PassItselfToJobs", "sagemaker.amazonaws.com", own_arn),
        grants.pull_images("PullImages", args.image_repository_arn),
        grants.log_in_to_registry(),
        grants.write_logs("WriteJobLogs", placement, "/aws/sagemaker/"),
        grants.put_metrics(*METRIC_NAMESPACES),
        *isolation.joining(placement, args.network),
        *([] if args.tracking_arn is None else [grants.log_experiments("LogExperiments", args.tracking_arn)]),
    )
