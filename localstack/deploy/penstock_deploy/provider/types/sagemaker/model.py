"""Models."""

from __future__ import annotations

from typing import ClassVar

from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.types.sagemaker.base import SageMakerType


@resource
class Model(SageMakerType):
    pulumi_type = "aws:sagemaker/model:Model"
    inputs = (
        "name executionRoleArn primaryContainer containers vpcConfig enableNetworkIsolation inferenceExecutionConfig"
    )
    required = "executionRoleArn"
    immutable = (
        "name executionRoleArn primaryContainer containers vpcConfig enableNetworkIsolation inferenceExecutionConfig"
    )
    named = "name"
    name_limit = 63
    renames: ClassVar[dict[str, str]] = {"name": "ModelName"}
    create_operation, read_operation, delete_operation = "CreateModel", "DescribeModel", "DeleteModel"
    arn_member = "ModelArn"
