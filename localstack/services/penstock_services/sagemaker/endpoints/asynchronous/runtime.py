"""InvokeEndpointAsync: ``POST /endpoints/{name}/async-invocations``.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html. A request is accepted at once (202) and waits in
the endpoint's queue (``backlog``); its answer goes to S3, a failure to ``S3FailurePath``, and SNS topics are told.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from penstock_services.operations import Context
from penstock_services.rest import endpoint as blocking
from penstock_services.rest import json_answer
from penstock_services.sagemaker.endpoints.asynchronous.backlog import enqueue
from penstock_services.sagemaker.endpoints.asynchronous.request import AsyncRequest
from penstock_services.sagemaker.endpoints.invocation import CUSTOM, INFERENCE_ID, found
from penstock_services.sagemaker.endpoints.routing import invalid

_PREFIX = "x-amzn-sagemaker-"
_INLINE = 128_000
_QUEUE_SECONDS, _TIMEOUT = 21_600, 900
_FILENAME = re.compile(r"(?!.*\..*\.)[a-zA-Z0-9][a-zA-Z0-9\-_.]{0,31}")
_EXTENSION = re.compile(r"(?!s3:|https:)[a-zA-Z0-9!_.*'()/-]{1,512}")


def _invoke(context: Context, request: Request, body: bytes) -> Response:
    name = request.path_params["name"]
    endpoint = found(context, name)
    config = endpoint.main.fleet.plan.asynchronous if endpoint.main is not None else None
    if config is None:
        raise invalid(f"Endpoint {name} is not asynchronous; use InvokeEndpoint.")
    headers = request.headers
    location = headers.get(_PREFIX + "inputlocation")
    if (location is None) == (not body):
        raise invalid("Exactly one of InputLocation and Body is needed.")
    if location is not None and not location.startswith("s3://"):
        raise invalid(f"InputLocation {location!r} is not an S3 URI; the local cloud reads s3://BUCKET/KEY.")
    if len(body) > _INLINE:
        raise invalid(f"The inline body has {len(body)} bytes; the limit is {_INLINE}. Use InputLocation.")
    output = _locations(config["OutputConfig"], headers)
    asked = AsyncRequest(
        identity=uuid.uuid4().hex,
        inference_id=headers.get(INFERENCE_ID) or str(uuid.uuid4()),
        received=time.time(),
        content_type=headers.get(_PREFIX + "content-type", "application/octet-stream"),
        accept=headers.get(_PREFIX + "accept", "*/*"),
        stated={each: headers[_PREFIX + each] for each in ("content-type", "accept") if _PREFIX + each in headers},
        custom=headers.get(CUSTOM),
        input_location=location,
        output_location=output["success"],
        failure_location=output.get("failure"),
        output=config["OutputConfig"],
        queue_seconds=_number(headers, "requestttlseconds", 60, _QUEUE_SECONDS, _QUEUE_SECONDS),
        invocation_seconds=_number(headers, "invocationtimeoutseconds", 1, 3600, _TIMEOUT),
        concurrency=config.get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance"),
    )
    enqueue(endpoint, asked, body)
    answered = {"X-Amzn-SageMaker-OutputLocation": asked.output_location}
    if asked.failure_location is not None:
        answered["X-Amzn-SageMaker-FailureLocation"] = asked.failure_location
    return json_answer({"InferenceId": asked.inference_id}, 202, answered)


def _locations(output: dict[str, Any], headers: Mapping[str, str]) -> dict[str, str]:
    """Where the answer goes, and where a failure would."""
    filename, extension = headers.get(_PREFIX + "filename"), headers.get(_PREFIX + "s3outputpathextension")
    if filename is not None and not _FILENAME.fullmatch(filename):
        raise invalid(f"Filename {filename!r} is no file name of at most 32 characters with at most one dot.")
    if extension is not None and not _EXTENSION.fullmatch(extension):
        raise invalid(f"S3OutputPathExtension {extension!r} has characters that it may not have.")
    folder = "/".join(part.strip("/") for part in ("", extension or "") if part)
    stem = str(uuid.uuid4())
    success = "/".join(each for each in (output["S3OutputPath"].rstrip("/"), folder, filename or f"{stem}.out") if each)
    locations = {"success": success}
    if output.get("S3FailurePath"):
        locations["failure"] = f"{output['S3FailurePath'].rstrip('/')}/{stem}-error.out"
    return locations


def _number(headers: Mapping[str, str], name: str, least: int, most: int, default: int) -> int:
    text = headers.get(_PREFIX + name)
    if text is None:
        return default
    if not text.isdigit() or not least <= int(text) <= most:
        raise invalid(f"{name} {text!r} is not between {least} and {most}.")
    return int(text)


invoke = blocking(_invoke)
