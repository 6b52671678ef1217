"""Pipelines as records: a definition given by its place in S3 is read when the pipeline is created or updated."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, check


@check("CreatePipeline", "UpdatePipeline")
def _definition(context: Context, request: dict[str, Any]) -> None:
    location = request.pop("PipelineDefinitionS3Location", None)
    if location is None:
        return
    if "PipelineDefinition" in request:
        message = "Only one of PipelineDefinition and PipelineDefinitionS3Location may be given."
        raise ServiceError("ValidationException", message)
    where = {"Bucket": location["Bucket"], "Key": location["ObjectKey"]}
    if "VersionId" in location:
        where["VersionId"] = location["VersionId"]
    try:
        body = context.client("s3").get_object(**where)["Body"].read()
        request["PipelineDefinition"] = body.decode()
    except (BotoCoreError, ClientError, UnicodeDecodeError) as error:
        message = f"Cannot read the pipeline definition s3://{where['Bucket']}/{where['Key']}: {error}"
        raise ServiceError("ValidationException", message) from None


@check("CreatePipeline")
def _required(_context: Context, request: dict[str, Any]) -> None:
    if "PipelineDefinition" not in request:
        message = "Either PipelineDefinition or PipelineDefinitionS3Location must be given."
        raise ServiceError("ValidationException", message)
