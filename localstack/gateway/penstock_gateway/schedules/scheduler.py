"""EventBridge Scheduler whose schedules fire: LocalStack's records, checked as AWS checks them, and the clock."""

from __future__ import annotations

import json
import time
from typing import Any

from localstack.aws.api import CommonServiceException, handler
from localstack.services.moto import call_moto
from localstack.services.scheduler import provider

from penstock_gateway.schedules.expressions import ExpressionError, parse, time_zone
from penstock_gateway.schedules.records import clock, seconds
from penstock_gateway.schedules.targets import READ_ONLY, UNIVERSAL, unsupported


def invalid(message: str) -> CommonServiceException:
    """AWS's ValidationException."""
    return CommonServiceException("ValidationException", message, status_code=400, sender_fault=True)


def missing(what: str) -> CommonServiceException:
    """AWS's ResourceNotFoundException."""
    return CommonServiceException(
        "ResourceNotFoundException", f"{what} does not exist.", status_code=404, sender_fault=True
    )


def check_expression(text: str, zone: str | None) -> None:
    """Raise the ValidationException of an expression or time zone that cannot be read."""
    try:
        time_zone(zone)
    except ExpressionError:
        raise invalid(f"Invalid ScheduleExpressionTimezone {zone}.") from None
    try:
        parse(text, zone)
    except ExpressionError:
        raise invalid(f"Invalid Schedule Expression {text}.") from None


def check(request: dict[str, Any]) -> None:
    """Raise the ValidationException of a schedule that could not fire as asked."""
    check_expression(request["ScheduleExpression"], request.get("ScheduleExpressionTimezone"))
    window = request["FlexibleTimeWindow"]
    if window["Mode"] == "FLEXIBLE" and not window.get("MaximumWindowInMinutes"):
        raise invalid("MaximumWindowInMinutes must be provided when FlexibleTimeWindow Mode is FLEXIBLE.")
    if window["Mode"] == "OFF" and window.get("MaximumWindowInMinutes"):
        raise invalid("MaximumWindowInMinutes must not be provided when FlexibleTimeWindow Mode is OFF.")
    start, end = seconds(request.get("StartDate")), seconds(request.get("EndDate"))
    if start is not None and end is not None and end <= start:
        raise invalid("The EndDate you specify must come after the StartDate.")
    check_target(request["Target"])


def check_target(target: dict[str, Any]) -> None:
    """Raise if the target has no ARN that AWS accepts, or none that is invoked here."""
    arn = target["Arn"]
    if arn.count(":") < 5 or not arn.startswith("arn:"):
        raise invalid(f"Provided Arn {arn} is not in correct format.")
    if (found := UNIVERSAL.fullmatch(arn)) and READ_ONLY.match(found.group(2)):
        raise invalid(f"{arn} is not a supported target: the action is read-only.")
    reason = unsupported(arn)
    if reason:
        message = (
            f"{reason} is not implemented by Penstock's local EventBridge Scheduler: such a schedule would never run."
        )
        raise CommonServiceException(
            "NotImplementedException", message[0].upper() + message[1:], status_code=501, sender_fault=True
        )
    if arn.split(":")[2] == "events" and not target.get("EventBridgeParameters"):
        raise invalid("EventBridgeParameters must be provided for a target of EventBridge PutEvents.")
    if given := target.get("Input"):
        try:
            json.loads(given)
        except ValueError:
            if UNIVERSAL.fullmatch(arn):
                raise invalid("Input must be well-formed JSON.") from None


class FiringSchedulerProvider(provider.SchedulerProvider):
    """LocalStack's EventBridge Scheduler, and what it lacks."""

    @handler("CreateSchedule", expand=False)
    def create_schedule(self, context: Any, request: Any) -> Any:
        """Store the schedule; the clock sees it at once."""
        check(request)
        group = request.get("GroupName") or "default"
        if group not in _backend(context).schedule_groups:
            raise missing(f"Schedule group {group}")
        answer = call_moto(context)
        clock().changed()
        return answer

    @handler("UpdateSchedule", expand=False)
    def update_schedule(self, context: Any, request: Any) -> Any:
        """Replace the schedule: what the request leaves out gets its default (API reference, UpdateSchedule)."""
        check(request)
        answer = call_moto(context)
        group = _backend(context).schedule_groups[request.get("GroupName") or "default"]
        schedule = group.schedules[request["Name"]]
        schedule.action_after_completion = request.get("ActionAfterCompletion")
        schedule.state = request.get("State") or "ENABLED"
        schedule.last_modified_date = time.time()
        clock().changed()
        return answer

    @handler("CreateScheduleGroup", expand=False)
    def create_schedule_group(self, context: Any, request: Any) -> Any:
        """Make a group; a name that is taken is a conflict."""
        if request["Name"] in _backend(context).schedule_groups:
            message = f"Schedule group {request['Name']} already exists."
            raise CommonServiceException("ConflictException", message, status_code=409, sender_fault=True)
        return call_moto(context)

    @handler("DeleteScheduleGroup", expand=False)
    def delete_schedule_group(self, context: Any, request: Any) -> Any:
        """Delete the group and its schedules."""
        group = _backend(context).schedule_groups.get(request["Name"])
        if group is None:
            raise missing(f"Schedule group {request['Name']}")
        if group.name == "default":
            raise invalid("The default schedule group cannot be deleted.")
        return call_moto(context)


def _backend(context: Any) -> Any:
    from moto.scheduler.models import scheduler_backends

    return scheduler_backends[context.account_id][context.region]


def install() -> None:
    """Let LocalStack's own check of expressions accept what the clock can read (ours comes first, and knows more)."""
    provider._validate_schedule_expression = lambda _expression: None
