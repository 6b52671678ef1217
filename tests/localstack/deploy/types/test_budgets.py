"""Budgets on a local cloud: made, unchanged, drifted, changed, gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.localstack.deploy.round_trip import changed, client, find_again, project, run

pytestmark = pytest.mark.cloud

ACCOUNT = "000000000000"
PROGRAM = """
def told(kind, threshold):
    return {"notification_type": kind, "comparison_operator": "GREATER_THAN", "threshold": threshold,
        "threshold_type": "PERCENTAGE", "subscriber_email_addresses": [f"team{v}@example.com"],
        "subscriber_sns_topic_arns": ["arn:aws:sns:us-east-1:000000000000:costs"]}
budget = aws.budgets.Budget("all", name="types-all", budget_type="COST", time_unit="MONTHLY", limit_unit="USD",
    limit_amount="100" if one else "250", tags={"v": v},
    cost_filters=[{"name": "TagKeyValue", "values": [f"user:Environment$dev{v}"]}],
    notifications=[told("ACTUAL", 50), told("ACTUAL", 100), told("FORECASTED", 100)][: 3 if one else 2])
pulumi.export("arn", budget.arn)
"""


def test_round_trip(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    first = project(tmp_path, cloud_environment, "budgets", PROGRAM)
    budgets = client(cloud_environment, "budgets")
    who = {"AccountId": ACCOUNT, "BudgetName": "types-all"}
    try:
        arn = run(first, "up").outputs["arn"]
        assert arn == f"arn:aws:budgets::{ACCOUNT}:budget/types-all"
        for operation in ("preview", "refresh", "up"):
            assert run(first, operation).changes == [], operation
        find_again(first, cloud_environment)
        assert budgets.describe_budget(**who)["Budget"]["CostFilters"] == {"TagKeyValue": ["user:Environment$dev1"]}
        assert budgets.list_tags_for_resource(ResourceARN=arn)["ResourceTags"] == [{"Key": "v", "Value": "1"}]

        # Somebody silences the forecast, raises the limit and takes the tag away.
        (forecast,) = [
            item
            for item in budgets.describe_notifications_for_budget(**who)["Notifications"]
            if item["NotificationType"] == "FORECASTED"
        ]
        budgets.delete_notification(**who, Notification=forecast)
        present = budgets.describe_budget(**who)["Budget"]
        raised = {**present, "BudgetLimit": {"Amount": "9999", "Unit": "USD"}}
        budgets.update_budget(AccountId=ACCOUNT, NewBudget=raised)
        budgets.untag_resource(ResourceARN=arn, ResourceTagKeys=["v"])
        drift = run(first, "refresh")
        assert changed(drift) == [("update", "all")]
        assert run(first, "up").counts["update"] == 1
        assert budgets.describe_budget(**who)["Budget"]["BudgetLimit"]["Amount"] == "100"
        assert len(budgets.describe_notifications_for_budget(**who)["Notifications"]) == 3
        assert run(first, "refresh").changes == []

        second = project(tmp_path, cloud_environment, "budgets", PROGRAM, "2")
        assert changed(run(second, "up")) == [("update", "all")]
        assert run(second, "refresh").changes == []
        live = budgets.describe_budget(**who)["Budget"]
        assert live["BudgetLimit"] == {"Amount": "250", "Unit": "USD"}
        assert live["CostFilters"] == {"TagKeyValue": ["user:Environment$dev2"]}
        left = budgets.describe_notifications_for_budget(**who)["Notifications"]
        assert [item["NotificationType"] for item in left] == ["ACTUAL", "ACTUAL"]
        told = budgets.describe_subscribers_for_notification(**who, Notification=left[0])["Subscribers"]
        assert {entry["Address"] for entry in told} == {"team2@example.com", "arn:aws:sns:us-east-1:000000000000:costs"}
    finally:
        assert first.destroy().ok
    assert first.resources() == []
    assert budgets.describe_budgets(AccountId=ACCOUNT)["Budgets"] == []
