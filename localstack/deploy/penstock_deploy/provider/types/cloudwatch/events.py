"""EventBridge: rules, targets, connections, API destinations."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider import shaped
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent
from penstock_deploy.provider.shaped_type import ShapedType
from penstock_deploy.provider.tagging import Tagging
from penstock_deploy.values import Properties

_EVENTS = Tagging("events", arn="ResourceARN")
_DEFAULT_BUS = "default"


def _rule_id(bus: str, name: str) -> str:
    return name if bus == _DEFAULT_BUS else f"{bus}/{name}"


def _split_rule(id_: str) -> tuple[str, str]:
    bus, _, name = id_.rpartition("/")
    return bus or _DEFAULT_BUS, name


@resource
class EventRule(ResourceType):
    pulumi_type = "aws:cloudwatch/eventRule:EventRule"
    inputs = "name scheduleExpression eventPattern description state isEnabled roleArn eventBusName forceDestroy"
    outputs = "arn"
    immutable = "name eventBusName"
    defaults: ClassVar[dict[str, Any]] = {"eventBusName": _DEFAULT_BUS, "forceDestroy": False}
    documents = "eventPattern"
    named = "name"
    prefix = "namePrefix"
    taggable = True

    def _put(self, aws: Aws, inputs: Properties, **more: Any) -> None:
        request: dict[str, Any] = {"Name": inputs["name"], "EventBusName": inputs["eventBusName"], **more}
        for ours, theirs in (
            ("scheduleExpression", "ScheduleExpression"),
            ("eventPattern", "EventPattern"),
            ("description", "Description"),
            ("roleArn", "RoleArn"),
        ):
            if inputs.get(ours):
                request[theirs] = inputs[ours]
        request["State"] = inputs.get("state") or ("DISABLED" if inputs.get("isEnabled") is False else "ENABLED")
        aws.client("events").put_rule(**request)

    def create(self, aws: Aws, inputs: Properties) -> str:
        self._put(aws, inputs, **({"Tags": _EVENTS.wrap(inputs["tags"])} if inputs.get("tags") else {}))
        return _rule_id(inputs["eventBusName"], inputs["name"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        bus, name = _split_rule(id_)
        found = absent(lambda: aws.client("events").describe_rule(Name=name, EventBusName=bus))
        if found is None:
            return None
        result: Properties = {
            "name": name,
            "arn": found["Arn"],
            "eventBusName": found.get("EventBusName") or bus,
            "scheduleExpression": found.get("ScheduleExpression"),
            "eventPattern": found.get("EventPattern"),
            "description": found.get("Description") or None,
            "roleArn": found.get("RoleArn"),
            "region": aws.region,
            "tags": _EVENTS.read(aws, found["Arn"]),
        }
        if "state" in known:
            result["state"] = found.get("State", "ENABLED")
        if "isEnabled" in known:
            result["isEnabled"] = found.get("State", "ENABLED") == "ENABLED"
        return result

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        if changed - {"tags"}:
            self._put(aws, inputs)
        if "tags" in changed:
            bus, name = _split_rule(id_)
            arn = aws.client("events").describe_rule(Name=name, EventBusName=bus)["Arn"]
            _EVENTS.sync(aws, arn, inputs, old)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        events = aws.client("events")
        bus, name = _split_rule(id_)
        if inputs.get("forceDestroy"):
            targets = absent(lambda: events.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]) or []
            if targets:
                events.remove_targets(Rule=name, EventBusName=bus, Ids=[target["Id"] for target in targets])
        absent(lambda: events.delete_rule(Name=name, EventBusName=bus))

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return _rule_id(inputs["eventBusName"], inputs["name"])


@resource
class EventTarget(ResourceType):
    pulumi_type = "aws:cloudwatch/eventTarget:EventTarget"
    inputs = (
        "rule arn targetId eventBusName input inputPath inputTransformer roleArn deadLetterConfig retryPolicy httpTarget "
        "sqsTarget sagemakerPipelineTarget kinesisTarget runCommandTargets batchTarget ecsTarget redshiftTarget "
        "appsyncTarget forceDestroy"
    )
    required = "rule arn"
    immutable = "rule targetId eventBusName"
    defaults: ClassVar[dict[str, Any]] = {"eventBusName": _DEFAULT_BUS, "forceDestroy": False}
    documents = "input"
    named = "targetId"
    renames: ClassVar[dict[str, str]] = {
        "targetId": "Id",
        "inputPaths": "InputPathsMap",
        "httpTarget": "HttpParameters",
        "sqsTarget": "SqsParameters",
        "sagemakerPipelineTarget": "SageMakerPipelineParameters",
        "pipelineParameterLists": "PipelineParameterList",
        "kinesisTarget": "KinesisParameters",
        "runCommandTargets": "RunCommandParameters",
        "batchTarget": "BatchParameters",
        "ecsTarget": "EcsParameters",
        "redshiftTarget": "RedshiftDataParameters",
        "appsyncTarget": "AppSyncParameters",
    }
    _OURS = ("rule", "eventBusName", "forceDestroy", "region")

    def create(self, aws: Aws, inputs: Properties) -> str:
        from penstock_deploy.plugins.interface import ProviderError

        shape = shaped.input_shape(aws, "events", "PutTargets").members["Targets"].member
        content = {name: value for name, value in inputs.items() if name not in self._OURS}
        target = shaped.to_aws(content, shape, self.renames, "target: ")
        answer = aws.client("events").put_targets(
            Rule=inputs["rule"], EventBusName=inputs["eventBusName"], Targets=[target]
        )
        for failed in answer.get("FailedEntries", []):
            raise ProviderError(f"PutTargets: {failed.get('ErrorCode')}: {failed.get('ErrorMessage')}")
        return f"{_rule_id(inputs['eventBusName'], inputs['rule'])}-{inputs['targetId']}"

    def _place(self, id_: str, known: Properties) -> tuple[str, str, str]:
        if known.get("rule") and known.get("targetId"):
            return known.get("eventBusName") or _DEFAULT_BUS, known["rule"], known["targetId"]
        rule, _, target = id_.partition("-")
        bus, name = _split_rule(rule)
        return bus, name, target

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        bus, rule, target = self._place(id_, known)
        events = aws.client("events")
        pages = absent(lambda: _all_targets(events, rule, bus))
        found = next((item for item in pages or [] if item["Id"] == target), None)
        if found is None:
            return None
        shape = shaped.output_shape(aws, "events", "ListTargetsByRule").members["Targets"].member
        result: Properties = dict(shaped.from_aws(found, shape, self.renames, known))
        return {**result, "rule": rule, "eventBusName": bus, "region": aws.region}

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        self.create(aws, inputs)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        bus, rule, target = self._place(id_, inputs)
        absent(lambda: aws.client("events").remove_targets(Rule=rule, EventBusName=bus, Ids=[target]))

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return f"{_rule_id(inputs['eventBusName'], inputs['rule'])}-{inputs['targetId']}"


def _all_targets(events: Any, rule: str, bus: str) -> list[dict[str, Any]]:
    targets: list[dict[str, Any]] = []
    request: dict[str, Any] = {"Rule": rule, "EventBusName": bus}
    while True:
        answer = events.list_targets_by_rule(**request)
        targets += answer["Targets"]
        if not answer.get("NextToken"):
            return targets
        request["NextToken"] = answer["NextToken"]


@resource
class EventConnection(ShapedType):
    pulumi_type = "aws:cloudwatch/eventConnection:EventConnection"
    inputs = "name description authorizationType authParameters kmsKeyIdentifier invocationConnectivityParameters"
    outputs = "arn secretArn"
    required = "authorizationType authParameters"
    immutable = "name"
    named = "name"
    service = "events"
    create_operation, read_operation = "CreateConnection", "DescribeConnection"
    update_operation, delete_operation = "UpdateConnection", "DeleteConnection"
    arn_member = "ConnectionArn"
    renames: ClassVar[dict[str, str]] = {
        "apiKey": "ApiKeyAuthParameters",
        "basic": "BasicAuthParameters",
        "oauth": "OAuthParameters",
        "bodies": "BodyParameters",
        "headers": "HeaderParameters",
        "queryStrings": "QueryStringParameters",
        "oauthHttpParameters": "OAuthHttpParameters",
        "clientId": "ClientID",
    }

    def request(self, aws: Aws, operation: str, inputs: Properties) -> dict[str, Any]:
        given = dict(inputs)
        parameters = dict(given.get("authParameters") or {})
        key = parameters.get("apiKey")
        if key:
            parameters["apiKey"] = {"apiKeyName": key["key"], "apiKeyValue": key["value"]}
        given["authParameters"] = parameters
        return super().request(aws, operation, given)

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        """Secrets are never told: what the program gave stays."""
        found = self.describe(aws, id_)
        if found is None:
            return None
        return {
            "name": id_,
            "arn": found["ConnectionArn"],
            "secretArn": found.get("SecretArn"),
            "authorizationType": found["AuthorizationType"],
            "region": aws.region,
            **({"description": found["Description"]} if found.get("Description") else {}),
        }


@resource
class EventApiDestination(ShapedType):
    pulumi_type = "aws:cloudwatch/eventApiDestination:EventApiDestination"
    inputs = "name description connectionArn httpMethod invocationEndpoint invocationRateLimitPerSecond"
    outputs = "arn"
    required = "connectionArn httpMethod invocationEndpoint"
    immutable = "name"
    defaults: ClassVar[dict[str, Any]] = {"invocationRateLimitPerSecond": 300}
    named = "name"
    service = "events"
    create_operation, read_operation = "CreateApiDestination", "DescribeApiDestination"
    update_operation, delete_operation = "UpdateApiDestination", "DeleteApiDestination"
    arn_member = "ApiDestinationArn"
