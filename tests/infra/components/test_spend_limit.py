"""The limit on spending: what it counts, whom it stops, what it denies, and how little its role may do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from penstock_infra import naming
from penstock_infra.components.permissions_boundary import PermissionsBoundary, PermissionsBoundaryArguments
from penstock_infra.components.spend_limit import SpendLimit, SpendLimitArguments
from penstock_infra.components.spend_limit_role import SpendLimitRole, SpendLimitRoleArguments
from penstock_infra.placement import Placement

BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:costs"
TRAINING = "arn:aws:iam::123456789012:role/penstock-prod-training-1"
EXAMPLES: dict[str, dict[str, Any]] = {
    "SpendLimit": {
        "monthly_usd": 500,
        "role_names": ("penstock-prod-training-1", "penstock-prod-studio-2"),
        "permissions_boundary_arn": BOUNDARY,
        "topic_arn": TOPIC,
    },
    "SpendLimitRole": {"permissions_boundary_arn": BOUNDARY, "role_arns": (TRAINING,)},
}


def limit(run_program: Any, placement: Placement) -> Any:
    arguments = SpendLimitArguments(placement=placement, emails=("boss@example.com",), **EXAMPLES["SpendLimit"])
    return run_program(lambda: SpendLimit("example", arguments))


def test_it_counts_sagemaker_and_emr_of_this_stack(run_program: Any, placement: Placement) -> None:
    run = limit(run_program, placement)
    budget = run.one("aws:budgets/budget:Budget").inputs
    assert budget["costFilters"] == [
        {"name": "Service", "values": ["Amazon SageMaker", "EMR Serverless"]},
        {"name": "TagKeyValue", "values": ["user:Environment$prod"]},
    ]
    assert (budget["budgetType"], budget["timeUnit"], budget["limitAmount"]) == ("COST", "MONTHLY", "500")
    assert budget["tags"] == placement.tags.as_dict()


def test_at_the_limit_the_roles_are_denied_by_themselves(run_program: Any, placement: Placement) -> None:
    run = limit(run_program, placement)
    action = run.one("aws:budgets/budgetAction:BudgetAction").inputs
    policy = run.one("aws:iam/policy:Policy")
    arn = f"arn:aws:iam::123456789012:policy/{policy.inputs['name']}"
    assert (action["actionType"], action["approvalModel"]) == ("APPLY_IAM_POLICY", "AUTOMATIC")
    assert action["actionThreshold"] == {"actionThresholdType": "PERCENTAGE", "actionThresholdValue": 100}
    assert action["notificationType"] == "ACTUAL"
    assert action["definition"]["iamActionDefinition"] == {
        "policyArn": arn,
        "roles": ["penstock-prod-training-1", "penstock-prod-studio-2"],
    }
    assert action["subscribers"] == [
        {"subscriptionType": "SNS", "address": TOPIC},
        {"subscriptionType": "EMAIL", "address": "boss@example.com"},
    ]
    assert action["tags"] == policy.inputs["tags"] == placement.tags.as_dict()


def test_it_denies_starting_and_nothing_else(run_program: Any, placement: Placement) -> None:
    run = limit(run_program, placement)
    (statement,) = json.loads(run.one("aws:iam/policy:Policy").inputs["policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert "Principal" not in statement, "IAM refuses an identity's policy with a principal"
    assert {"sagemaker:CreateTrainingJob", "sagemaker:StartPipelineExecution", "emr-serverless:StartJobRun"} <= set(
        statement["Action"]
    )
    assert all(action.split(":")[1].startswith(("Create", "Start")) for action in statement["Action"])
    assert "sagemaker:CreateEndpoint" not in statement["Action"], "a rollback must still be possible"


def test_budgets_may_attach_that_policy_to_those_roles_only(run_program: Any, placement: Placement) -> None:
    run = limit(run_program, placement)
    role = run.one("aws:iam/role:Role").inputs
    (trust,) = json.loads(role["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": ["budgets.amazonaws.com"]}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ["123456789012"]}}
    assert role["permissionsBoundary"] == BOUNDARY
    (may,) = json.loads(run.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])["Statement"]
    policy = run.one("aws:iam/policy:Policy").inputs["name"]
    assert may["Action"] == ["iam:AttachRolePolicy", "iam:DetachRolePolicy"]
    assert may["Resource"] == [TRAINING, "arn:aws:iam::123456789012:role/penstock-prod-studio-2"]
    assert may["Condition"] == {"ArnEquals": {"iam:PolicyARN": [f"arn:aws:iam::123456789012:policy/{policy}"]}}


def test_the_boundary_lets_no_role_attach_anything_else(run_program: Any, placement: Placement) -> None:
    arguments = PermissionsBoundaryArguments(placement=placement)
    made = run_program(lambda: PermissionsBoundary("example", arguments)).one("aws:iam/policy:Policy").inputs
    (everything, attaching) = json.loads(made["policy"])["Statement"]
    assert not [action for action in everything["Action"] if action.startswith("iam:") and "Polic" in action]
    assert attaching["Action"] == ["iam:AttachRolePolicy", "iam:DetachRolePolicy"]
    assert attaching["Resource"] == ["arn:aws:iam::123456789012:role/penstock-prod-*"]
    name = placement.name(naming.POLICY, "stop-spending")
    assert attaching["Condition"] == {"ArnEquals": {"iam:PolicyARN": [f"arn:aws:iam::123456789012:policy/{name}"]}}
    assert everything["Resource"] == ["*"]
    assert len(made["policy"]) <= 6_144, "AWS takes no longer managed policy"


def test_the_role_by_itself(run_program: Any, placement: Placement) -> None:
    arguments = SpendLimitRoleArguments(placement=placement, **EXAMPLES["SpendLimitRole"])
    run = run_program(lambda: SpendLimitRole("example", arguments))
    (may,) = json.loads(run.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])["Statement"]
    assert may["Resource"] == [TRAINING]
    name = placement.name(naming.POLICY, "stop-spending")
    assert may["Condition"] == {"ArnEquals": {"iam:PolicyARN": [f"arn:aws:iam::123456789012:policy/{name}"]}}


@pytest.mark.parametrize("changes", [{"monthly_usd": 0}, {"role_names": ()}, {"emails": ("nobody",)}])
def test_a_limit_that_cannot_be(placement: Placement, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SpendLimitArguments(placement=placement, **{**EXAMPLES["SpendLimit"], **changes})
