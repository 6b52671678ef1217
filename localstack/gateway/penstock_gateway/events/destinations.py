"""Deliveries to API destinations as EventBridge makes them: tried again while that may help, then dead-lettered.

LocalStack sends once, in the thread that serves the rules in turn, without a time limit, and forgets failures.
(Amazon EventBridge user guide: "API destinations", "Retrying event delivery", "Using dead-letter queues".)
"""

from __future__ import annotations

import json
import logging
import threading
from typing import Any

import requests
from localstack.aws.connect import connect_to
from localstack.services.events import target as targets
from localstack.services.events.api_destination import add_api_destination_authorization
from localstack.utils.aws.arns import sqs_queue_url_for_arn
from localstack.utils.aws.message_forwarding import add_target_http_parameters

from penstock_gateway.events import input_template, receivers
from penstock_gateway.events.retries import Failure, RetryPolicy, deliver, is_worth_retrying

LOG = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5.0
"""EventBridge gives a destination five seconds to answer."""


class ApiDestinationSender(targets.EventsApiDestinationTargetSender):
    """Delivers to one API destination, each event in a thread of its own."""

    def send_event(self, event: Any, trace_header: Any) -> None:
        """Start the delivery of `event` (already transformed)."""
        name = f"api-destination-{self.target['Id']}"
        threading.Thread(target=self._deliver, args=[event, trace_header], name=name, daemon=True).start()

    def _deliver(self, event: Any, trace_header: Any) -> None:
        policy = RetryPolicy.of(self.target.get("RetryPolicy"))
        failure, retries, exhausted = deliver(lambda: self._attempt(event, trace_header), policy)
        if failure is None:
            return
        LOG.warning(
            "EventBridge gave up on target %s of rule %s after %d retries: %s", self.target["Id"], self.rule_name,
            retries, failure.message,
        )  # fmt: skip
        if queue := (self.target.get("DeadLetterConfig") or {}).get("Arn"):
            try:
                self._dead_letter(queue, event, failure, retries, exhausted)
            except Exception:
                LOG.exception("the dead-letter queue %s did not take the event", queue)

    def _attempt(self, event: Any, trace_header: Any) -> Failure | None:
        try:
            request = self._request(event, trace_header)
        except Exception as error:  # noqa: BLE001 - LocalStack may raise anything here; it goes to the log and the queue
            return Failure("NO_PERMISSIONS", f"the destination or its connection is not usable: {error}", False)
        try:
            answer = requests.request(**request, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            return Failure("SDK_CLIENT_ERROR", f"no answer from {request['url']}: {error}", True)
        if answer.status_code < 400:
            return None
        message = f"{request['method']} {request['url']} was answered with {answer.status_code}: {answer.text[:500]}"
        return Failure(f"HTTP_{answer.status_code}", message, is_worth_retrying(answer.status_code))

    def _request(self, event: Any, trace_header: Any) -> dict[str, Any]:
        name = self.target["Arn"].split(":")[-1].split("/")[1]
        events = connect_to(aws_access_key_id=self.target_account_id, region_name=self.target_region).events
        destination = events.describe_api_destination(Name=name)
        headers = {
            "User-Agent": "Amazon/EventBridge/ApiDestinations",
            "Content-Type": "application/json; charset=utf-8",
            "Range": "bytes=0-1048575",
            "Accept-Encoding": "gzip,deflate",
            "Connection": "close",
        }
        body = dict(event) if isinstance(event, dict) else event
        url = add_api_destination_authorization(destination, headers, body)
        if parameters := self.target.get("HttpParameters"):
            url = add_target_http_parameters(parameters, url, headers, body)
        headers[targets.TRACE_HEADER_KEY] = trace_header.to_header_str()
        return {
            "method": destination.get("HttpMethod", "GET"),
            "url": receivers.today(url),
            "data": json.dumps(body if body is not None else {}, default=input_template.plain),
            "headers": headers,
        }

    def _dead_letter(self, queue: str, event: Any, failure: Failure, retries: int, exhausted: str | None) -> None:
        attributes = {
            "RULE_ARN": self.rule_arn,
            "TARGET_ARN": self.target["Arn"],
            "ERROR_CODE": failure.code,
            "ERROR_MESSAGE": failure.message,
            "RETRY_ATTEMPTS": str(retries),
        }
        if exhausted:
            attributes["EXHAUSTED_RETRY_CONDITION"] = exhausted
        region, account = queue.split(":")[3:5]
        connect_to(aws_access_key_id=account, region_name=region).sqs.send_message(
            QueueUrl=sqs_queue_url_for_arn(queue),
            MessageBody=json.dumps(event, default=input_template.plain),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
            },
        )


def _replace_template_placeholders(template: str, replacements: dict[str, Any]) -> Any:
    if not input_template.is_json(template):
        return _localstack_replace(template, replacements)
    try:
        return input_template.fill(template, replacements)
    except ValueError as error:
        LOG.warning("EventBridge dropped an event: %s", error)
        return None


def _get_template_replacements(input_transformer: Any, event: Any) -> dict[str, Any]:
    replacements: dict[str, Any] = _localstack_replacements(input_transformer, event)
    for name, path in (input_transformer.get("InputPathsMap") or {}).items():
        if replacements.get(name) == "":
            value = targets.extract_jsonpath(event, path)
            if value in (0, False):  # found, and neither empty nor missing
                replacements[name] = value
    return replacements


_localstack_replace = targets.replace_template_placeholders
_localstack_replacements = targets.get_template_replacements


def install() -> None:
    """Make LocalStack's EventBridge use our senders and templates."""
    targets.TargetSenderFactory.register_target_sender("events_api_destination", ApiDestinationSender)
    targets.replace_template_placeholders = _replace_template_placeholders
    targets.get_template_replacements = _get_template_replacements
