"""Lambda steps: they invoke a function and take their output parameters from what it returns.

"Lambda step" (build-and-manage-steps-types.html): a running function cannot be stopped, so a stop waits for it; one that
exceeds its time fails the execution (StopPipelineExecution's reference).
"""

from __future__ import annotations

import json
import logging
import threading
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from penstock_services.operations import Context
from penstock_services.sagemaker.pipelines.retry_policies import SERVICE_FAULT, THROTTLING
from penstock_services.sagemaker.pipelines.steps.base import Begun, Ended, Run, output_list, output_values

_LOG = logging.getLogger(__name__)
_TIMEOUT_SECONDS = 900.0
_TEXT_LENGTH = 600


class LambdaStep:
    """Invokes the function in a thread of its own; the answer arrives by itself."""

    def begin(self, run: Run) -> Begun:
        """Invoke."""
        function = str(run.extra()["FunctionArn"])
        payload = json.dumps(run.arguments()).encode()
        thread = threading.Thread(
            target=self._work, args=(run, function, payload), name=f"lambda-step-{run.step.name}", daemon=True
        )
        thread.start()
        return Begun({"Lambda": {"Arn": function}}, handle=function)

    def poll(self, _context: Context, _handle: str) -> Ended | None:
        """The answer arrives by itself."""
        return None

    def stop(self, _context: Context, _handle: str) -> None:
        """A function that runs cannot be stopped."""

    def _work(self, run: Run, function: str, payload: bytes) -> None:
        try:
            ended = self._invoke(run, function, payload)
        except Exception as error:  # noqa: BLE001 (the step must end)
            _LOG.exception("lambda step %s", run.step.name)
            ended = Ended("Failed", failure=f"InternalServerError: {type(error).__name__}: {error}")
        run.settle(ended)

    def _invoke(self, run: Run, function: str, payload: bytes) -> Ended:
        client = run.context.clients.once("lambda", run.context.scope, _TIMEOUT_SECONDS)
        try:
            answer = client.invoke(FunctionName=function, InvocationType="RequestResponse", Payload=payload)
            body = answer["Payload"].read()
        except ReadTimeoutError:
            seconds = int(_TIMEOUT_SECONDS)
            return Ended("Failed", failure=f"ClientError: {function} did not answer within {seconds} s", final=True)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
            code = error.response.get("Error", {}).get("Code", "")
            kind = THROTTLING if code == "TooManyRequestsException" else SERVICE_FAULT if status >= 500 else None
            return Ended("Failed", failure=f"ClientError: {function} cannot be invoked: {error}", exception_type=kind)
        except BotoCoreError as error:
            reason = f"ClientError: {function} cannot be invoked: {error}"
            return Ended("Failed", failure=reason, exception_type=SERVICE_FAULT)
        text = body.decode(errors="replace")
        if "FunctionError" in answer:
            late = "Task timed out" in text
            return Ended("Failed", failure=f"ClientError: {function} failed: {text[:_TEXT_LENGTH]}", final=late)
        return self._result(run, function, text)

    @staticmethod
    def _result(run: Run, function: str, text: str) -> Ended:
        try:
            given: Any = json.loads(text or "null")
        except ValueError:
            given = None
        if run.step.outputs and not isinstance(given, dict):
            reason = f"ClientError: {function} must return an object with its output parameters, not {text[:200]}"
            return Ended("Failed", failure=reason)
        try:
            values = output_values(run.step, given if isinstance(given, dict) else {})
        except ValueError as error:
            return Ended("Failed", failure=f"ClientError: what {function} returned does not fit: {error}")
        metadata = {"Lambda": {"Arn": function, "OutputParameters": output_list(values)}}
        return Ended("Succeeded", {"OutputParameters": values}, metadata=metadata)


LAMBDA = LambdaStep()
