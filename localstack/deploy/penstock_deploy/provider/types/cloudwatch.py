"""CloudWatch and EventBridge: rules, targets, connections, API destinations, alarms, log groups."""

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
_ALARMS = Tagging("cloudwatch", arn="ResourceARN")
_LOGS = Tagging("logs", arn="resourceArn", tags="tags", keys="tagKeys", as_map=True)
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


@resource
class MetricAlarm(ShapedType):
    pulumi_type = "aws:cloudwatch/metricAlarm:MetricAlarm"
    inputs = (
        "name comparisonOperator evaluationPeriods datapointsToAlarm metricName namespace period statistic "
        "extendedStatistic threshold thresholdMetricId actionsEnabled alarmActions okActions insufficientDataActions "
        "alarmDescription dimensions unit treatMissingData evaluateLowSampleCountPercentiles metricQueries"
    )
    outputs = "arn"
    required = "comparisonOperator evaluationPeriods"
    immutable = "name"
    defaults: ClassVar[dict[str, Any]] = {"actionsEnabled": True, "treatMissingData": "missing"}
    sets = "alarmActions okActions insufficientDataActions"
    named = "name"
    name_limit = 255
    taggable = True
    service = "cloudwatch"
    create_operation = update_operation = "PutMetricAlarm"
    tagging = _ALARMS
    renames: ClassVar[dict[str, str]] = {
        "name": "AlarmName",
        "okActions": "OKActions",
        "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
        "metricQueries": "Metrics",
        "metric": "MetricStat",
    }

    def canonical(self, name: str, value: Any) -> Any:
        if name in ("threshold", "period", "evaluationPeriods", "datapointsToAlarm") and value is not None:
            return float(value)
        return super().canonical(name, value)

    def request(self, aws: Aws, operation: str, inputs: Properties) -> dict[str, Any]:
        given = {name: value for name, value in inputs.items() if name not in ("dimensions", "metricQueries")}
        request = super().request(aws, operation, given)
        if inputs.get("dimensions"):
            request["Dimensions"] = _dimensions(inputs["dimensions"])
        if inputs.get("metricQueries"):
            request["Metrics"] = [_query(item) for item in inputs["metricQueries"]]
        return request

    def create(self, aws: Aws, inputs: Properties) -> str:
        """PutMetricAlarm takes tags for a new alarm only, and LocalStack never: they are put on by themselves."""
        id_ = super().create(aws, {**inputs, "tags": None})
        if inputs.get("tags"):
            _ALARMS.sync(aws, aws.arn("cloudwatch", f"alarm:{id_}"), inputs, {})
        return id_

    def describe(self, aws: Aws, id_: str) -> dict[str, Any] | None:
        found = aws.client("cloudwatch").describe_alarms(AlarmNames=[id_], AlarmTypes=["MetricAlarm"])
        return found["MetricAlarms"][0] if found["MetricAlarms"] else None

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        found = self.describe(aws, id_)
        if found is None:
            return None
        shape = shaped.output_shape(aws, "cloudwatch", "DescribeAlarms").members["MetricAlarms"].member
        bare = {name: value for name, value in found.items() if name not in ("Dimensions", "Metrics")}
        result: Properties = dict(shaped.from_aws(bare, shape, self.renames, known))
        result = {name: value for name, value in result.items() if name in self.names["inputs"]}
        result["dimensions"] = {item["Name"]: item["Value"] for item in found.get("Dimensions", [])} or None
        tags = _ALARMS.read(aws, found["AlarmArn"])
        return {**result, "name": id_, "arn": found["AlarmArn"], "region": aws.region, "tags": tags}

    def arn(self, aws: Aws, id_: str, found: dict[str, Any]) -> str:  # noqa: ARG002
        return str(found["AlarmArn"])

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.client("cloudwatch").delete_alarms(AlarmNames=[id_]))


def _dimensions(dimensions: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in sorted(dimensions.items())]


def _query(item: Properties) -> dict[str, Any]:
    result: dict[str, Any] = {"Id": item["id"]}
    for ours, theirs in (("expression", "Expression"), ("label", "Label"), ("accountId", "AccountId")):
        if item.get(ours):
            result[theirs] = item[ours]
    if item.get("returnData") is not None:
        result["ReturnData"] = item["returnData"]
    metric = item.get("metric")
    if metric:
        result["MetricStat"] = {
            "Metric": {
                "MetricName": metric["metricName"],
                "Namespace": metric.get("namespace", ""),
                "Dimensions": _dimensions(metric.get("dimensions") or {}),
            },
            "Period": int(metric["period"]),
            "Stat": metric["stat"],
            **({"Unit": metric["unit"]} if metric.get("unit") else {}),
        }
    elif item.get("period"):
        result["Period"] = int(item["period"])
    return result


@resource
class LogGroup(ResourceType):
    pulumi_type = "aws:cloudwatch/logGroup:LogGroup"
    inputs = "name retentionInDays kmsKeyId logGroupClass skipDestroy"
    outputs = "arn"
    immutable = "name logGroupClass"
    defaults: ClassVar[dict[str, Any]] = {"retentionInDays": 0, "skipDestroy": False}
    named = "name"
    prefix = "namePrefix"
    name_limit = 512
    taggable = True

    def create(self, aws: Aws, inputs: Properties) -> str:
        request: dict[str, Any] = {"logGroupName": inputs["name"]}
        if inputs.get("kmsKeyId"):
            request["kmsKeyId"] = inputs["kmsKeyId"]
        if inputs.get("tags"):
            request["tags"] = inputs["tags"]
        if inputs.get("logGroupClass"):
            request["logGroupClass"] = inputs["logGroupClass"]
        aws.client("logs").create_log_group(**request)
        aws.made = str(inputs["name"])
        self._retain(aws, inputs["name"], inputs)
        return str(inputs["name"])

    @staticmethod
    def _retain(aws: Aws, name: str, inputs: Properties) -> None:
        days = int(inputs.get("retentionInDays") or 0)
        if days:
            aws.client("logs").put_retention_policy(logGroupName=name, retentionInDays=days)

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        pages = aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=id_)
        found = next((item for page in pages for item in page["logGroups"] if item["logGroupName"] == id_), None)
        if found is None:
            return None
        arn = str(found["arn"]).removesuffix(":*")
        return {
            "name": id_,
            "arn": arn,
            "retentionInDays": found.get("retentionInDays", 0),
            "kmsKeyId": found.get("kmsKeyId"),
            "region": aws.region,
            "tags": _LOGS.read(aws, arn),
        }

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        logs = aws.client("logs")
        if "retentionInDays" in changed:
            if inputs.get("retentionInDays"):
                self._retain(aws, id_, inputs)
            else:
                logs.delete_retention_policy(logGroupName=id_)
        if "kmsKeyId" in changed:
            if inputs.get("kmsKeyId"):
                logs.associate_kms_key(logGroupName=id_, kmsKeyId=inputs["kmsKeyId"])
            else:
                logs.disassociate_kms_key(logGroupName=id_)
        if "tags" in changed:
            _LOGS.sync(aws, aws.arn("logs", f"log-group:{id_}"), inputs, old)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        if not inputs.get("skipDestroy"):
            absent(lambda: aws.client("logs").delete_log_group(logGroupName=id_))

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["name"])
