"""CloudWatch alarms that tell EventBridge about their changes, and look at a metric as soon as it arrives.

LocalStack evaluates an alarm once a period and tells SNS. AWS, too, puts an event on the default bus at every change of
state ("CloudWatch Alarm State Change", Amazon CloudWatch user guide, "Alarm events and EventBridge").
"""

from __future__ import annotations

import datetime
import json
import logging
import threading
from typing import Any

from localstack.aws.api import handler
from localstack.aws.connect import connect_to
from localstack.runtime.shutdown import SHUTDOWN_HANDLERS
from localstack.services.cloudwatch.alarm_scheduler import COMPARISON_OPS, AlarmScheduler, calculate_alarm_state
from localstack.services.cloudwatch.provider_v2 import _STORE_LOCK, CloudwatchProvider
from localstack.utils.aws import arns

LOG = logging.getLogger(__name__)

SETTLE_SECONDS = 1.0
"""A datum counts once the second that it was put in is over."""

STATE_MEMBERS = ("StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp", "StateTransitionedTimestamp")


def timestamp(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def state(alarm: dict[str, Any]) -> dict[str, Any]:
    """The state of an alarm as the event tells it."""
    told = {
        "value": alarm["StateValue"],
        "reason": alarm["StateReason"],
        "timestamp": timestamp(alarm["StateUpdatedTimestamp"]),
    }
    if alarm.get("StateReasonData"):
        told["reasonData"] = alarm["StateReasonData"]
    return told


def detail(alarm: dict[str, Any], previous: dict[str, Any]) -> dict[str, Any]:
    """The event's detail for an alarm on one metric (or on other alarms)."""
    configuration: dict[str, Any] = {}
    if alarm.get("AlarmDescription"):
        configuration["description"] = alarm["AlarmDescription"]
    if alarm.get("MetricName"):
        configuration["metrics"] = [
            {
                "id": alarm["AlarmName"],
                "metricStat": {
                    "metric": {
                        "namespace": alarm.get("Namespace"),
                        "name": alarm["MetricName"],
                        "dimensions": {item["Name"]: item["Value"] for item in alarm.get("Dimensions") or []},
                    },
                    "period": alarm.get("Period"),
                    "stat": alarm.get("Statistic"),
                },
                "returnData": True,
            }
        ]
    elif alarm.get("AlarmRule"):
        configuration["alarmRule"] = alarm["AlarmRule"]
    return {
        "alarmName": alarm["AlarmName"],
        "state": state(alarm),
        "previousState": previous,
        "configuration": configuration,
    }


class EndingAlarmScheduler(AlarmScheduler):
    """Looks at alarms until the gateway ends, and never keeps it from ending.

    LocalStack's own does where CloudWatch is first needed when the gateway has begun to end: a function that is stopped
    then leaves a metric.
    """

    thread: threading.Thread | None

    def start(self) -> None:
        """Look at alarms from now on, in a thread of its own."""
        if not (self.thread and self.thread.is_alive()):
            self.thread = threading.Thread(target=self.scheduler.run, name="cloudwatch-scheduler", daemon=True)
            self.thread.start()
            SHUTDOWN_HANDLERS.register(self.shutdown)


class AlarmingCloudwatchProvider(CloudwatchProvider):
    """LocalStack's CloudWatch, with what its alarms lack."""

    def __init__(self) -> None:
        super().__init__()
        self.alarm_scheduler = EndingAlarmScheduler()

    def set_alarm_state(
        self,
        context: Any,
        alarm_name: str,
        state_value: str,
        state_reason: str,
        state_reason_data: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Set the state, and put the event if it is another one."""
        arn = arns.cloudwatch_alarm_arn(alarm_name, account_id=context.account_id, region_name=context.region)
        known = self.get_store(context.account_id, context.region).alarms.get(arn)
        with _STORE_LOCK:
            previous = state(known.alarm) if known else {}
            super().set_alarm_state(context, alarm_name, state_value, state_reason, state_reason_data, **kwargs)
        if known and previous["value"] != known.alarm["StateValue"]:
            self._put_event(context.account_id, context.region, arn, detail(known.alarm, previous))

    @handler("PutMetricAlarm", expand=False)
    def put_metric_alarm(self, context: Any, request: Any) -> None:
        """Create or change an alarm; one that exists keeps its state until it is evaluated, as on AWS."""
        arn = arns.cloudwatch_alarm_arn(request["AlarmName"], account_id=context.account_id, region_name=context.region)
        alarms = self.get_store(context.account_id, context.region).alarms
        known = alarms.get(arn)
        with _STORE_LOCK:  # the new alarm is evaluated at once, in another thread
            super().put_metric_alarm(context, request)
            if known and arn in alarms:
                alarms[arn].alarm.update({name: known.alarm[name] for name in STATE_MEMBERS if name in known.alarm})

    def put_metric_data(self, context: Any, namespace: str, metric_data: Any = None, *args: Any, **kwargs: Any) -> None:
        """Store the data, and have the alarms on these metrics look at them now instead of at their next period."""
        super().put_metric_data(context, namespace, metric_data, *args, **kwargs)
        names = {datum["MetricName"] for datum in metric_data or []}
        concerned = [
            arn
            for arn, alarm in self.get_store(context.account_id, context.region).alarms.items()
            if alarm.alarm.get("Namespace") == namespace
            and alarm.alarm.get("MetricName") in names
            and alarm.alarm.get("ComparisonOperator") in COMPARISON_OPS
        ]
        if concerned:
            threading.Timer(SETTLE_SECONDS, self._evaluate, [concerned]).start()

    @staticmethod
    def _evaluate(alarm_arns: list[str]) -> None:
        for arn in alarm_arns:
            try:
                calculate_alarm_state(arn)
            except Exception:
                LOG.exception("the alarm %s could not be evaluated", arn)

    @staticmethod
    def _put_event(account: str, region: str, arn: str, told: dict[str, Any]) -> None:
        connect_to(aws_access_key_id=account, region_name=region).events.put_events(
            Entries=[
                {
                    "Source": "aws.cloudwatch",
                    "DetailType": "CloudWatch Alarm State Change",
                    "Resources": [arn],
                    "Detail": json.dumps(told),
                }
            ]
        )
