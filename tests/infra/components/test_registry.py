"""The registry: groups shared with other accounts, cards, and the role of scheduled transforms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock_infra.components.model_card import ModelCard, ModelCardArguments
from penstock_infra.components.model_package_group import ModelPackageGroup, ModelPackageGroupArguments
from penstock_infra.components.transform_schedule_role import TransformScheduleRole, TransformScheduleRoleArguments
from penstock_infra.placement import Placement

KEY = "arn:aws:kms:eu-central-1:123456789012:key/data"
OTHERS = ("210987654321", "111122223333")
EXAMPLES: dict[str, dict[str, Any]] = {
    "ModelPackageGroup": {"model": "flight-delays", "shared_with": OTHERS},
    "ModelCard": {"model": "flight-delays", "description": "Late flights", "key_arn": KEY},
    "TransformScheduleRole": {
        "permissions_boundary_arn": "arn:aws:iam::123456789012:policy/boundary",
        "key_arns": (KEY,),
    },
}
POLICY = "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy"


@pytest.fixture
def group(run_program: Any, placement: Placement) -> Any:
    """A group that is shared with these accounts."""

    def run(*accounts: str) -> Any:
        arguments = ModelPackageGroupArguments(placement=placement, model="flight-delays", shared_with=accounts)
        return run_program(lambda: ModelPackageGroup("flight-delays", arguments))

    return run


def statements(run: Any) -> dict[str, dict[str, Any]]:
    document = json.loads(run.one(POLICY).inputs["resourcePolicy"])
    return {statement["Sid"]: statement for statement in document["Statement"]}


def test_other_accounts_may_read_and_deploy_but_not_approve(group: Any) -> None:
    found = statements(group(*OTHERS))
    assert {action for item in found.values() for action in item["Action"]} == {
        "sagemaker:CreateModel",
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribeModelPackageGroup",
        "sagemaker:ListModelPackages",
    }


def test_it_is_shared_with_those_accounts_alone(group: Any) -> None:
    principals = [item["Principal"] for item in statements(group(*OTHERS)).values()]
    assert principals == [{"AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::210987654321:root"]}] * 2


def test_only_this_models_group_and_versions_are_shared(group: Any) -> None:
    resources = [item["Resource"] for item in statements(group(*OTHERS)).values()]
    start = "arn:aws:sagemaker:eu-central-1:123456789012:"
    assert resources == [[f"{start}model-package-group/flight-delays"], [f"{start}model-package/flight-delays/*"]]


@pytest.mark.parametrize("accounts", [(), ("123456789012",)])
def test_nobody_else_nothing_shared(group: Any, accounts: tuple[str, ...]) -> None:
    assert not group(*accounts).has(POLICY)


def test_the_group_is_protected_and_tagged(group: Any, placement: Placement) -> None:
    made = group().one("aws:sagemaker/modelPackageGroup:ModelPackageGroup")
    assert made.protect
    assert made.inputs["tags"] == placement.tags.as_dict()


def card(run_program: Any, placement: Placement, **changes: Any) -> Any:
    arguments = ModelCardArguments(placement=placement, **{**EXAMPLES["ModelCard"], **changes})
    return run_program(lambda: ModelCard("flight-delays", arguments)).one("aws:sagemaker/modelCard:ModelCard")


def test_the_card_is_encrypted_and_tagged(run_program: Any, placement: Placement) -> None:
    made = card(run_program, placement).inputs
    assert made["securityConfig"] == {"kmsKeyId": KEY}
    assert made["tags"] == placement.tags.as_dict()
    assert made["modelCardStatus"] == "Draft"


def test_the_card_says_what_the_model_is_for(run_program: Any, placement: Placement) -> None:
    settings = {"purpose": "Will it be late?", "risk_rating": "Low", "caveats": "Not for safety"}
    made = card(run_program, placement, settings=settings, model_package_arn="arn:package/3")
    assert json.loads(made.inputs["content"]) == {
        "model_overview": {"model_description": "Late flights", "model_owner": "ml-platform"},
        "business_details": {"line_of_business": "1000"},
        "intended_uses": {"purpose_of_model": "Will it be late?", "risk_rating": "Low"},
        "additional_information": {
            "caveats_and_recommendations": "Not for safety",
            "custom_details": {"live_model_package": "arn:package/3"},
        },
    }


def test_the_card_has_the_live_versions_numbers(run_program: Any, placement: Placement) -> None:
    evaluation = {"report": "s3://artifacts/evaluation.json", "metrics": {"brier": 0.2, "auc": 0.7}}
    made = card(run_program, placement, model_package_arn="arn:package/3", evaluation=evaluation)
    assert json.loads(made.inputs["content"])["evaluation_details"] == [
        {
            "name": "Before registration",
            "metadata": {"report": "s3://artifacts/evaluation.json"},
            "metric_groups": [
                {
                    "name": "Metrics",
                    "metric_data": [
                        {"name": "auc", "type": "number", "value": 0.7},
                        {"name": "brier", "type": "number", "value": 0.2},
                    ],
                }
            ],
        }
    ]


def test_the_schedules_role_starts_transforms_and_nothing_else(run_program: Any, placement: Placement) -> None:
    arguments = TransformScheduleRoleArguments(placement=placement, **EXAMPLES["TransformScheduleRole"])
    run = run_program(lambda: TransformScheduleRole("schedules", arguments))
    trust = json.loads(run.one("aws:iam/role:Role").inputs["assumeRolePolicy"])["Statement"][0]
    assert trust["Principal"] == {"Service": ["scheduler.amazonaws.com"]}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ["123456789012"]}}
    policy = json.loads(run.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    by_sid = {statement["Sid"]: statement for statement in policy["Statement"]}
    assert by_sid["StartTransformJobs"]["Action"] == ["sagemaker:AddTags", "sagemaker:CreateTransformJob"]
    assert by_sid["StartTransformJobs"]["Resource"] == ["arn:aws:sagemaker:eu-central-1:123456789012:transform-job/*"]
    assert by_sid["UseKeys"]["Resource"] == by_sid["LendKeysToDisks"]["Resource"] == [KEY]
    assert {action.split(":")[0] for item in by_sid.values() for action in item["Action"]} == {"sagemaker", "kms"}
