"""Application Auto Scaling: targets, policies, scheduled actions.

A policy and an action are found by their target as well as by name: `<service>/<resource>/<dimension>` and the name.
"""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider import shaped
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent
from penstock_deploy.provider.tagging import Tagging
from penstock_deploy.values import Properties

_SERVICE = "application-autoscaling"
_MISSING = ("ObjectNotFoundException",)
_TAGGING = Tagging(_SERVICE, arn="ResourceARN", as_map=True)
_PLACE = ("serviceNamespace", "resourceId", "scalableDimension")


def _place(properties: Properties) -> dict[str, str]:
    """The target that a thing belongs to, in AWS's names."""
    return {
        "ServiceNamespace": properties["serviceNamespace"],
        "ResourceId": properties["resourceId"],
        "ScalableDimension": properties["scalableDimension"],
    }


def _all(aws: Aws, operation: str, key: str, request: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    asked = dict(request)
    while True:
        answer = aws.call(_SERVICE, operation, asked)
        found += answer.get(key, [])
        if not answer.get("NextToken"):
            return found
        asked["NextToken"] = answer["NextToken"]


@resource
class Target(ResourceType):
    pulumi_type = "aws:appautoscaling/target:Target"
    inputs = "serviceNamespace resourceId scalableDimension minCapacity maxCapacity roleArn suspendedState"
    outputs = "arn"
    required = "serviceNamespace resourceId scalableDimension minCapacity maxCapacity"
    immutable = "serviceNamespace resourceId scalableDimension"
    taggable = True

    def create(self, aws: Aws, inputs: Properties) -> str:
        self._register(aws, inputs, tags=True)
        return str(inputs["resourceId"])

    def _register(self, aws: Aws, inputs: Properties, *, tags: bool) -> None:
        shape = shaped.input_shape(aws, _SERVICE, "RegisterScalableTarget")
        given = {name: value for name, value in inputs.items() if name not in ("tags", "region")}
        request = shaped.to_aws(given, shape, {}, f"{self.pulumi_type}: ")
        if tags and inputs.get("tags"):
            request["Tags"] = dict(inputs["tags"])
        aws.call(_SERVICE, "RegisterScalableTarget", request)

    def _describe(self, aws: Aws, place: dict[str, str]) -> dict[str, Any] | None:
        request = {**place, "ResourceIds": [place["ResourceId"]]}
        del request["ResourceId"]
        targets = _all(aws, "DescribeScalableTargets", "ScalableTargets", request)
        return next((target for target in targets if target["ResourceId"] == place["ResourceId"]), None)

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        if not all(known.get(name) for name in _PLACE):
            return None
        found = self._describe(aws, {**_place(known), "ResourceId": id_})
        if found is None:
            return None
        result: Properties = {
            "serviceNamespace": found["ServiceNamespace"],
            "resourceId": found["ResourceId"],
            "scalableDimension": found["ScalableDimension"],
            "minCapacity": found["MinCapacity"],
            "maxCapacity": found["MaxCapacity"],
            "arn": found.get("ScalableTargetARN"),
            "region": aws.region,
        }
        if known.get("suspendedState"):
            shape = shaped.output_shape(aws, _SERVICE, "DescribeScalableTargets").members["ScalableTargets"].member
            state = found.get("SuspendedState") or {}
            result["suspendedState"] = shaped.from_aws(
                state, shape.members["SuspendedState"], {}, known["suspendedState"]
            )
        if found.get("ScalableTargetARN"):
            result["tags"] = _TAGGING.read(aws, found["ScalableTargetARN"])
        return result

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        if changed - {"tags"}:
            self._register(aws, inputs, tags=False)
        if "tags" in changed:
            found = self._describe(aws, _place(inputs))
            if found is not None and found.get("ScalableTargetARN"):
                _TAGGING.sync(aws, found["ScalableTargetARN"], inputs, old)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.call(_SERVICE, "DeregisterScalableTarget", _place(inputs)), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["resourceId"])


@resource
class Policy(ResourceType):
    pulumi_type = "aws:appautoscaling/policy:Policy"
    inputs = (
        "name policyType serviceNamespace resourceId scalableDimension stepScalingPolicyConfiguration "
        "targetTrackingScalingPolicyConfiguration predictiveScalingPolicyConfiguration"
    )
    outputs = "arn alarmArns"
    volatile = "alarmArns"
    required = "serviceNamespace resourceId scalableDimension"
    immutable = "name serviceNamespace resourceId scalableDimension"
    defaults: ClassVar[dict[str, Any]] = {"policyType": "StepScaling"}
    named = "name"
    name_limit = 255
    _BOUNDS = ("metricIntervalLowerBound", "metricIntervalUpperBound")

    def create(self, aws: Aws, inputs: Properties) -> str:
        shape = shaped.input_shape(aws, _SERVICE, "PutScalingPolicy")
        given = {**{key: value for key, value in inputs.items() if key not in ("name", "region")}}
        request = shaped.to_aws({**given, "policyName": inputs["name"]}, shape, {}, f"{self.pulumi_type}: ")
        aws.call(_SERVICE, "PutScalingPolicy", request)
        return str(inputs["name"])

    def canonical(self, name: str, value: Any) -> Any:
        """Bounds are texts in Pulumi and numbers in AWS."""
        return _texts(super().canonical(name, value), self._BOUNDS)

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        if not all(known.get(name) for name in _PLACE):
            return None
        request = {**_place(known), "PolicyNames": [id_]}
        policies = _all(aws, "DescribeScalingPolicies", "ScalingPolicies", request)
        found = next((policy for policy in policies if policy["PolicyName"] == id_), None)
        if found is None:
            return None
        shape = shaped.output_shape(aws, _SERVICE, "DescribeScalingPolicies").members["ScalingPolicies"].member
        live: Properties = dict(shaped.from_aws(found, shape, {}, known))
        result = {key: _texts(value, self._BOUNDS) for key, value in live.items() if key in self.names["inputs"]}
        alarms = [alarm["AlarmARN"] for alarm in found.get("Alarms") or []]
        return {**result, "name": id_, "arn": found.get("PolicyARN"), "alarmArns": alarms, "region": aws.region}

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        self.create(aws, inputs)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        absent(lambda: aws.call(_SERVICE, "DeleteScalingPolicy", {**_place(inputs), "PolicyName": id_}), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["name"])


@resource
class ScheduledAction(ResourceType):
    pulumi_type = "aws:appautoscaling/scheduledAction:ScheduledAction"
    inputs = (
        "name serviceNamespace resourceId scalableDimension schedule timezone startTime endTime scalableTargetAction"
    )
    outputs = "arn"
    required = "serviceNamespace resourceId scalableDimension schedule scalableTargetAction"
    immutable = "name serviceNamespace resourceId scalableDimension"
    defaults: ClassVar[dict[str, Any]] = {"timezone": "UTC"}
    named = "name"
    name_limit = 255

    def create(self, aws: Aws, inputs: Properties) -> str:
        shape = shaped.input_shape(aws, _SERVICE, "PutScheduledAction")
        given = {key: value for key, value in inputs.items() if key not in ("name", "region")}
        request = shaped.to_aws({**given, "scheduledActionName": inputs["name"]}, shape, {}, f"{self.pulumi_type}: ")
        aws.call(_SERVICE, "PutScheduledAction", request)
        return self._id(inputs)

    @staticmethod
    def _id(inputs: Properties) -> str:
        return f"{inputs['name']}-{inputs['serviceNamespace']}-{inputs['resourceId']}"

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        if not known.get("name") or not all(known.get(name) for name in _PLACE) or self._id(known) != id_:
            return None
        request = {**_place(known), "ScheduledActionNames": [known["name"]]}
        actions = _all(aws, "DescribeScheduledActions", "ScheduledActions", request)
        found = next((action for action in actions if action["ScheduledActionName"] == known["name"]), None)
        if found is None:
            return None
        shape = shaped.output_shape(aws, _SERVICE, "DescribeScheduledActions").members["ScheduledActions"].member
        live: Properties = dict(shaped.from_aws(found, shape, {}, known))
        result = {key: value for key, value in live.items() if key in self.names["inputs"]}
        return {**result, "name": known["name"], "arn": found.get("ScheduledActionARN"), "region": aws.region}

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        self.create(aws, inputs)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        request = {**_place(inputs), "ScheduledActionName": inputs["name"]}
        absent(lambda: aws.call(_SERVICE, "DeleteScheduledAction", request), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return self._id(inputs)


def _texts(value: Any, names: tuple[str, ...]) -> Any:
    """Numbers of these names as texts, at every depth."""
    if isinstance(value, dict):
        return {
            key: f"{float(item):g}" if key in names and item not in ("", None) else _texts(item, names)
            for key, item in value.items()
        }
    return [_texts(item, names) for item in value] if isinstance(value, list) else value
