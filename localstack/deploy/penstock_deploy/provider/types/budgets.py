"""Budgets."""

from __future__ import annotations

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
        answer = absent(lambda: aws.client("budgets").describe_budget(AccountId=account, BudgetName=name), *_MISSING)
        if answer is None:
            return None
        found = answer["Budget"]
        limit = found.get("BudgetLimit") or {}
        return {
            "name": name,
            "accountId": account,
            "arn": f"arn:aws:budgets::{account}:budget/{name}",
            "budgetType": found["BudgetType"],
            "timeUnit": found["TimeUnit"],
            "limitAmount": limit.get("Amount"),
            "limitUnit": limit.get("Unit"),
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
