"""SageMaker pipelines as targets of EventBridge rules: the matching event starts an execution.

(Amazon EventBridge user guide, "Event bus targets": SageMakerPipelineParameters, whose values may be JSON paths into the
event.)
"""

from __future__ import annotations

import logging
import threading
import uuid
from typing import Any

import requests
from localstack.services.events import target as targets
from localstack.utils.json import extract_jsonpath

from penstock_gateway.events.retries import Failure, RetryPolicy, deliver
from penstock_gateway.sagemaker import control_plane

LOG = logging.getLogger(__name__)


def resolved(parameters: list[dict[str, str]], event: Any) -> list[dict[str, str]]:
    """The pipeline's parameters, those whose value is a JSON path filled from the event."""
    found = []
    for parameter in parameters:
        value = parameter["Value"]
        if value.startswith("$.") and isinstance(event, dict):
            value = extract_jsonpath(event, value)
            value = value if isinstance(value, str) else str(value)
        found.append({"Name": parameter["Name"], "Value": value})
    return found


class PipelineSender(targets.TargetSender):
    """Starts one execution for each event, tried again as the target's RetryPolicy says."""

    def process_event(self, event: Any, trace_header: Any) -> None:
        """Start the execution; the event itself is no input, but parameters may name parts of it."""
        del trace_header
        given = (self.target.get("SageMakerPipelineParameters") or {}).get("PipelineParameterList") or []
        arguments = [resolved(given, event), f"rule-{uuid.uuid4()}"]
        threading.Thread(target=self._start, args=arguments, name=f"pipeline-{self.target['Id']}", daemon=True).start()

    def send_event(self, event: Any, trace_header: Any) -> None:
        """The same, where LocalStack hands over an event of its own making (scheduled rules)."""
        self.process_event(event, trace_header)

    def _start(self, parameters: list[dict[str, str]], token: str) -> None:
        def attempt() -> Failure | None:
            try:
                control_plane.start_pipeline(self.target["Arn"], parameters, token)
            except control_plane.CallError as error:
                return Failure(error.code, str(error), error.status >= 500 or error.status == 429)
            except requests.RequestException as error:
                return Failure("ServiceUnavailable", str(error), True)
            return None

        failure, retries, _ = deliver(attempt, RetryPolicy.of(self.target.get("RetryPolicy")))
        if failure is not None:
            LOG.warning(
                "rule %s did not start %s after %d retries: %s", self.rule_name, self.target["Arn"], retries,
                failure.message,
            )  # fmt: skip


def install() -> None:
    """Make LocalStack's EventBridge start pipelines."""
    targets.TargetSenderFactory.register_target_sender("sagemaker", PipelineSender)
