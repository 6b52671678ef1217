"""Groups of model packages and their resource policies."""

from __future__ import annotations

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType
from penstock_deploy.provider.types.sagemaker.base import SageMakerType, says_missing
from penstock_deploy.values import Properties


@resource
class ModelPackageGroup(SageMakerType):
    pulumi_type = "aws:sagemaker/modelPackageGroup:ModelPackageGroup"
    inputs = "modelPackageGroupName modelPackageGroupDescription"
    required = "modelPackageGroupName"
    immutable = "modelPackageGroupName modelPackageGroupDescription"
    key = "modelPackageGroupName"
    create_operation, read_operation = "CreateModelPackageGroup", "DescribeModelPackageGroup"
    delete_operation = "DeleteModelPackageGroup"
    arn_member = "ModelPackageGroupArn"


@resource
class ModelPackageGroupPolicy(ResourceType):
    pulumi_type = "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy"
    inputs = "modelPackageGroupName resourcePolicy"
    required = "modelPackageGroupName resourcePolicy"
    immutable = "modelPackageGroupName"
    policies = "resourcePolicy"

    def create(self, aws: Aws, inputs: Properties) -> str:
        aws.client("sagemaker").put_model_package_group_policy(
            ModelPackageGroupName=inputs["modelPackageGroupName"], ResourcePolicy=inputs["resourcePolicy"]
        )
        return str(inputs["modelPackageGroupName"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        from botocore.exceptions import ClientError

        try:
            found = aws.client("sagemaker").get_model_package_group_policy(ModelPackageGroupName=id_)
        except ClientError as error:
            if says_missing(error):
                return None
            raise
        return {"modelPackageGroupName": id_, "resourcePolicy": found["ResourcePolicy"], "region": aws.region}

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        self.create(aws, inputs)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        from botocore.exceptions import ClientError

        try:
            aws.client("sagemaker").delete_model_package_group_policy(ModelPackageGroupName=id_)
        except ClientError as error:
            if not says_missing(error):
                raise

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["modelPackageGroupName"])
