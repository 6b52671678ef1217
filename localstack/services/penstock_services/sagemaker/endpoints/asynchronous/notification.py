"""SNS notifications of asynchronous inference.

The message is AWS's InferenceResult event, version 1.0
(https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html); ``responseBody`` is in it where
``IncludeInferenceResponseIn`` names the topic and the answer has at most 128 KB (API_AsyncInferenceNotificationConfig).
"""

from __future__ import annotations

import base64
import json
import logging
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.operations import Context
from penstock_services.sagemaker.endpoints.asynchronous.request import Answer, AsyncRequest, FailedError

_LOG = logging.getLogger(__name__)
_MOST = 128 * 1024


def notify(context: Context, endpoint: str, request: AsyncRequest, answer: Answer | FailedError) -> bool:
    """Tell the topic of the outcome, if there is one; False where that failed."""
    config = request.output.get("NotificationConfig", {})
    failed = isinstance(answer, FailedError)
    topic = config.get("ErrorTopic" if failed else "SuccessTopic")
    if not topic:
        return True
    included = ("ERROR" if failed else "SUCCESS") + "_NOTIFICATION_TOPIC" in config.get(
        "IncludeInferenceResponseIn", []
    )
    text = json.dumps(message(context.scope.region, endpoint, request, answer, included=included))
    try:
        context.client("sns").publish(TopicArn=topic, Message=text)
    except (BotoCoreError, ClientError) as error:
        _LOG.warning("notification of %s to %s: %s", request.inference_id, topic, error)
        return False
    return True


def message(
    region: str, endpoint: str, request: AsyncRequest, answer: Answer | FailedError, *, included: bool
) -> dict[str, Any]:
    """The InferenceResult event of a request."""
    asked = {"endpointName": endpoint}
    named = {"content-type": "contentType", "accept": "accept"}
    asked.update({named[header]: value for header, value in request.stated.items()})
    if request.input_location is not None:
        asked["inputLocation"] = request.input_location
    event: dict[str, Any] = {
        "awsRegion": region,
        "eventTime": _time(datetime.now(UTC)),
        "receivedTime": _time(datetime.fromtimestamp(request.received, UTC)),
        "invocationStatus": "Failed" if isinstance(answer, FailedError) else "Completed",
        "requestParameters": asked,
        "inferenceId": request.inference_id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    if isinstance(answer, FailedError):
        event["failureReason"] = str(answer)
        if request.failure_location is not None:
            event["responseParameters"] = {"outputLocation": request.failure_location}
        answered = answer.answer
    else:
        answered = answer
        event["responseParameters"] = {
            "contentType": answered.content_type,
            "outputLocation": request.output_location,
        }
    if included and len(answered.body) <= _MOST:
        content = base64.b64encode(answered.body).decode()
        event["responseBody"] = {"content": content, "encoding": "BASE64"}
    return event


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
