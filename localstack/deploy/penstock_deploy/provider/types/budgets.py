"""Budgets."""

from __future__ import annotations

import contextlib
import datetime
from typing import Any

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent
from penstock_deploy.provider.tagging import Tagging
from penstock_deploy.values import Properties

_MISSING = ("NotFoundException",)
_TAGGING = Tagging("budgets", arn="ResourceARN", tags="ResourceTags", keys="ResourceTagKeys")
_TIME = "%Y-%m-%d_%H:%M"


def _normal(notification: Properties) -> Properties:
    """A notification in one form: the threshold a number, subscribers sorted, no empty lists."""
    normal: Properties = {
        key: sorted(value) if isinstance(value, list) else value for key, value in notification.items() if value
    }
    threshold = normal.get("threshold")
    if isinstance(threshold, str | int | float):
        with contextlib.suppress(ValueError):
            normal["threshold"] = float(threshold)
    return normal


@resource
class Budget(ResourceType):
    pulumi_type = "aws:budgets/budget:Budget"
    inputs = (
        "name accountId budgetType limitAmount limitUnit timeUnit timePeriodStart timePeriodEnd costFilters costTypes "
        "notifications"
    )
    outputs = "arn accountId"
    required = "budgetType timeUnit"
    immutable = "name accountId"
    sets = "notifications costFilters"
    named = "name"
    prefix = "namePrefix"
    name_limit = 100
    taggable = True
    regional = False

    def canonical(self, name: str, value: Any) -> Any:
        if name == "limitAmount" and value is not None:
            try:
                return float(value)
            except ValueError:
                return value
        if name == "notifications" and isinstance(value, list):
            value = [_normal(item) for item in value]
        return super().canonical(name, value)

    def _budget(self, inputs: Properties) -> dict[str, Any]:
        budget: dict[str, Any] = {
            "BudgetName": inputs["name"],
            "BudgetType": inputs["budgetType"],
            "TimeUnit": inputs["timeUnit"],
        }
        if inputs.get("limitAmount"):
            budget["BudgetLimit"] = {"Amount": str(inputs["limitAmount"]), "Unit": inputs.get("limitUnit") or "USD"}
        filters = {item["name"]: item["values"] for item in inputs.get("costFilters") or []}
        if filters:
            budget["CostFilters"] = filters
        types = inputs.get("costTypes")
        if types:
            budget["CostTypes"] = {key[:1].upper() + key[1:]: value for key, value in types.items()}
        period = {
            theirs: datetime.datetime.strptime(inputs[ours], _TIME).replace(tzinfo=datetime.UTC)
            for ours, theirs in (("timePeriodStart", "Start"), ("timePeriodEnd", "End"))
            if inputs.get(ours)
        }
        if period:
            budget["TimePeriod"] = period
        return budget

    @staticmethod
    def _notification(item: Properties) -> dict[str, Any]:
        return {
            "NotificationType": item["notificationType"],
            "ComparisonOperator": item["comparisonOperator"],
            "Threshold": float(item["threshold"]),
            "ThresholdType": item["thresholdType"],
        }

    @staticmethod
    def _subscribers(item: Properties) -> list[dict[str, str]]:
        found = [
            {"SubscriptionType": "EMAIL", "Address": address} for address in item.get("subscriberEmailAddresses") or []
        ]
        found += [{"SubscriptionType": "SNS", "Address": arn} for arn in item.get("subscriberSnsTopicArns") or []]
        return found

    def create(self, aws: Aws, inputs: Properties) -> str:
        account = inputs.get("accountId") or aws.account
        aws.client("budgets").create_budget(
            AccountId=account,
            Budget=self._budget(inputs),
            NotificationsWithSubscribers=[
                {"Notification": self._notification(item), "Subscribers": self._subscribers(item)}
                for item in inputs.get("notifications") or []
            ],
            **({"ResourceTags": _TAGGING.wrap(inputs["tags"])} if inputs.get("tags") else {}),
        )
        return f"{account}:{inputs['name']}"

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        account, name = id_.split(":", 1)
        budgets = aws.client("budgets")
        answer = absent(lambda: budgets.describe_budget(AccountId=account, BudgetName=name), *_MISSING)
        if answer is None:
            return None
        found = answer["Budget"]
        limit = found.get("BudgetLimit") or {}
        arn = f"arn:aws:budgets::{account}:budget/{name}"
        who = {"AccountId": account, "BudgetName": name}
        notifications = budgets.describe_notifications_for_budget(**who).get("Notifications") or []
        return {
            "name": name,
            "accountId": account,
            "arn": arn,
            "budgetType": found["BudgetType"],
            "timeUnit": found["TimeUnit"],
            "limitAmount": limit.get("Amount"),
            "limitUnit": limit.get("Unit"),
            "costFilters": [
                {"name": key, "values": values} for key, values in (found.get("CostFilters") or {}).items()
            ],
            "notifications": [self._told(budgets, who, item) for item in notifications],
            "tags": _TAGGING.read(aws, arn),
        }

    @staticmethod
    def _told(budgets: Any, who: dict[str, str], item: dict[str, Any]) -> Properties:
        """A notification with its subscribers, in Pulumi's names."""
        notification = {key: value for key, value in item.items() if key != "NotificationState"}
        subscribers = budgets.describe_subscribers_for_notification(**who, Notification=notification)["Subscribers"]
        by_kind = {
            kind: [entry["Address"] for entry in subscribers if entry["SubscriptionType"] == kind]
            for kind in ("EMAIL", "SNS")
        }
        return {
            "notificationType": item["NotificationType"],
            "comparisonOperator": item["ComparisonOperator"],
            "threshold": item["Threshold"],
            "thresholdType": item["ThresholdType"],
            "subscriberEmailAddresses": by_kind["EMAIL"],
            "subscriberSnsTopicArns": by_kind["SNS"],
        }

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        budgets = aws.client("budgets")
        account, name = id_.split(":", 1)
        if changed - {"tags", "notifications"}:
            budgets.update_budget(AccountId=account, NewBudget=self._budget(inputs))
        if "notifications" in changed:
            who = {"AccountId": account, "BudgetName": name}
            for item in old.get("notifications") or []:
                absent(
                    lambda item=item: budgets.delete_notification(**who, Notification=self._notification(item)),  # type: ignore[misc]
                    *_MISSING,
                )
            for item in inputs.get("notifications") or []:
                budgets.create_notification(
                    **who, Notification=self._notification(item), Subscribers=self._subscribers(item)
                )
        if "tags" in changed:
            _TAGGING.sync(aws, f"arn:aws:budgets::{account}:budget/{name}", inputs, old)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        account, name = id_.split(":", 1)
        absent(lambda: aws.client("budgets").delete_budget(AccountId=account, BudgetName=name), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        return f"{inputs.get('accountId') or aws.account}:{inputs['name']}"


@resource
class BudgetAction(ResourceType):
    pulumi_type = "aws:budgets/budgetAction:BudgetAction"
    inputs = (
        "accountId budgetName actionThreshold actionType approvalModel definition executionRoleArn notificationType "
        "subscribers"
    )
    outputs = "arn accountId actionId status"
    required = (
        "budgetName actionThreshold actionType approvalModel definition executionRoleArn notificationType subscribers"
    )
    immutable = "accountId budgetName actionType"
    sets = "subscribers"
    taggable = True
    regional = False

    def _request(self, inputs: Properties) -> dict[str, Any]:
        threshold = inputs["actionThreshold"]
        request: dict[str, Any] = {
            "BudgetName": inputs["budgetName"],
            "NotificationType": inputs["notificationType"],
            "ActionThreshold": {
                "ActionThresholdType": threshold["actionThresholdType"],
                "ActionThresholdValue": float(threshold["actionThresholdValue"]),
            },
            "Definition": {
                f"{kind[:1].upper()}{kind[1:]}": {f"{key[:1].upper()}{key[1:]}": item for key, item in value.items()}
                for kind, value in inputs["definition"].items()
                if value
            },
            "ExecutionRoleArn": inputs["executionRoleArn"],
            "ApprovalModel": inputs["approvalModel"],
            "Subscribers": [
                {"SubscriptionType": item["subscriptionType"], "Address": item["address"]}
                for item in inputs["subscribers"]
            ],
        }
        return request

    @staticmethod
    def _parts(id_: str) -> dict[str, str]:
        account, action, budget = id_.split(":", 2)
        return {"AccountId": account, "BudgetName": budget, "ActionId": action}

    @staticmethod
    def _arn(id_: str) -> str:
        account, action, budget = id_.split(":", 2)
        return f"arn:aws:budgets::{account}:budget/{budget}/action/{action}"

    def create(self, aws: Aws, inputs: Properties) -> str:
        account = inputs.get("accountId") or aws.account
        request = {**self._request(inputs), "AccountId": account, "ActionType": inputs["actionType"]}
        if inputs.get("tags"):
            request["ResourceTags"] = _TAGGING.wrap(inputs["tags"])
        answer = aws.call("budgets", "CreateBudgetAction", request)
        return f"{account}:{answer['ActionId']}:{inputs['budgetName']}"

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        parts = self._parts(id_)
        answer = absent(lambda: aws.call("budgets", "DescribeBudgetAction", parts), *_MISSING)
        if answer is None:
            return None
        found = answer["Action"]
        threshold = found["ActionThreshold"]
        return {
            "arn": self._arn(id_),
            "accountId": parts["AccountId"],
            "actionId": parts["ActionId"],
            "budgetName": parts["BudgetName"],
            "status": found["Status"],
            "notificationType": found["NotificationType"],
            "actionType": found["ActionType"],
            "actionThreshold": {
                "actionThresholdType": threshold["ActionThresholdType"],
                "actionThresholdValue": threshold["ActionThresholdValue"],
            },
            "definition": {
                f"{kind[:1].lower()}{kind[1:]}": {f"{key[:1].lower()}{key[1:]}": item for key, item in value.items()}
                for kind, value in found["Definition"].items()
            },
            "executionRoleArn": found["ExecutionRoleArn"],
            "approvalModel": found["ApprovalModel"],
            "subscribers": [
                {"subscriptionType": item["SubscriptionType"], "address": item["Address"]}
                for item in found["Subscribers"]
            ],
            "tags": _TAGGING.read(aws, self._arn(id_)),
        }

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        if changed - {"tags"}:
            aws.call("budgets", "UpdateBudgetAction", {**self._request(inputs), **self._parts(id_)})
        if "tags" in changed:
            _TAGGING.sync(aws, self._arn(id_), inputs, old)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.call("budgets", "DeleteBudgetAction", self._parts(id_)), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        """AWS chooses the id: the budget's action of this type that attaches the same."""
        account = inputs.get("accountId") or aws.account
        who = {"AccountId": account, "BudgetName": inputs["budgetName"]}
        answer = absent(lambda: aws.call("budgets", "DescribeBudgetActionsForBudget", who), *_MISSING)
        wanted = self._request(inputs)
        for item in (answer or {}).get("Actions") or []:
            if (item["ActionType"], item["Definition"]) == (inputs["actionType"], wanted["Definition"]):
                return f"{account}:{item['ActionId']}:{inputs['budgetName']}"
        return None
