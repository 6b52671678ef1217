"""Budgets' actions: what is to happen when a budget's threshold is passed, for instance a policy that stops spending.

Nothing costs anything here, so no threshold is ever passed: an action stands by, as it does on AWS until then, and cannot
be executed. (AWS Billing and Cost Management API reference: CreateBudgetAction, DescribeBudgetAction.)
"""

from __future__ import annotations

import uuid
from typing import Any

from localstack.aws.api import CommonServiceException

from penstock_gateway import budgets
from penstock_gateway.refusals import refusing

WHY = "nothing costs anything on the local cloud, so that no threshold is passed and no action has anything to do."
_MEMBERS = (
    "NotificationType", "ActionType", "ActionThreshold", "Definition", "ExecutionRoleArn", "ApprovalModel", "Subscribers"
)  # fmt: skip


def _actions(budget: Any) -> dict[str, dict[str, Any]]:
    """The actions of a budget: they go with it."""
    kept: dict[str, dict[str, Any]] = vars(budget).setdefault("actions", {})
    return kept


def _budget(context: Any, name: str) -> Any:
    return budgets._budget(context, name)


def _action(context: Any, budget: str, id_: str) -> dict[str, Any]:
    found = _actions(_budget(context, budget)).get(id_)
    if found is None:
        raise CommonServiceException("NotFoundException", f"Unable to find the action {id_} of the budget {budget}.")
    return found


def _told(action: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in action.items() if key != "tags"}


def _whose(request: Any) -> dict[str, Any]:
    return {"AccountId": request["AccountId"], "BudgetName": request["BudgetName"]}


def create(context: Any, request: Any) -> Any:
    """An action that stands by."""
    id_ = str(uuid.uuid4())
    action = {name: request[name] for name in _MEMBERS}
    action |= {"ActionId": id_, "BudgetName": request["BudgetName"], "Status": "STANDBY"}
    action["tags"] = {item["Key"]: item["Value"] for item in request.get("ResourceTags") or []}
    _actions(_budget(context, request["BudgetName"]))[id_] = action
    return {**_whose(request), "ActionId": id_}


def describe(context: Any, request: Any) -> Any:
    """One action."""
    return {**_whose(request), "Action": _told(_action(context, request["BudgetName"], request["ActionId"]))}


def describe_all(context: Any, request: Any) -> Any:
    """All actions of a budget, on one page."""
    found = _actions(_budget(context, request["BudgetName"])).values()
    return {"Actions": [_told(action) for action in found]}


def update(context: Any, request: Any) -> Any:
    """Change what is named."""
    action = _action(context, request["BudgetName"], request["ActionId"])
    old = _told(dict(action))
    action.update({name: request[name] for name in _MEMBERS if request.get(name) is not None})
    return {**_whose(request), "OldAction": old, "NewAction": _told(action)}


def delete(context: Any, request: Any) -> Any:
    """Forget an action."""
    action = _action(context, request["BudgetName"], request["ActionId"])
    del _actions(_budget(context, request["BudgetName"]))[request["ActionId"]]
    return {**_whose(request), "Action": _told(action)}


def _tags(context: Any, request: Any) -> dict[str, str] | None:
    """The tags of an action, `...:budget/NAME/action/ID`; None for anything else."""
    budget, separator, id_ = request["ResourceARN"].split(":", 5)[5].removeprefix("budget/").partition("/action/")
    if not separator:
        return None
    tags: dict[str, str] = _action(context, budget, id_)["tags"]
    return tags


def tag(context: Any, request: Any) -> Any:
    """Add tags to an action or a budget."""
    tags = _tags(context, request)
    if tags is None:
        return budgets.tag(context, request)
    tags.update({item["Key"]: item["Value"] for item in request["ResourceTags"]})
    return {}


def untag(context: Any, request: Any) -> Any:
    """Take tags from an action or a budget."""
    tags = _tags(context, request)
    if tags is None:
        return budgets.untag(context, request)
    for key in request["ResourceTagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags(context: Any, request: Any) -> Any:
    """The tags of an action or a budget."""
    tags = _tags(context, request)
    if tags is None:
        return budgets.list_tags(context, request)
    return {"ResourceTags": [{"Key": key, "Value": value} for key, value in tags.items()]}


HANDLERS = {
    "CreateBudgetAction": create,
    "DescribeBudgetAction": describe,
    "DescribeBudgetActionsForBudget": describe_all,
    "UpdateBudgetAction": update,
    "DeleteBudgetAction": delete,
    "TagResource": tag,
    "UntagResource": untag,
    "ListTagsForResource": list_tags,
    "ExecuteBudgetAction": refusing("Budgets", WHY),
    "DescribeBudgetActionHistories": refusing("Budgets", WHY),
}
