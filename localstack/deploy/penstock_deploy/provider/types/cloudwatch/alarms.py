"""Alarms on metrics."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider import shaped
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import absent
from penstock_deploy.provider.shaped_type import ShapedType
from penstock_deploy.provider.tagging import Tagging
from penstock_deploy.values import Properties

_ALARMS = Tagging("cloudwatch", arn="ResourceARN")


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
