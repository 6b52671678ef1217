"""Inputs and answers of asynchronous inference on S3."""

from __future__ import annotations

import time

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.execution.transfer import TransferError, split
from penstock_services.operations import Context
from penstock_services.sagemaker.endpoints.asynchronous.request import Answer, AsyncRequest, FailedError
from penstock_services.sagemaker.endpoints.metrics import METRICS, Source


def read(context: Context, source: Source, request: AsyncRequest) -> bytes | None:
    """What lies at InputLocation; None where the request carries its input. Raises FailedError."""
    if request.input_location is None:
        return None
    began = time.perf_counter()
    try:
        bucket, key = split(request.input_location)
        body: bytes = context.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except (BotoCoreError, ClientError, TransferError) as error:
        METRICS.add(context, source, "RequestDownloadFailures", 1, "Count")
        message = f"ClientError: cannot download InputLocation {request.input_location}: {error}"
        raise FailedError(message) from None
    METRICS.add(context, source, "RequestDownloadLatency", (time.perf_counter() - began) * 1e6, "Microseconds")
    return body


def write(context: Context, source: Source, request: AsyncRequest, location: str, answer: Answer) -> None:
    """Put an answer on S3, with the configuration's key. Raises FailedError."""
    key_id = request.output.get("KmsKeyId")
    extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}
    began = time.perf_counter()
    try:
        bucket, key = split(location)
        context.client("s3").put_object(
            Bucket=bucket, Key=key, Body=answer.body, ContentType=answer.content_type, **extra
        )
    except (BotoCoreError, ClientError, TransferError) as error:
        METRICS.add(context, source, "ResponseUploadFailures", 1, "Count")
        message = f"ClientError: cannot write to {location}: {error}"
        raise FailedError(message) from None
    METRICS.add(context, source, "ResponseUploadLatency", (time.perf_counter() - began) * 1e6, "Microseconds")
