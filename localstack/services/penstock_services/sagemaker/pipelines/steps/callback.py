"""Callback steps: a message on an SQS queue, and a token with which somebody says how the step ended.

"Callback step" (build-and-manage-steps-types.html) and StopPipelineExecution's reference: the message holds the token,
the execution's ARN and the arguments; a stop sends another one with the status Stopping and waits for the answer.
"""

from __future__ import annotations

import json
import secrets
import string
import threading
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.operations import Context
from penstock_services.sagemaker.pipelines.expressions import resolve
from penstock_services.sagemaker.pipelines.retry_policies import SERVICE_FAULT
from penstock_services.sagemaker.pipelines.steps.base import Begun, Ended, Run, StepError

TOKEN = "PipelineCallback"  # noqa: S105 (a kind of record)
_TOKEN_LENGTH = 10
# How long an unanswered callback may wait. The newest references of AWS do not state it; a week is ours.
_TIMEOUT_SECONDS = 7 * 86_400.0


class CallbackStep:
    """Waits until SendPipelineExecutionStepSuccess or -Failure is called with its token."""

    def __init__(self, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self.timeout_seconds = timeout_seconds
        self._deadlines: dict[str, float] = {}
        self._lock = threading.Lock()

    def begin(self, run: Run) -> Begun:
        """Keep the token, then send the message: who answers at once is heard."""
        token = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(_TOKEN_LENGTH))
        queue = str(run.extra()["SqsQueueUrl"])
        arguments = resolve(run.step.arguments, run.values)
        record = {
            "PipelineExecutionArn": run.execution_arn,
            "StepName": run.step.name,
            "SqsQueueUrl": queue,
            "Arguments": arguments,
        }
        run.context.store.put(run.context.scope, TOKEN, token, record)
        with self._lock:
            self._deadlines[token] = time.monotonic() + self.timeout_seconds
        try:
            _send(run.context, token, record, "Executing")
        except (BotoCoreError, ClientError) as error:
            self._forget(run.context, token)
            kind = None if isinstance(error, ClientError) else SERVICE_FAULT
            message = f"ClientError: the message to {queue} cannot be sent: {error}"
            raise StepError(message, kind) from None
        return Begun({"Callback": {"CallbackToken": token, "SqsQueueUrl": queue}}, handle=token)

    def poll(self, context: Context, handle: str) -> Ended | None:
        """Whether the time is over; an answer arrives by itself."""
        with self._lock:
            deadline = self._deadlines.get(handle)
        if deadline is None or time.monotonic() < deadline:
            return None
        self._forget(context, handle)
        seconds = int(self.timeout_seconds)
        return Ended("Failed", failure=f"ClientError: the callback was not answered within {seconds} seconds")

    def stop(self, context: Context, handle: str) -> None:
        """Tell the queue's reader that the execution is being stopped."""
        record = context.store.get(context.scope, TOKEN, handle)
        if record is None:
            return
        try:
            _send(context, handle, record, "Stopping")
        except (BotoCoreError, ClientError):
            # Nobody can be told, so nobody will answer.
            with self._lock:
                self._deadlines[handle] = time.monotonic()

    def answered(self, token: str) -> None:
        """Somebody has said how the step ended: its time does not count any more."""
        with self._lock:
            self._deadlines.pop(token, None)

    def _forget(self, context: Context, token: str) -> None:
        context.store.delete(context.scope, TOKEN, token)
        self.answered(token)


def _send(context: Context, token: str, record: dict[str, Any], status: str) -> None:
    body = {
        "token": token,
        "pipelineExecutionArn": record["PipelineExecutionArn"],
        "status": status,
        "arguments": record["Arguments"],
    }
    queue: str = record["SqsQueueUrl"]
    group: dict[str, str] = {}
    if queue.endswith(".fifo"):
        group = {
            "MessageGroupId": record["PipelineExecutionArn"].rsplit("/", 1)[1],
            "MessageDeduplicationId": f"{token}-{status}",
        }
    context.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(body), **group)


CALLBACK = CallbackStep()
