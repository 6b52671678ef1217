"""The permissions that the kit hands out, each as one statement on named resources.

`CEILING` is the union of their actions: the permission boundary allows that much and no more.
"""

from __future__ import annotations

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
RUN_JOBS = (
    "sagemaker:AddTags",
    "sagemaker:CreateModelPackage",
    "sagemaker:CreateProcessingJob",
    "sagemaker:CreateTrainingJob",
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
    "sagemaker:DescribePipeline",
    "sagemaker:DescribePipelineExecution",
    "sagemaker:DescribeProcessingJob",
    "sagemaker:DescribeTrainingJob",
    "sagemaker:ListPipelineExecutionSteps",
    "sagemaker:ListPipelineExecutions",
    "sagemaker:ListTags",
)
TRAIN_MODEL = (
    "sagemaker:AddTags",
    "sagemaker:CreateFeatureGroup",
    "sagemaker:CreateModelPackageGroup",
    "sagemaker:CreatePipeline",
    "sagemaker:DeleteTags",
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
    "sagemaker:DeleteEndpoint",
    "sagemaker:DeleteEndpointConfig",
    "sagemaker:DeleteModel",
    "sagemaker:DeleteTags",
    "sagemaker:InvokeEndpoint",
    "sagemaker:UpdateEndpoint",
)
READ_PARAMETERS = ("ssm:GetParameter", "ssm:GetParameterHistory", "ssm:GetParametersByPath")
WRITE_PARAMETERS = ("ssm:DeleteParameter", "ssm:PutParameter")
READ_ALARMS = ("cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource")
WRITE_ALARMS = ("cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource")
ANYWHERE = ("cloudwatch:PutMetricData", "ecr:GetAuthorizationToken", "sagemaker:ListModelPackages")
OTHERS = (
    "iam:PassRole",
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
            *RUN_JOBS,
            *DESCRIBE_MODEL,
            *TRAIN_MODEL,
            *DEPLOY_MODEL,
            *READ_PARAMETERS,
            *WRITE_PARAMETERS,
            *READ_ALARMS,
            *WRITE_ALARMS,
            *ANYWHERE,
            *OTHERS,
        }
    )
)
"""All actions that a role of the kit may ever hold."""


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


def pull_images(sid: str, repository_arn: Text) -> Statement:
    """Pulling images of one repository (logging in to the registry is `log_in_to_registry`)."""
    return Statement(sid=sid, actions=PULL_IMAGES, resources=(repository_arn,))


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


def pass_roles(sid: str, service: str, *role_arns: Text) -> Statement:
    """Handing these roles to one service."""
    return Statement(
        sid=sid,
        actions=("iam:PassRole",),
        resources=role_arns,
        conditions={"StringEquals": {"iam:PassedToService": [service]}},
    )


def sagemaker_resources(placement: Placement, *kinds: str) -> tuple[str, ...]:
    """ARN patterns of all resources of these kinds in the account and region."""
    return tuple(placement.arn("sagemaker", f"{kind}/*") for kind in kinds)


def _joined(*parts: Text) -> Text:
    """The parts as one text; an output as soon as one of them is."""
    if all(isinstance(part, str) for part in parts):
        return "".join(part for part in parts if isinstance(part, str))
    return pulumi.Output.concat(*parts)
