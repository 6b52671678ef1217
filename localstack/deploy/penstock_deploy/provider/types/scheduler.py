"""EventBridge Scheduler: schedules and their groups."""

from __future__ import annotations

import datetime
from typing import Any, ClassVar

from penstock_deploy.provider import shaped
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent
from penstock_deploy.provider.shaped_type import ShapedType
from penstock_deploy.provider.tagging import Tagging
from penstock_deploy.values import Properties

_DEFAULT_GROUP = "default"


@resource
class Schedule(ResourceType):
    pulumi_type = "aws:scheduler/schedule:Schedule"
    inputs = (
        "name groupName description scheduleExpression scheduleExpressionTimezone startDate endDate state kmsKeyArn "
        "flexibleTimeWindow target actionAfterCompletion"
    )
    outputs = "arn"
    required = "scheduleExpression flexibleTimeWindow target"
    immutable = "name groupName"
    defaults: ClassVar[dict[str, Any]] = {
        "groupName": _DEFAULT_GROUP,
        "scheduleExpressionTimezone": "UTC",
        "state": "ENABLED",
    }
    named = "name"
    prefix = "namePrefix"
    name_limit = 64
    _RENAMES: ClassVar[dict[str, str]] = {
        "eventbridgeParameters": "EventBridgeParameters",
        "sagemakerPipelineParameters": "SageMakerPipelineParameters",
        "pipelineParameters": "PipelineParameterList",
    }

    def _request(self, aws: Aws, operation: str, inputs: Properties) -> dict[str, Any]:
        shape = shaped.input_shape(aws, "scheduler", operation)
        given = {name: value for name, value in inputs.items() if name not in ("region", self.prefix)}
        return dict(shaped.to_aws(given, shape, self._RENAMES, f"{self.pulumi_type}: "))

    def create(self, aws: Aws, inputs: Properties) -> str:
        aws.call("scheduler", "CreateSchedule", self._request(aws, "CreateSchedule", inputs))
        return f"{inputs['groupName']}/{inputs['name']}"

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        group, _, name = id_.rpartition("/")
        found = absent(
            lambda: aws.client("scheduler").get_schedule(Name=name, **({"GroupName": group} if group else {}))
        )
        if found is None:
            return None
        shape = shaped.output_shape(aws, "scheduler", "GetSchedule")
        told: Properties = dict(shaped.from_aws(dict(found), shape, self._RENAMES, known))
        result = {key: value for key, value in told.items() if key in self.names["inputs"]}
        for key in ("description", "startDate", "endDate", "kmsKeyArn"):
            result.setdefault(key, None)
        result["description"] = result["description"] or None
        return {**result, "arn": found["Arn"], "region": aws.region}

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        """UpdateSchedule puts the whole: what is left out goes back to its default (API reference)."""
        aws.call("scheduler", "UpdateSchedule", self._request(aws, "UpdateSchedule", inputs))

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        group, _, name = id_.rpartition("/")
        absent(lambda: aws.client("scheduler").delete_schedule(Name=name, GroupName=group or _DEFAULT_GROUP))

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return f"{inputs['groupName']}/{inputs['name']}"

    def canonical(self, name: str, value: Any) -> Any:
        if name in ("startDate", "endDate") and isinstance(value, str):
            try:
                return datetime.datetime.fromisoformat(value).astimezone(datetime.UTC).isoformat()
            except ValueError:
                return value
        return super().canonical(name, value)


@resource
class ScheduleGroup(ShapedType):
    pulumi_type = "aws:scheduler/scheduleGroup:ScheduleGroup"
    inputs = "name"
    outputs = "arn creationDate lastModificationDate state"
    immutable = "name"
    named = "name"
    prefix = "namePrefix"
    name_limit = 64
    taggable = True
    service = "scheduler"
    create_operation, read_operation = "CreateScheduleGroup", "GetScheduleGroup"
    delete_operation = "DeleteScheduleGroup"
    arn_member = "Arn"
    tagging = Tagging("scheduler", arn="ResourceArn")

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        result = super().read(aws, id_, known)
        found = self.describe(aws, id_)
        if result is None or found is None:
            return None
        for ours, theirs in (("creationDate", "CreationDate"), ("lastModificationDate", "LastModificationDate")):
            if found.get(theirs) is not None:
                result[ours] = found[theirs].isoformat()
        return {**result, "state": found.get("State", "ACTIVE")}
