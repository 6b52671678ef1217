"""Data capture of batch transform: manifests of what went in and what came out.

Developer guide, "Capture data from batch transform job": below ``input`` and ``output`` of the destination,
labelled by the hour of the start, lists of a prefix and of the objects below it, so that no data is copied.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from penstock_services.execution.transfer import TransferError, split
from penstock_services.sagemaker.jobs.transform.inputs import InputObject


def write(client: Any, record: dict[str, Any], objects: list[InputObject]) -> None:
    """Write both manifests for the objects that were transformed. Raises TransferError."""
    if not objects:
        return
    config = record["DataCaptureConfig"]
    bucket, prefix = split(config["DestinationS3Uri"])
    moment = datetime.fromtimestamp(record["TransformStartTime"], UTC)
    extra = {}
    if config.get("KmsKeyId"):
        extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": config["KmsKeyId"]}
    output = record["TransformOutput"]["S3OutputPath"].rstrip("/")
    first = objects[0]
    source = f"s3://{first.bucket}/{first.key.removesuffix(first.relative)}"
    manifests = {
        "input": [{"prefix": source}, *(each.relative for each in objects)],
        "output": [{"prefix": f"{output}/"}, *(f"{each.relative}.out" for each in objects)],
    }
    for side, manifest in manifests.items():
        parts = [prefix.rstrip("/"), side, f"{moment:%Y/%m/%d/%H}", f"{uuid.uuid4()}.json"]
        key = "/".join(part for part in parts if part)
        try:
            client.put_object(Bucket=bucket, Key=key, Body=json.dumps(manifest).encode(), **extra)
        except client.exceptions.ClientError as error:
            message = f"cannot write captured data to {config['DestinationS3Uri']}: {error}"
            raise TransferError(message) from error
