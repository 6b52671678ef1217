"""Calls of SageMaker's control plane from inside the gateway, whatever its model's version: JSON to the services process."""

from __future__ import annotations

import json
from typing import Any

import requests

from penstock_gateway import settings

TIMEOUT_SECONDS = 65.0


class CallError(Exception):
    """The answer was an error: AWS's code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status


def call(operation: str, request: dict[str, Any], account: str, region: str) -> dict[str, Any]:
    """Run `operation` for an account and region. Raises CallError; requests.RequestException without an answer."""
    credential = f"{account}/20000101/{region}/sagemaker/aws4_request"
    answer = requests.post(
        settings.from_environment().services_url + "/",
        data=json.dumps(request),
        headers={
            "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=internal",
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"SageMaker.{operation}",
        },
        timeout=TIMEOUT_SECONDS,
    )
    try:
        body = answer.json()
    except ValueError:
        body = {"__type": "InternalFailure", "message": answer.text[:500]}
    if answer.status_code >= 400:
        raise CallError(str(body.get("__type", "InternalFailure")), str(body.get("message", "")), answer.status_code)
    found: dict[str, Any] = body
    return found


def start_pipeline(arn: str, parameters: list[dict[str, str]], token: str) -> str:
    """StartPipelineExecution of the pipeline with this ARN, once for each `token`; the execution's ARN."""
    _, _, _, region, account, resource = arn.split(":", 5)
    request: dict[str, Any] = {"PipelineName": resource.partition("/")[2], "ClientRequestToken": token}
    if parameters:
        request["PipelineParameters"] = parameters
    return str(call("StartPipelineExecution", request, account, region)["PipelineExecutionArn"])
