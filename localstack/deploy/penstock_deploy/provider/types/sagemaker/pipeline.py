"""Pipelines, by their definition."""

from __future__ import annotations

import json
from typing import Any

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import absent
from penstock_deploy.provider.types.sagemaker.base import SageMakerType, says_missing
from penstock_deploy.values import Properties


@resource
class Pipeline(SageMakerType):
    pulumi_type = "aws:sagemaker/pipeline:Pipeline"
    inputs = (
        "pipelineName pipelineDisplayName pipelineDescription pipelineDefinition pipelineDefinitionS3Location roleArn "
        "parallelismConfiguration"
    )
    required = "pipelineName pipelineDisplayName"
    immutable = "pipelineName"
    documents = "pipelineDefinition"
    key = "pipelineName"
    create_operation, read_operation = "CreatePipeline", "DescribePipeline"
    update_operation, delete_operation = "UpdatePipeline", "DeletePipeline"
    arn_member = "PipelineArn"

    def request(self, aws: Aws, operation: str, inputs: Properties) -> dict[str, Any]:
        import uuid

        request = super().request(aws, operation, inputs)
        if operation in ("CreatePipeline", "DeletePipeline"):
            request["ClientRequestToken"] = uuid.uuid4().hex
        return request

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        import uuid

        from botocore.exceptions import ClientError

        request = {"PipelineName": id_, "ClientRequestToken": uuid.uuid4().hex}
        try:
            absent(lambda: aws.call("sagemaker", "DeletePipeline", request), *self.missing)
        except ClientError as error:
            if not says_missing(error):
                raise

    def check(self, inputs: Properties) -> list[tuple[str, str]]:
        text = inputs.get("pipelineDefinition")
        if text is None:
            return []
        try:
            json.loads(text)
        except ValueError as error:
            return [("pipelineDefinition", f"is not JSON: {error}")]
        return []
