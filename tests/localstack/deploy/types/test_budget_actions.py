"""Budgets' actions against a local cloud, where nothing costs anything and so none of them ever goes off."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.localstack.deploy.round_trip import client, project, round_trip, run

from penstock_deploy import Deployment

pytestmark = pytest.mark.cloud

PROGRAM = """
    document = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": ["sagemaker:CreateTrainingJob"], "Resource": "*"}]})
    policy = aws.iam.Policy("stop", policy=document)
    role = aws.iam.Role("budgets", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "budgets.amazonaws.com"}}]}))
    budget = aws.budgets.Budget("budget", name=f"types-actions", budget_type="COST", time_unit="MONTHLY",
        limit_amount="100", limit_unit="USD")
    action = aws.budgets.BudgetAction("action", budget_name=budget.name, action_type="APPLY_IAM_POLICY",
        approval_model="AUTOMATIC" if one else "MANUAL", notification_type="ACTUAL", execution_role_arn=role.arn,
        action_threshold={"action_threshold_type": "PERCENTAGE", "action_threshold_value": 100 if one else 90},
        definition={"iam_action_definition": {"policy_arn": policy.arn, "roles": [role.name]}},
        subscribers=[{"subscription_type": "EMAIL", "address": "a@example.com"}], tags={"v": v})
    pulumi.export("id", action.action_id)
"""
WHO = {"AccountId": "000000000000", "BudgetName": "types-actions"}


def test_budget_actions(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    budgets = client(cloud_environment, "budgets")

    def between(deployment: Deployment) -> None:
        (action,) = budgets.describe_budget_actions_for_budget(**WHO)["Actions"]
        assert action["ActionId"] == deployment.outputs()["id"]
        assert (action["Status"], action["ApprovalModel"]) == ("STANDBY", "AUTOMATIC")
        with pytest.raises(ClientError, match="ExecuteBudgetAction is not implemented by Penstock's local Budgets"):
            budgets.execute_budget_action(**WHO, ActionId=action["ActionId"], ExecutionType="APPROVE_BUDGET_ACTION")

    round_trip(tmp_path, cloud_environment, "actions", PROGRAM, update=1, between=between)


def test_a_change_by_hand_is_found_and_mended(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    budgets = client(cloud_environment, "budgets")
    deployment = project(tmp_path, cloud_environment, "mended", PROGRAM)
    try:
        id_ = run(deployment, "up").outputs["id"]
        budgets.update_budget_action(**WHO, ActionId=id_, ApprovalModel="MANUAL")
        assert run(deployment, "refresh").counts["update"] == 1
        assert run(deployment, "up").counts["update"] == 1
        assert budgets.describe_budget_action(**WHO, ActionId=id_)["Action"]["ApprovalModel"] == "AUTOMATIC"
    finally:
        deployment.destroy()
