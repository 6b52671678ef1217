"""What a budget counts, and when it tells."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from penstock_infra.components.budget import Budget, BudgetArguments, amount
from penstock_infra.placement import Placement

TOPIC = "arn:aws:sns:eu-central-1:123456789012:costs"
EXAMPLES: dict[str, dict[str, Any]] = {
    "Budget": {"cost_tag": "Environment=prod", "monthly_limit": 1000, "topic_arn": TOPIC},
}


def run_budget(run_program: Any, placement: Placement, **changes: Any) -> dict[str, Any]:
    arguments = BudgetArguments(placement=placement, **{**EXAMPLES["Budget"], **changes})
    run = run_program(lambda: Budget("all", arguments))
    inputs: dict[str, Any] = run.one("aws:budgets/budget:Budget").inputs
    return inputs


def test_it_counts_one_cost_tag_by_the_month(run_program: Any, placement: Placement) -> None:
    inputs = run_budget(run_program, placement, cost_tag="Project=flight-delays", monthly_limit=250.5)
    assert inputs["costFilters"] == [{"name": "TagKeyValue", "values": ["user:Project$flight-delays"]}]
    assert (inputs["limitAmount"], inputs["limitUnit"], inputs["timeUnit"]) == ("250.50", "USD", "MONTHLY")
    assert inputs["budgetType"] == "COST"
    assert inputs["name"].startswith("penstock-prod-Project-flight-delays-")
    assert inputs["tags"] == placement.tags.as_dict()


def test_it_tells_of_what_was_spent_and_of_what_will_be(run_program: Any, placement: Placement) -> None:
    inputs = run_budget(run_program, placement, emails=("boss@example.com",), forecast_percent=110)
    told = [(item["notificationType"], item["threshold"]) for item in inputs["notifications"]]
    assert told == [("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 110)]
    for item in inputs["notifications"]:
        assert item["subscriberSnsTopicArns"] == [TOPIC]
        assert item["subscriberEmailAddresses"] == ["boss@example.com"]
        assert (item["comparisonOperator"], item["thresholdType"]) == ("GREATER_THAN", "PERCENTAGE")


def test_nobody_is_mailed_directly_unless_asked(run_program: Any, placement: Placement) -> None:
    assert "subscriberEmailAddresses" not in run_budget(run_program, placement)["notifications"][0]


@pytest.mark.parametrize(("usd", "text"), [(1000, "1000"), (1_000_000.0, "1000000"), (0.5, "0.50"), (99.999, "100.00")])
def test_amounts_as_aws_writes_them(usd: float, text: str) -> None:
    assert amount(usd) == text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"cost_tag": "flight-delays"}, "write TAG=VALUE"),
        ({"cost_tag": "Project="}, "write TAG=VALUE"),
        ({"monthly_limit": 0}, "greater than 0"),
        ({"actual_percents": ()}, "at least 1 item"),
        ({"emails": tuple(f"p{n}@example.com" for n in range(11))}, "at most 10 items"),
    ],
)
def test_what_is_wrong_is_refused(placement: Placement, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        BudgetArguments(placement=placement, **{**EXAMPLES["Budget"], **changes})
