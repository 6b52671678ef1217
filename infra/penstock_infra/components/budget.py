"""A monthly budget for what carries one cost tag."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_aws import budgets
from pydantic import Field

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.components.notification_topic import Email
from penstock_infra.inputs import Text
from penstock_infra.tags import CostTag

MOST_ADDRESSES = 10
"""AWS Budgets mails one notification to at most 10 addresses and one topic."""


class BudgetArguments(Arguments):
    """What is counted, how much it may cost, when to tell, and whom."""

    cost_tag: CostTag = Field(description="what is counted: TAG=VALUE; the tag must be active for cost allocation")
    monthly_limit: float = Field(gt=0, description="the budget, in USD a month")
    actual_percents: tuple[int, ...] = Field(
        default=(50, 80, 100), min_length=1, max_length=9, description="tell when so much has been spent, in percent"
    )
    forecast_percent: int = Field(
        default=100, ge=1, le=1000, description="tell when the month is going to cost so much, in percent"
    )
    topic_arn: Text = Field(description="the topic that is told; its policy must let AWS Budgets publish")
    emails: tuple[Email, ...] = Field(default=(), max_length=MOST_ADDRESSES, description="addresses told besides")


class Budget(Component):
    """An AWS budget that tells when one cost tag's month has cost, or is going to cost, too much. It stops nothing.

    AWS counts by tag only what was tagged while the tag was active for cost allocation (the payer account activates it,
    once), updates the figures a few times a day, and forecasts after about five weeks of use. Free.
    """

    TYPE = "penstock:operations:Budget"

    budget_name: str
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: BudgetArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.budget_name = args.placement.name(naming.BUDGET, args.cost_tag.replace("=", "-"))
        tag, _, value = args.cost_tag.partition("=")
        budget = budgets.Budget(
            name,
            name=self.budget_name,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=amount(args.monthly_limit),
            limit_unit="USD",
            # `user:` marks tags of one's own among the cost allocation tags.
            cost_filters=[{"name": "TagKeyValue", "values": [f"user:{tag}${value}"]}],
            notifications=notifications(args),
            tags=self.tags,
            opts=self.child(),
        )
        self.arn = budget.arn
        self.finish({"budgetName": self.budget_name, "arn": self.arn})


def amount(usd: float) -> str:
    """USD as AWS writes them: whole, or with cents."""
    return f"{usd:.0f}" if usd == int(usd) else f"{usd:.2f}"


def notifications(args: BudgetArguments) -> list[dict[str, Any]]:
    """One for each percentage that was spent, and one for what the month is going to cost."""
    limits = [("ACTUAL", percent) for percent in sorted(set(args.actual_percents))]
    return [
        {
            "notification_type": kind,
            "comparison_operator": "GREATER_THAN",
            "threshold": percent,
            "threshold_type": "PERCENTAGE",
            "subscriber_sns_topic_arns": [args.topic_arn],
            **({"subscriber_email_addresses": list(args.emails)} if args.emails else {}),
        }
        for kind, percent in [*limits, ("FORECASTED", args.forecast_percent)]
    ]
