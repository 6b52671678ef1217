"""What EventBridge Scheduler invokes: templated targets by their ARN, universal targets by service and action.

(EventBridge Scheduler user guide: "Managing targets", "Using universal targets", "Adding context attributes",
"Configuring a schedule's dead-letter queue".) A target that could not be invoked here is refused when the schedule is
made.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
from botocore.exceptions import BotoCoreError, ClientError
from localstack.aws.connect import connect_to
from localstack.aws.spec import load_service
from localstack.services.plugins import SERVICE_PLUGINS
from localstack.utils.aws.arns import sqs_queue_url_for_arn

from penstock_gateway.events.retries import Failure, RetryPolicy, deliver
from penstock_gateway.sagemaker import control_plane
from penstock_gateway.schedules.clock import Planned

LOG = logging.getLogger(__name__)

UNIVERSAL = re.compile(r"arn:aws[a-z-]*:scheduler:::aws-sdk:([A-Za-z0-9]+):([A-Za-z0-9]+)")
READ_ONLY = re.compile(
    "get|describe|list|poll|receive|search|scan|query|select|read|lookup|discover|validate|batchGet|batchDescribe"
    "|batchRead|transactGet|adminGet|adminList|testMigration|retrieve|testConnection|translateDocument|isAuthorized"
    "|invokeModel"
)
"""Beginnings of the actions that AWS refuses as universal targets."""


@dataclass(frozen=True)
class Invocation:
    """One attempt: where, with what, and for whom."""

    schedule: Planned
    target: dict[str, Any]
    payload: str
    token: str

    @property
    def arn(self) -> list[str]:
        """The parts of the target's ARN."""
        return str(self.target["Arn"]).split(":", 5)

    def client(self, service: str) -> Any:
        """A client of the target's service, in its account and region (of a universal target: the schedule's)."""
        own = self.schedule.arn.split(":", 5)
        region, account = self.arn[3] or own[3], self.arn[4] or own[4]
        return connect_to(aws_access_key_id=account, region_name=region).get_client(service)


def _sqs(invocation: Invocation) -> None:
    group = (invocation.target.get("SqsParameters") or {}).get("MessageGroupId")
    invocation.client("sqs").send_message(
        QueueUrl=sqs_queue_url_for_arn(invocation.target["Arn"]),
        MessageBody=invocation.payload,
        **({"MessageGroupId": group} if group else {}),
    )


def _sns(invocation: Invocation) -> None:
    invocation.client("sns").publish(TopicArn=invocation.target["Arn"], Message=invocation.payload)


def _lambda(invocation: Invocation) -> None:
    invocation.client("lambda").invoke(
        FunctionName=invocation.target["Arn"], InvocationType="Event", Payload=invocation.payload.encode()
    )


def _states(invocation: Invocation) -> None:
    invocation.client("stepfunctions").start_execution(
        stateMachineArn=invocation.target["Arn"], input=invocation.payload
    )


def _events(invocation: Invocation) -> None:
    parameters = invocation.target.get("EventBridgeParameters") or {}
    entry = {
        "EventBusName": invocation.target["Arn"],
        "Source": parameters.get("Source", "aws.scheduler"),
        "DetailType": parameters.get("DetailType", "Scheduled Event"),
        "Detail": invocation.payload,
        "Resources": [invocation.schedule.arn],
    }
    answer = invocation.client("events").put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        refused = answer["Entries"][0]
        error = {"Code": refused.get("ErrorCode", ""), "Message": refused.get("ErrorMessage", "")}
        raise ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}, "PutEvents")


def _firehose(invocation: Invocation) -> None:
    name = invocation.target["Arn"].rpartition("/")[2]
    invocation.client("firehose").put_record(DeliveryStreamName=name, Record={"Data": invocation.payload.encode()})


def _pipeline(invocation: Invocation) -> None:
    given = (invocation.target.get("SageMakerPipelineParameters") or {}).get("PipelineParameterList") or []
    control_plane.start_pipeline(invocation.target["Arn"], given, invocation.token)


TEMPLATED: dict[str, tuple[str, Callable[[Invocation], None]]] = {
    "sqs": ("", _sqs),
    "sns": ("", _sns),
    "lambda": ("function:", _lambda),
    "states": ("stateMachine:", _states),
    "events": ("event-bus/", _events),
    "firehose": ("deliverystream/", _firehose),
    "sagemaker": ("pipeline/", _pipeline),
}
"""Services of templated targets: how the resource in the ARN begins, and what invokes it."""


def _universal(invocation: Invocation) -> None:
    found = UNIVERSAL.fullmatch(invocation.target["Arn"])
    assert found
    service, action = found.groups()
    request = json.loads(invocation.payload or "{}")
    if service.lower() == "sagemaker":
        own = invocation.schedule.arn.split(":", 5)
        control_plane.call(action[0].upper() + action[1:], request, own[4], own[3])
        return
    api = client_name(service) or service
    invocation.client(api)._make_api_call(operation_name(api, action), request)


SDK_NAMES = {
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "costexplorer": "ce",
    "eventbridge": "events",
    "sfn": "stepfunctions",
}
"""AWS SDK service identifiers that are not the API's own name without its dashes."""


def client_name(service: str) -> str | None:
    """The API of an AWS SDK service identifier ("sfn", "emrserverless"); None where the local cloud does not have it."""
    wanted = service.lower()
    available = SERVICE_PLUGINS.list_available()
    if wanted in SDK_NAMES:
        return SDK_NAMES[wanted] if SDK_NAMES[wanted] in available else None
    return next((name for name in available if name.replace("-", "") == wanted), None)


def operation_name(api: str, action: str) -> str | None:
    """The operation that a universal target's action names, which begins with a small letter."""
    names = load_service(api).operation_names
    return next((name for name in names if name.lower() == action.lower()), None)


def unsupported(arn: str) -> str | None:
    """Why a target cannot be invoked here; None if it can."""
    parts = arn.split(":", 5)
    if found := UNIVERSAL.fullmatch(arn):
        service, action = found.groups()
        if service.lower() == "sagemaker":
            return None
        api = client_name(service)
        if api is None:
            return f"the service {service} of the universal target"
        return None if operation_name(api, action) else f"the action {action} of the universal target"
    prefix, _ = TEMPLATED.get(parts[2], (None, None))
    if prefix is None or not parts[5].startswith(prefix):
        return f"a target of {parts[2]} ({parts[5].split('/')[0].split(':')[0]})"
    return None


class Invoker:
    """Invokes the targets of schedules in the background, as often as their retry policies allow."""

    def __init__(self, threads: int = 16) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="schedule-target")

    def fire(self, schedule: Planned, due: float) -> None:
        """Invoke the target of `schedule` for the time `due`; returns at once."""
        self._pool.submit(self._invoke, schedule, due)

    def _invoke(self, schedule: Planned, due: float) -> None:
        try:
            self._deliver(schedule, due)
        except Exception:
            LOG.exception("the target of schedule %s was not invoked", schedule.arn)

    def _deliver(self, schedule: Planned, due: float) -> None:
        execution, attempts = secrets.token_hex(8), 0
        payload = ""

        def attempt() -> Failure | None:
            nonlocal attempts, payload
            attempts += 1
            payload = filled(schedule, due, execution, attempts)
            return _attempt(Invocation(schedule, schedule.target, payload, f"schedule-{execution}-{int(due)}"))

        failure, retries, exhausted = deliver(attempt, RetryPolicy.of(schedule.target.get("RetryPolicy")))
        if failure is None:
            return
        LOG.warning("EventBridge Scheduler gave up on %s after %d retries: %s", schedule.arn, retries, failure.message)
        if queue := (schedule.target.get("DeadLetterConfig") or {}).get("Arn"):
            attributes = {
                "ERROR_CODE": failure.code,
                "ERROR_MESSAGE": failure.message,
                "EXECUTION_ID": execution,
                "EXHAUSTED_RETRY_CONDITION": exhausted or "",
                "IS_PAYLOAD_TRUNCATED": "false",
                "RETRY_ATTEMPTS": str(retries),
                "SCHEDULED_TIME": timestamp(due),
                "SCHEDULE_ARN": schedule.arn,
                "TARGET_ARN": schedule.target["Arn"],
            }
            region, account = queue.split(":")[3:5]
            connect_to(aws_access_key_id=account, region_name=region).sqs.send_message(
                QueueUrl=sqs_queue_url_for_arn(queue),
                MessageBody=payload,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
                },
            )


def _attempt(invocation: Invocation) -> Failure | None:
    arn = invocation.target["Arn"]
    invoke = _universal if UNIVERSAL.fullmatch(arn) else TEMPLATED[arn.split(":")[2]][1]
    try:
        invoke(invocation)
    except ClientError as error:
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
        return Failure(error.response["Error"]["Code"], str(error), status >= 500 or status == 429)
    except control_plane.CallError as error:
        return Failure(error.code, str(error), (error.status >= 500 and error.status != 501) or error.status == 429)
    except (BotoCoreError, KeyError, ValueError, TypeError) as error:
        return Failure("InvalidParameter", f"{type(error).__name__}: {error}", False)
    except requests.RequestException as error:
        return Failure("ServiceUnavailable", f"no answer: {error}", True)
    return None


def filled(schedule: Planned, due: float, execution: str, attempt: int) -> str:
    """The target's Input with its context attributes replaced, or the event that is sent where there is no Input."""
    given = schedule.target.get("Input")
    if given is None:
        if UNIVERSAL.fullmatch(schedule.target["Arn"]):
            return "{}"
        own = schedule.arn.split(":", 5)
        event = {
            "version": "0",
            "id": execution,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": own[4],
            "time": timestamp(due),
            "region": own[3],
            "resources": [schedule.arn],
            "detail": "{}",
        }
        return json.dumps(event)
    attributes = {
        "<aws.scheduler.schedule-arn>": schedule.arn,
        "<aws.scheduler.scheduled-time>": timestamp(due),
        "<aws.scheduler.execution-id>": execution,
        "<aws.scheduler.attempt-number>": str(attempt),
    }
    text = str(given)
    for keyword, value in attributes.items():
        text = text.replace(keyword, value)
    return text


def timestamp(moment: float) -> str:
    """A time as AWS writes it: 2022-03-22T18:59:43Z."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
