"""What moto's budgets lack: changing one in place, its tags, and who is told. Records, as the rest of moto's budgets.

No money is counted here: a local budget never goes off.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

type Handler = Callable[[Any, Any], dict[str, Any]]


def _backend(context: Any) -> Any:
    from moto.budgets.models import budgets_backends

    return budgets_backends[context.account_id][context.partition]


def _missing(what: str) -> Exception:
    from localstack.aws.api import CommonServiceException

    error: Exception = CommonServiceException("NotFoundException", what)
    return error


def _budget(context: Any, name: str) -> Any:
    """The record of a budget. Raises AWS's NotFoundException."""
    found = _backend(context).budgets[context.account_id].get(name)
    if found is None:
        raise _missing(f"Unable to get budget: {name} - the budget doesn't exist.")
    return found


def _tagged(context: Any, request: Any) -> Any:
    return _budget(context, str(request["ResourceARN"]).rsplit("/", 1)[-1])


def _tags(budget: Any) -> dict[str, str]:
    """A budget's tags; one that was kept without any gets an empty set."""
    if not hasattr(budget, "tags"):
        budget.tags = {}
    return budget.tags  # type: ignore[no-any-return]


def create_budget(context: Any, request: Any) -> dict[str, Any]:
    """moto's, which forgets the tags."""
    from localstack.services.moto import call_moto

    answer: dict[str, Any] = dict(call_moto(context))
    created = _budget(context, request["Budget"]["BudgetName"])
    _tags(created).update({tag["Key"]: tag["Value"] for tag in request.get("ResourceTags") or []})
    return answer


def update_budget(context: Any, request: Any) -> dict[str, Any]:
    """The whole definition anew; notifications stay. moto keeps budgets as they came over the wire, so does this."""
    budget = _budget(context, request["NewBudget"]["BudgetName"])
    given = json.loads(context.request.get_data())["NewBudget"]
    budget.budget = {"TimePeriod": budget.budget["TimePeriod"], **given}
    return {}


def describe_subscribers(context: Any, request: Any) -> dict[str, Any]:
    """Who is told by one notification of a budget."""
    wanted = _plain(request["Notification"])
    for notification in _budget(context, request["BudgetName"]).notifications:
        if _plain(notification.details) == wanted:
            return {"Subscribers": notification.subscribers}
    raise _missing("Unable to find the notification of the budget.")


def _plain(notification: Any) -> tuple[Any, ...]:
    return (
        notification["NotificationType"],
        notification["ComparisonOperator"],
        float(notification["Threshold"]),
        notification.get("ThresholdType") or "PERCENTAGE",
    )


def list_tags(context: Any, request: Any) -> dict[str, Any]:
    """The tags of a budget."""
    tags = _tags(_tagged(context, request))
    return {"ResourceTags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def tag(context: Any, request: Any) -> dict[str, Any]:
    """Adds tags to a budget."""
    _tags(_tagged(context, request)).update({item["Key"]: item["Value"] for item in request["ResourceTags"]})
    return {}


def untag(context: Any, request: Any) -> dict[str, Any]:
    """Takes tags from a budget."""
    tags = _tags(_tagged(context, request))
    for key in request["ResourceTagKeys"]:
        tags.pop(key, None)
    return {}


HANDLERS: dict[str, Handler] = {
    "CreateBudget": create_budget,
    "UpdateBudget": update_budget,
    "DescribeSubscribersForNotification": describe_subscribers,
    "ListTagsForResource": list_tags,
    "TagResource": tag,
    "UntagResource": untag,
}
