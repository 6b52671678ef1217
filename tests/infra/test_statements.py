"""What narrows each statement of the components' policies, written down once: a condition that goes turns these tests red.

The policies in `infra/policy` refuse what is too wide in any account; this table says how narrow the kit's own statements are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.infra.conftest import Run
from tests.infra.mutating import documents
from tests.infra.test_components import EXAMPLES, KEY, make

from penstock_infra.placement import Placement

GITHUB = "StringEquals token.actions.githubusercontent.com"
CONDITIONS: dict[str, set[str]] = {
    "AccessLogDelivery": {"StringEquals aws:SourceAccount"},
    "AnyResourceAKeyPolicyMeansItsOwnKeyPublishers": {"StringEquals aws:SourceAccount"},
    "AnyResourceMetricsHaveNoArn": {"StringEquals cloudwatch:namespace"},
    "ArrivalsOfThisRule": {"ArnEquals aws:SourceArn"},
    "CloudwatchOfThisAccount": {"ArnLike aws:SourceArn", "StringEquals aws:SourceAccount"},
    "DeleteEndpointsOfTheStack": {
        "StringEquals aws:ResourceTag/Environment",
        "StringEquals aws:ResourceTag/ManagedBy",
    },
    "DeleteEndpointsOfTheStacks": {
        "StringEquals aws:ResourceTag/Environment",
        "StringEquals aws:ResourceTag/ManagedBy",
    },
    "EndTheirScaling": {"StringEquals application-autoscaling:service-namespace"},
    "EventsOfThisAccount": {"ArnLike aws:SourceArn", "StringEquals aws:SourceAccount"},
    "FlowLogCheck": {"ArnLike aws:SourceArn", "StringEquals aws:SourceAccount"},
    "FlowLogDelivery": {"ArnLike aws:SourceArn", "StringEquals aws:SourceAccount", "StringEquals s3:x-amz-acl"},
    "KeepOwnSpaces": {"ArnLike sagemaker:OwnerUserProfileArn"},
    "LendKeysToDisks": {"Bool kms:GrantIsForAWSResource"},
    "LendKeysToStoresAndDisks": {"Bool kms:GrantIsForAWSResource"},
    "LetAutoScalingWork": {"StringEquals iam:AWSServiceName"},
    "MakeEndpointsOfTheStack": {"StringEquals aws:RequestTag/Environment", "StringEquals aws:RequestTag/ManagedBy"},
    "NamedBuckets": {"StringEquals aws:PrincipalAccount"},
    "OpenApps": {"ForAllValues:StringEquals sagemaker:InstanceTypes"},
    "PassItselfToJobs": {"StringEquals iam:PassedToService"},
    "PassMonitoringRole": {"StringEquals iam:PassedToService"},
    "PassRunsRole": {"StringEquals iam:PassedToService"},
    "PassScheduleRole": {"StringEquals iam:PassedToService"},
    "PassServingRole": {"StringEquals iam:PassedToService"},
    "PassTrainingRole": {"StringEquals iam:PassedToService"},
    "PassTrainingRoles": {"StringEquals iam:PassedToService"},
    "PrincipalsOfThisAccount": {"StringEquals aws:PrincipalAccount"},
    "ServiceOfThisAccount": {"StringEquals aws:SourceAccount"},
    "StopSpending": {"ArnEquals iam:PolicyARN"},
    "StudioRole.StartJobs": {
        "ForAllValues:StringEquals sagemaker:InstanceTypes",
        "ForAllValues:StringEquals sagemaker:VpcSecurityGroupIds",
        "Null sagemaker:InstanceTypes",
        "Null sagemaker:VpcSecurityGroupIds",
        "Null sagemaker:VpcSubnets",
        "NumericLessThanEqualsIfExists sagemaker:MaxRuntimeInSeconds",
    },
    "TagWhatIsMade": {"StringEquals sagemaker:TaggingAction"},
    "TlsOnly": {"Bool aws:SecureTransport"},
    "TrainingRole.StartJobs": {
        "ForAllValues:StringEquals sagemaker:InstanceTypes",
        "Null sagemaker:InstanceTypes",
        "NumericLessThanEqualsIfExists sagemaker:MaxRuntimeInSeconds",
    },
    "UndeliveredDispatches": {"ArnEquals aws:SourceArn"},
    "UndoneStarts": {"ArnEquals aws:SourceArn"},
    "WithTheJobsRole": {"StringEquals iam:PassedToService"},
    "WorkflowsOfOneRepository": {f"{GITHUB}:{claim}" for claim in ("aud", "job_workflow_ref", "repository_id", "sub")},
}
"""By Sid (or Component.Sid, where a component's differs): each operator with its key."""


def statements(run: Run) -> Iterator[dict[str, Any]]:
    """Every statement in every policy document of a program."""
    for resource in run.resources:
        for _, document in documents(resource.inputs):
            yield from document["Statement"]


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_statements_are_as_narrow_as_written_down(name: str, run_program: Any, placement: Placement) -> None:
    for statement in statements(run_program(lambda: make(name, placement))):
        sid = str(statement["Sid"])
        if statement["Effect"] == "Deny" and "Condition" not in statement:
            continue
        found = {f"{operator} {key}" for operator, keys in statement.get("Condition", {}).items() for key in keys}
        expected = CONDITIONS.get(f"{name}.{sid}", CONDITIONS.get(sid, set()))
        assert found == expected, f"{name}: {sid}: write its conditions down in CONDITIONS"


def test_a_schedule_is_encrypted(run_program: Any, placement: Placement) -> None:
    schedule = run_program(lambda: make("BatchTransform", placement)).one("aws:scheduler/schedule:Schedule")
    assert schedule.inputs["kmsKeyArn"] == KEY


def test_the_buckets_endpoint_reads_layers_and_uses_named_buckets(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("PrivateNetwork", placement))
    found = {statement["Sid"]: statement for statement in statements(run)}
    assert found["LayersOfImages"]["Action"] in ("s3:GetObject", ["s3:GetObject"])
    assert found["NamedBuckets"]["Action"] in ("s3:*", ["s3:*"])
    assert all(arn.startswith("arn:aws:s3:::penstock-prod-") for arn in found["NamedBuckets"]["Resource"])


def test_a_spent_budget_denies(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: make("SpendLimit", placement))
    (denied,) = json.loads(run.one("aws:iam/policy:Policy").inputs["policy"])["Statement"]
    assert denied["Effect"] == "Deny"
    action = run.one("aws:budgets/budgetAction:BudgetAction").inputs
    assert action["definition"]["iamActionDefinition"]["policyArn"].endswith(
        f":policy/{run.one('aws:iam/policy:Policy').inputs['name']}"
    )
