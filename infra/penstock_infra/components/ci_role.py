"""The roles that GitHub's workflows take: plan, train and deploy."""

from __future__ import annotations

from enum import Enum

import pulumi
from pydantic import Field

from penstock_infra import grants
from penstock_infra.components.role import RoleArguments, RoleComponent
from penstock_infra.iam import Document, Statement
from penstock_infra.inputs import Text
from penstock_infra.oidc import WorkflowTrust
from penstock_infra.placement import Placement
from penstock_infra.registry import Registry


class Duty(Enum):
    """What a workflow does. A pull request plans, a merge trains, an approval deploys."""

    PLAN = "plan"
    TRAIN = "train"
    DEPLOY = "deploy"


class CiRoleArguments(RoleArguments):
    """A workflow's duty, who may take it on, and the platform's parts that it works on."""

    duty: Duty
    trust: WorkflowTrust
    provider_arn: Text
    artifact_bucket: Text
    key_arns: tuple[Text, ...] = Field(min_length=1, description="keys of the artifacts and the data")
    registry: Registry | None = Field(
        default=None, description="where models are registered, if in another stack than they are deployed to"
    )
    state_bucket: str = Field(default="", description="where the stacks' state is kept")
    state_key_arn: str = Field(default="", description="the key of the stacks' secrets")


class CiRole(RoleComponent):
    """A role for the workflows of one repository with one duty.

    - plan: reads what a preview needs to know, and nothing of the data;
    - train: also brings up feature groups, package group and pipeline, pushes images and starts the pipeline;
    - deploy: also records which version is live and replaces model, configuration and endpoint. It cannot approve one.

    Trust is in one repository and one environment (or pull requests), by both forms of GitHub's `sub` claim, the
    repository's id and the workflow's own file. Free.
    """

    TYPE = "penstock:delivery:CiRole"

    def __init__(self, name: str, args: CiRoleArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.make(
            name,
            args,
            purpose=(args.duty.value, args.trust.repository.name),
            trust=args.trust.document(args.provider_arn),
            may=Document.of(*statements(args)),
        )


def statements(args: CiRoleArguments) -> list[Statement]:
    """What the duty needs."""
    granted = [*_plan(args.placement), *_state(args)]
    if args.duty is Duty.TRAIN:
        granted += _train(args)
    if args.duty is Duty.DEPLOY:
        granted += [*_train(args), *_deploy(args)]
    return granted


def _plan(placement: Placement) -> list[Statement]:
    """Reading the state of a model's resources."""
    return [
        Statement(
            sid="DescribeModels",
            actions=grants.DESCRIBE_MODEL,
            resources=grants.sagemaker_resources(
                placement,
                "endpoint",
                "endpoint-config",
                "feature-group",
                "model",
                "model-package",
                "model-card",
                "model-package-group",
                "model-quality-job-definition",
                "monitoring-schedule",
                "pipeline",
                "processing-job",
                "training-job",
                "transform-job",
            ),
        ),
        grants.list_versions(),
        grants.describe_scaling(),
        Statement(
            sid="DescribeAlarms",
            actions=grants.READ_ALARMS,
            resources=(placement.arn("cloudwatch", "alarm:*"),),
        ),
        Statement(sid="ReadLiveVersions", actions=grants.READ_PARAMETERS, resources=_parameters(placement)),
    ]


def _state(args: CiRoleArguments) -> list[Statement]:
    """Reading the stacks' state, and writing it unless the duty is to plan."""
    found: list[Statement] = []
    writes = args.duty is not Duty.PLAN
    if args.state_bucket:
        found.append(grants.list_buckets("ListState", args.placement, args.state_bucket))
        grant = grants.write_objects if writes else grants.read_objects
        found.append(grant("UseState", args.placement, args.state_bucket))
        if writes:
            found.append(
                Statement(
                    sid="ReleaseStateLocks",
                    actions=("s3:DeleteObject",),
                    resources=(grants.objects(args.placement, args.state_bucket, ".pulumi/locks/"),),
                )
            )
    if args.state_key_arn:
        found.append(grants.use_keys("UseStateKey", args.state_key_arn, write=writes))
    return found


def _train(args: CiRoleArguments) -> list[Statement]:
    """Bringing up what training needs, and starting it."""
    placement = args.placement
    roles = tuple(
        placement.global_arn("iam", f"role/penstock-{placement.stack}-{purpose}-*")
        for purpose in ("training", "feature-store")
    )
    return [
        Statement(
            sid="BringUpTraining",
            actions=grants.TRAIN_MODEL,
            resources=grants.resources_of_models(
                placement, "feature-group", "model-card", "model-package-group", "pipeline"
            ),
        ),
        grants.pass_roles("PassTrainingRoles", "sagemaker.amazonaws.com", *roles),
        Statement(
            sid="KeepDriftAlarms",
            actions=grants.WRITE_ALARMS,
            resources=(placement.arn("cloudwatch", f"alarm:penstock-drift-*-{placement.stack}"),),
        ),
        grants.log_in_to_registry(),
        Statement(
            sid="PushImages",
            actions=(*grants.PULL_IMAGES, *grants.PUSH_IMAGES),
            resources=(placement.arn("ecr", f"repository/penstock-{placement.stack}-*"),),
        ),
        grants.list_buckets("ListArtifacts", placement, args.artifact_bucket),
        grants.read_objects("ReadArtifacts", placement, args.artifact_bucket),
        Statement(
            sid="ListLandedData",
            actions=grants.LIST_BUCKET,
            resources=(f"arn:{placement.partition}:s3:::penstock-{placement.stack}-raw-*",),
        ),
        grants.use_keys("UseKeys", *args.key_arns),
        grants.lend_keys("LendKeysToStoresAndDisks", *args.key_arns),
        grants.read_logs("ReadJobLogs", placement, "/aws/sagemaker/"),
    ]


def _deploy(args: CiRoleArguments) -> list[Statement]:
    """Replacing what is live."""
    placement = args.placement
    return [
        *(_registry(args.placement, args.registry) if args.registry else ()),
        Statement(
            sid="ReplaceEndpoints",
            actions=grants.DEPLOY_MODEL,
            resources=(
                *grants.resources_of_models(placement, "endpoint", "endpoint-config", "model"),
                *grants.sagemaker_resources(placement, "transform-job"),
            ),
        ),
        *_operate_endpoints(args),
        grants.pass_roles(
            "PassServingRole",
            "sagemaker.amazonaws.com",
            placement.global_arn("iam", f"role/penstock-{placement.stack}-serving-*"),
        ),
        Statement(sid="RecordLiveVersions", actions=grants.WRITE_PARAMETERS, resources=_parameters(placement)),
    ]


def _operate_endpoints(args: CiRoleArguments) -> list[Statement]:
    """What comes with an endpoint: alarms, scaling, topics, schedules; and asking it through S3."""
    placement = args.placement
    scaling = "sagemaker.application-autoscaling.amazonaws.com"
    return [
        Statement(
            sid="KeepEndpointAlarms",
            actions=(*grants.WRITE_ALARMS, "cloudwatch:DeleteAlarms"),
            resources=(placement.arn("cloudwatch", f"alarm:penstock-endpoint-*-{placement.stack}-*"),),
        ),
        Statement(
            sid="KeepMonitors",
            actions=grants.KEEP_MONITORS,
            resources=tuple(
                placement.arn("sagemaker", f"{kind}/penstock-{placement.stack}-model-quality-*")
                for kind in ("model-quality-job-definition", "monitoring-schedule")
            ),
        ),
        grants.pass_roles(
            "PassMonitoringRole",
            "sagemaker.amazonaws.com",
            placement.global_arn("iam", f"role/penstock-{placement.stack}-monitoring-*"),
        ),
        Statement(
            sid="KeepQualityAlarms",
            actions=(*grants.WRITE_ALARMS, "cloudwatch:DeleteAlarms"),
            resources=tuple(
                placement.arn("cloudwatch", f"alarm:penstock-{start}quality-*-{placement.stack}")
                for start in ("", "drift-")
            ),
        ),
        Statement(
            sid="ScaleEndpoints",
            actions=grants.SCALE_ENDPOINTS,
            resources=(placement.arn("application-autoscaling", "scalable-target/*"),),
        ),
        Statement(
            sid="LetAutoScalingWork",
            actions=("iam:CreateServiceLinkedRole",),
            resources=(
                placement.global_arn(
                    "iam",
                    f"role/aws-service-role/{scaling}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
                ),
            ),
            conditions={"StringEquals": {"iam:AWSServiceName": [scaling]}},
        ),
        Statement(
            sid="KeepAnswerTopics",
            actions=grants.KEEP_TOPICS,
            resources=(placement.arn("sns", f"penstock-{placement.stack}-async-*"),),
        ),
        Statement(
            sid="ScheduleTransforms",
            actions=grants.KEEP_SCHEDULES,
            resources=(placement.arn("scheduler", f"schedule/default/penstock-{placement.stack}-transform-*"),),
        ),
        grants.pass_roles(
            "PassScheduleRole",
            "scheduler.amazonaws.com",
            placement.global_arn("iam", f"role/penstock-{placement.stack}-transform-schedule-*"),
        ),
        Statement(
            sid="AskThroughObjects",
            actions=grants.WRITE_OBJECTS,
            resources=tuple(grants.objects(placement, args.artifact_bucket, folder) for folder in ("async/", "batch/")),
        ),
    ]


def _registry(placement: Placement, registry: Registry) -> list[Statement]:
    """Reading versions and artifacts where they were registered; approving them is for that stack's people."""
    found = pulumi.Output.concat(f"arn:{placement.partition}:sagemaker:{placement.region}:", registry.account, ":")
    return [
        Statement(
            sid="ReadRegistry",
            actions=grants.READ_REGISTRY,
            resources=tuple(
                pulumi.Output.concat(found, f"{kind}/*") for kind in ("model-package", "model-package-group")
            ),
        ),
        grants.list_buckets("ListRegisteredArtifacts", placement, registry.artifact_bucket),
        grants.read_objects("ReadRegisteredArtifacts", placement, registry.artifact_bucket),
        grants.use_keys("UseRegistryKey", registry.artifact_key_arn, write=False),
    ]


def _parameters(placement: Placement) -> tuple[str, ...]:
    """The parameters that say which version of each model is live."""
    return (
        placement.arn("ssm", f"parameter/penstock/{placement.stack}"),
        placement.arn("ssm", f"parameter/penstock/{placement.stack}/*"),
    )
