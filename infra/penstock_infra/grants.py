"""The permissions that the kit hands out, each as one statement on named resources.

`CEILING` is the union of their actions: the permission boundary allows that much and no more.
"""

from __future__ import annotations

from collections.abc import Iterable

import pulumi

from penstock_infra.iam import Statement
from penstock_infra.inputs import Text
from penstock_infra.placement import Placement

READ_OBJECTS = ("s3:GetObject", "s3:GetObjectVersion")
WRITE_OBJECTS = ("s3:PutObject", "s3:AbortMultipartUpload")
LIST_BUCKET = ("s3:ListBucket", "s3:GetBucketLocation")
DECRYPT = ("kms:Decrypt", "kms:DescribeKey")
ENCRYPT = (
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
PULL_IMAGES = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
PUSH_IMAGES = (
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
WRITE_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
READ_LOGS = ("logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents")
FEATURE_RECORDS = (
    "sagemaker:BatchGetRecord",
    "sagemaker:BatchWriteRecord",
    "sagemaker:DescribeFeatureGroup",
    "sagemaker:GetRecord",
    "sagemaker:PutRecord",
)
CATALOGUE_TABLES = (
    "glue:CreateTable",
    "glue:GetDatabase",
    "glue:GetPartitions",
    "glue:GetTable",
    "glue:GetTables",
    "glue:UpdateTable",
)
READ_TABLES = ("glue:GetDatabase", "glue:GetPartitions", "glue:GetTable")
EVALUATE_RULES = (
    "glue:GetDataQualityRuleset",
    "glue:GetDataQualityRulesetEvaluationRun",
    "glue:StartDataQualityRulesetEvaluationRun",
)
CREATE_JOBS = ("sagemaker:CreateProcessingJob", "sagemaker:CreateTrainingJob")
RUN_JOBS = (
    "sagemaker:AddTags",
    "sagemaker:CreateModelPackage",
    "sagemaker:DescribeModelPackage",
    "sagemaker:DescribeModelPackageGroup",
    "sagemaker:DescribeProcessingJob",
    "sagemaker:DescribeTrainingJob",
    "sagemaker:ListTags",
    "sagemaker:StopProcessingJob",
    "sagemaker:StopTrainingJob",
)
DESCRIBE_MODEL = (
    "sagemaker:DescribeEndpoint",
    "sagemaker:DescribeEndpointConfig",
    "sagemaker:DescribeFeatureGroup",
    "sagemaker:DescribeModel",
    "sagemaker:DescribeModelPackage",
    "sagemaker:DescribeModelPackageGroup",
    "sagemaker:DescribeModelQualityJobDefinition",
    "sagemaker:DescribeMonitoringSchedule",
    "sagemaker:DescribePipeline",
    "sagemaker:DescribePipelineExecution",
    "sagemaker:DescribeModelCard",
    "sagemaker:DescribeProcessingJob",
    "sagemaker:DescribeTrainingJob",
    "sagemaker:DescribeTransformJob",
    "sagemaker:GetModelPackageGroupPolicy",
    "sagemaker:ListPipelineExecutionSteps",
    "sagemaker:ListPipelineExecutions",
    "sagemaker:ListTags",
)
READ_REGISTRY = (
    "sagemaker:DescribeModelPackage",
    "sagemaker:DescribeModelPackageGroup",
    "sagemaker:ListTags",
)
KEEP_CARDS = (
    "sagemaker:CreateModelCard",
    "sagemaker:DeleteModelCard",
    "sagemaker:DescribeModelCard",
    "sagemaker:UpdateModelCard",
)
SHARE_VERSIONS = (
    "sagemaker:DeleteModelPackageGroupPolicy",
    "sagemaker:GetModelPackageGroupPolicy",
    "sagemaker:PutModelPackageGroupPolicy",
)
TRAIN_MODEL = (
    "sagemaker:AddTags",
    "sagemaker:CreateFeatureGroup",
    "sagemaker:CreateModelPackageGroup",
    "sagemaker:CreatePipeline",
    "sagemaker:DeleteTags",
    *KEEP_CARDS,
    *SHARE_VERSIONS,
    "sagemaker:StartPipelineExecution",
    "sagemaker:StopPipelineExecution",
    "sagemaker:UpdateFeatureGroup",
    "sagemaker:UpdatePipeline",
)
DEPLOY_MODEL = (
    "sagemaker:AddTags",
    "sagemaker:CreateEndpoint",
    "sagemaker:CreateEndpointConfig",
    "sagemaker:CreateModel",
    "sagemaker:CreateTransformJob",
    "sagemaker:DeleteEndpoint",
    "sagemaker:DeleteEndpointConfig",
    "sagemaker:DeleteModel",
    "sagemaker:DeleteTags",
    "sagemaker:InvokeEndpoint",
    "sagemaker:InvokeEndpointAsync",
    "sagemaker:StopTransformJob",
    "sagemaker:UpdateEndpoint",
    "sagemaker:UpdateEndpointWeightsAndCapacities",
)
SCALE_ENDPOINTS = (
    "application-autoscaling:DeleteScalingPolicy",
    "application-autoscaling:DeleteScheduledAction",
    "application-autoscaling:DeregisterScalableTarget",
    "application-autoscaling:ListTagsForResource",
    "application-autoscaling:PutScalingPolicy",
    "application-autoscaling:PutScheduledAction",
    "application-autoscaling:RegisterScalableTarget",
    "application-autoscaling:TagResource",
    "application-autoscaling:UntagResource",
)
DESCRIBE_SCALING = (
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions",
)
KEEP_MONITORS = (
    "sagemaker:AddTags",
    "sagemaker:CreateModelQualityJobDefinition",
    "sagemaker:CreateMonitoringSchedule",
    "sagemaker:DeleteModelQualityJobDefinition",
    "sagemaker:DeleteMonitoringSchedule",
    "sagemaker:DeleteTags",
    "sagemaker:UpdateMonitoringSchedule",
)
START_TRANSFORMS = ("sagemaker:AddTags", "sagemaker:CreateTransformJob")
KEEP_SCHEDULES = (
    "scheduler:CreateSchedule",
    "scheduler:DeleteSchedule",
    "scheduler:GetSchedule",
    "scheduler:UpdateSchedule",
)
KEEP_TOPICS = (
    "sns:CreateTopic",
    "sns:DeleteTopic",
    "sns:GetTopicAttributes",
    "sns:ListTagsForResource",
    "sns:SetTopicAttributes",
    "sns:TagResource",
    "sns:UntagResource",
)
READ_PARAMETERS = ("ssm:GetParameter", "ssm:GetParameterHistory", "ssm:GetParametersByPath")
WRITE_PARAMETERS = ("ssm:DeleteParameter", "ssm:PutParameter")
READ_ALARMS = ("cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource")
WRITE_ALARMS = ("cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource")
OPERATE = (
    "application-autoscaling:DeregisterScalableTarget",
    "application-autoscaling:DescribeScalableTargets",
    "cloudwatch:GetMetricStatistics",
    "lambda:InvokeFunction",
    "sagemaker:ListEndpoints",
    "sns:Publish",
    "sqs:SendMessage",
)
"""What the functions of the operations project and their schedules do besides."""
LOG_EXPERIMENTS = (
    "sagemaker-mlflow:CreateExperiment",
    "sagemaker-mlflow:CreateRun",
    "sagemaker-mlflow:GetExperiment",
    "sagemaker-mlflow:GetExperimentByName",
    "sagemaker-mlflow:GetMetricHistory",
    "sagemaker-mlflow:GetRun",
    "sagemaker-mlflow:ListArtifacts",
    "sagemaker-mlflow:LogBatch",
    "sagemaker-mlflow:LogInputs",
    "sagemaker-mlflow:LogMetric",
    "sagemaker-mlflow:LogModel",
    "sagemaker-mlflow:LogParam",
    "sagemaker-mlflow:SearchExperiments",
    "sagemaker-mlflow:SearchRuns",
    "sagemaker-mlflow:SetExperimentTag",
    "sagemaker-mlflow:SetTag",
    "sagemaker-mlflow:UpdateRun",
)
"""Writing runs to an MLflow server and reading them; deleting nothing."""
CALL_TRACKING = ("sagemaker:CallMlflowAppApi", "sagemaker:DescribeMlflowApp", "sagemaker:DescribeMlflowTrackingServer")
"""What an app wants besides: one action for the whole of its API."""
OPEN_TRACKING = (
    "sagemaker-mlflow:AccessUI",
    "sagemaker:CreatePresignedMlflowAppUrl",
    "sagemaker:CreatePresignedMlflowTrackingServerUrl",
)
USE_STUDIO = (
    "sagemaker:CreateApp",
    "sagemaker:CreateSpace",
    "sagemaker:DeleteApp",
    "sagemaker:DeleteSpace",
    "sagemaker:DescribeApp",
    "sagemaker:DescribeDomain",
    "sagemaker:DescribeSpace",
    "sagemaker:DescribeUserProfile",
    "sagemaker:UpdateSpace",
)
LIST_STUDIO = (
    "sagemaker:ListApps",
    "sagemaker:ListDomains",
    "sagemaker:ListMlflowApps",
    "sagemaker:ListMlflowTrackingServers",
    "sagemaker:ListSpaces",
    "sagemaker:ListUserProfiles",
)
JOIN_NETWORK = (
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
)
DESCRIBE_NETWORK = (
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)
ANYWHERE = ("cloudwatch:PutMetricData", "ecr:GetAuthorizationToken", "sagemaker:ListModelPackages")
OTHERS = (
    "cloudwatch:DeleteAlarms",
    "iam:CreateServiceLinkedRole",
    "iam:PassRole",
    "sns:Publish",
    "kms:CreateGrant",
    "events:InvokeApiDestination",
    "s3:GetBucketAcl",
    "s3:PutObjectAcl",
    "s3:DeleteObject",
)

CEILING = tuple(
    sorted(
        {
            *READ_OBJECTS,
            *WRITE_OBJECTS,
            *LIST_BUCKET,
            *DECRYPT,
            *ENCRYPT,
            *PULL_IMAGES,
            *PUSH_IMAGES,
            *WRITE_LOGS,
            *READ_LOGS,
            *FEATURE_RECORDS,
            *CATALOGUE_TABLES,
            *READ_TABLES,
            *EVALUATE_RULES,
            *CREATE_JOBS,
            *RUN_JOBS,
            *DESCRIBE_MODEL,
            *TRAIN_MODEL,
            *DEPLOY_MODEL,
            *SCALE_ENDPOINTS,
            *DESCRIBE_SCALING,
            *KEEP_MONITORS,
            *START_TRANSFORMS,
            *KEEP_SCHEDULES,
            *KEEP_TOPICS,
            *READ_PARAMETERS,
            *WRITE_PARAMETERS,
            *READ_ALARMS,
            *WRITE_ALARMS,
            *OPERATE,
            *LOG_EXPERIMENTS,
            *CALL_TRACKING,
            *OPEN_TRACKING,
            *USE_STUDIO,
            *LIST_STUDIO,
            *JOIN_NETWORK,
            *DESCRIBE_NETWORK,
            *ANYWHERE,
            *OTHERS,
        }
    )
)
"""All actions that a role of the kit may ever hold."""


def others(placement: Placement, accounts: Iterable[str]) -> list[Text]:
    """Those of the accounts that are not the placement's own, as principals: what a role there may do its own policies say."""
    return [f"arn:{placement.partition}:iam::{account}:root" for account in sorted({*accounts} - {placement.account})]


def bucket_arn(placement: Placement, bucket: Text) -> Text:
    """The ARN of a bucket by its name."""
    return _joined(f"arn:{placement.partition}:s3:::", bucket)


def objects(placement: Placement, bucket: Text, prefix: str = "") -> Text:
    """The ARN pattern of a bucket's objects below a prefix."""
    return _joined(f"arn:{placement.partition}:s3:::", bucket, f"/{prefix}*")


def list_buckets(sid: str, placement: Placement, *buckets: Text) -> Statement:
    """Listing what is in the buckets."""
    return Statement(sid=sid, actions=LIST_BUCKET, resources=tuple(bucket_arn(placement, name) for name in buckets))


def read_objects(sid: str, placement: Placement, *buckets: Text) -> Statement:
    """Reading the buckets' objects."""
    return Statement(sid=sid, actions=READ_OBJECTS, resources=tuple(objects(placement, name) for name in buckets))


def write_objects(sid: str, placement: Placement, *buckets: Text) -> Statement:
    """Reading and writing the buckets' objects; not deleting them."""
    return Statement(
        sid=sid,
        actions=(*READ_OBJECTS, *WRITE_OBJECTS),
        resources=tuple(objects(placement, name) for name in buckets),
    )


def use_keys(sid: str, *key_arns: Text, write: bool = True) -> Statement:
    """Decrypting with the keys, and encrypting when `write`."""
    return Statement(sid=sid, actions=(*DECRYPT, *(ENCRYPT if write else ())), resources=key_arns)


def lend_keys(sid: str, *key_arns: Text) -> Statement:
    """Letting AWS services encrypt with the keys on the role's behalf: disks of jobs and endpoints, the online store."""
    return Statement(
        sid=sid,
        actions=("kms:CreateGrant",),
        resources=key_arns,
        conditions={"Bool": {"kms:GrantIsForAWSResource": ["true"]}},
    )


def pull_images(sid: str, *repository_arns: Text) -> Statement:
    """Pulling images of these repositories (logging in to the registry is `log_in_to_registry`)."""
    return Statement(sid=sid, actions=PULL_IMAGES, resources=repository_arns)


def image_repository(placement: Placement, account: Text, stack: Text) -> Text:
    """The ARN of a stack's repository of images, in whichever account it is."""
    region = f"arn:{placement.partition}:ecr:{placement.region}:"
    return _joined(region, account, ":repository/penstock-", stack, "-models")


def log_in_to_registry() -> Statement:
    """A token for the account's registry: AWS knows no narrower resource."""
    return Statement(sid="AnyResourceRegistryTokensHaveNoArn", actions=("ecr:GetAuthorizationToken",), resources=("*",))


def put_metrics(*namespaces: str) -> Statement:
    """Writing metrics, in these namespaces only: metrics have no ARN."""
    return Statement(
        sid="AnyResourceMetricsHaveNoArn",
        actions=("cloudwatch:PutMetricData",),
        resources=("*",),
        conditions={"StringEquals": {"cloudwatch:namespace": list(namespaces)}},
    )


def describe_scaling() -> Statement:
    """Describing auto scaling: AWS knows no resource for it."""
    return Statement(sid="AnyResourceScalingHasNoArnToRead", actions=DESCRIBE_SCALING, resources=("*",))


def list_versions() -> Statement:
    """Listing model packages: AWS knows no resource for it."""
    return Statement(
        sid="AnyResourceListingPackagesHasNoArn", actions=("sagemaker:ListModelPackages",), resources=("*",)
    )


def write_logs(sid: str, placement: Placement, group: str) -> Statement:
    """Writing the log groups whose names start with `group`."""
    return Statement(sid=sid, actions=WRITE_LOGS, resources=(placement.arn("logs", f"log-group:{group}*"),))


def read_logs(sid: str, placement: Placement, group: str) -> Statement:
    """Reading the log groups whose names start with `group`."""
    return Statement(sid=sid, actions=READ_LOGS, resources=(placement.arn("logs", f"log-group:{group}*"),))


def publish(sid: str, topic_arn: Text) -> Statement:
    """Telling one topic. An encrypted one needs `use_keys` of its key as well."""
    return Statement(sid=sid, actions=("sns:Publish",), resources=(topic_arn,))


def find_endpoints(placement: Placement) -> tuple[Statement, ...]:
    """Listing the account's endpoints, and reading what they are and whose."""
    return (
        Statement(sid="AnyResourceListingEndpointsHasNoArn", actions=("sagemaker:ListEndpoints",), resources=("*",)),
        Statement(
            sid="ReadEndpoints",
            actions=("sagemaker:DescribeEndpoint", "sagemaker:ListTags"),
            resources=sagemaker_resources(placement, "endpoint"),
        ),
    )


def delete_endpoints(sid: str, placement: Placement, *stacks: str) -> Statement:
    """Deleting the endpoints that Penstock made in these stacks: their tags decide."""
    return Statement(
        sid=sid,
        actions=("sagemaker:DeleteEndpoint",),
        resources=sagemaker_resources(placement, "endpoint"),
        conditions={
            "StringEquals": {
                "aws:ResourceTag/ManagedBy": ["penstock"],
                "aws:ResourceTag/Environment": list(stacks),
            }
        },
    )


def pass_roles(sid: str, service: str, *role_arns: Text) -> Statement:
    """Handing these roles to one service."""
    return Statement(
        sid=sid,
        actions=("iam:PassRole",),
        resources=role_arns,
        conditions={"StringEquals": {"iam:PassedToService": [service]}},
    )


def log_experiments(sid: str, tracking_arn: Text) -> Statement:
    """Logging runs to an MLflow server or app.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerwithmlflow.html
    """
    return Statement(sid=sid, actions=(*LOG_EXPERIMENTS, *CALL_TRACKING), resources=(tracking_arn,))


def open_tracking(sid: str, tracking_arn: Text) -> Statement:
    """Opening MLflow's own pages."""
    return Statement(sid=sid, actions=OPEN_TRACKING, resources=(tracking_arn,))


_NAMES_OF_MODELS = {
    "endpoint": ("", "-*"),
    "endpoint-config": ("-*",),
    "feature-group": ("-*",),
    "model": ("-*",),
    "model-card": ("",),
    "model-package": ("/*",),
    "model-package-group": ("",),
    "pipeline": ("", "-*", "/*"),
}
"""How names of these kinds, or what is below them, go on after the model's name in the stack."""


def sagemaker_resources(placement: Placement, *kinds: str) -> tuple[str, ...]:
    """ARN patterns of all resources of these kinds in the account and region."""
    return tuple(placement.arn("sagemaker", f"{kind}/*") for kind in kinds)


def resources_of_models(placement: Placement, *kinds: str) -> tuple[str, ...]:
    """ARN patterns of what these kinds hold of the stack's own models (see `Placement.model_name`).

    So the roles of one stack change nothing of another one in the same account and region.
    """
    return tuple(
        placement.arn("sagemaker", f"{kind}/*-{placement.stack}{end}")
        for kind in kinds
        for end in _NAMES_OF_MODELS[kind]
    )


def _joined(*parts: Text) -> Text:
    """The parts as one text; an output as soon as one of them is."""
    if all(isinstance(part, str) for part in parts):
        return "".join(part for part in parts if isinstance(part, str))
    return pulumi.Output.concat(*parts)
