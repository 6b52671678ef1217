"""Managed MLflow: what it runs as, where its files lie, and what its role may do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from penstock_infra.components.experiment_tracking import ExperimentTracking, ExperimentTrackingArguments
from penstock_infra.components.tracking_role import TrackingRole, TrackingRoleArguments
from penstock_infra.isolation import Network
from penstock_infra.placement import Placement

KEY = "arn:aws:kms:eu-central-1:123456789012:key/artifacts"
ROLE = "arn:aws:iam::123456789012:role/tracking"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
APP = "aws:sagemaker/mlflowApp:MlflowApp"
SERVER = "aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer"
NETWORK = Network(vpc_id="vpc-1", subnet_ids=("subnet-1",), security_group_id="sg-1")
EXAMPLES: dict[str, dict[str, Any]] = {
    "ExperimentTracking": {"kind": "app", "artifact_bucket": "artifacts", "role_arn": ROLE},
    "TrackingRole": {"permissions_boundary_arn": BOUNDARY, "artifact_bucket": "artifacts", "key_arn": KEY},
}


def tracking(run_program: Any, placement: Placement, **changes: Any) -> Any:
    arguments = ExperimentTrackingArguments(placement=placement, **{**EXAMPLES["ExperimentTracking"], **changes})
    return run_program(lambda: ExperimentTracking("example", arguments))


@pytest.mark.parametrize(("kind", "type_"), [("app", APP), ("server", SERVER)])
def test_both_kinds_keep_files_in_the_artifact_bucket_and_are_protected(
    run_program: Any, placement: Placement, kind: str, type_: str
) -> None:
    made = tracking(run_program, placement, kind=kind).one(type_)
    assert made.inputs["artifactStoreUri"] == "s3://artifacts/mlflow"
    assert made.inputs["roleArn"] == ROLE
    assert made.inputs["weeklyMaintenanceWindowStart"] == "Sun:03:00"
    assert made.inputs["tags"] == placement.tags.as_dict()
    assert made.protect


def test_an_app_has_no_size_and_registers_nothing_by_itself(run_program: Any, placement: Placement) -> None:
    run = tracking(run_program, placement)
    assert not run.has(SERVER)
    inputs = run.one(APP).inputs
    assert inputs["name"] == "penstock-prod-experiments"
    assert inputs["modelRegistrationMode"] == "AutoModelRegistrationDisabled"
    (outputs,) = run.component_outputs.values()
    assert ":mlflow-app/app-" in outputs["arn"]


def test_a_server_has_a_size_and_registers_nothing_by_itself(run_program: Any, placement: Placement) -> None:
    run = tracking(run_program, placement, kind="server", size="Medium")
    assert not run.has(APP)
    inputs = run.one(SERVER).inputs
    assert inputs["trackingServerName"] == "penstock-prod-experiments"
    assert inputs["trackingServerSize"] == "Medium"
    assert inputs["automaticModelRegistration"] is False
    (outputs,) = run.component_outputs.values()
    assert outputs["arn"].endswith(":mlflow-tracking-server/penstock-prod-experiments")


def test_jobs_without_the_internet_reach_a_server_through_an_endpoint(run_program: Any, placement: Placement) -> None:
    run = tracking(run_program, placement, kind="server", network=NETWORK)
    door = run.one("aws:ec2/vpcEndpoint:VpcEndpoint").inputs
    assert door["serviceName"] == "aws.sagemaker.eu-central-1.experiments"
    assert (door["vpcEndpointType"], door["privateDnsEnabled"]) == ("Interface", True)
    assert (door["vpcId"], door["subnetIds"], door["securityGroupIds"]) == ("vpc-1", ["subnet-1"], ["sg-1"])
    (statement,) = json.loads(door["policy"])["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": ["123456789012"]}}
    assert door["tags"] == placement.tags.as_dict()
    assert not tracking(run_program, placement, kind="server").has("aws:ec2/vpcEndpoint:VpcEndpoint")


@pytest.mark.parametrize(
    "changes", [{"network": NETWORK}, {"kind": "notebook"}, {"size": "Huge"}, {"maintenance": "SUN:03:00"}]
)
def test_what_aws_would_refuse_is_refused_before(placement: Placement, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ExperimentTrackingArguments(placement=placement, **{**EXAMPLES["ExperimentTracking"], **changes})


def test_the_role_writes_below_its_own_prefix_only(run_program: Any, placement: Placement) -> None:
    arguments = TrackingRoleArguments(placement=placement, **EXAMPLES["TrackingRole"])
    run = run_program(lambda: TrackingRole("example", arguments))
    role = run.one("aws:iam/role:Role").inputs
    (trust,) = json.loads(role["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": ["sagemaker.amazonaws.com"]}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ["123456789012"]}}
    assert role["permissionsBoundary"] == BOUNDARY
    may = {
        item["Sid"]: item for item in json.loads(run.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])["Statement"]
    }
    assert may["KeepArtifacts"]["Resource"] == ["arn:aws:s3:::artifacts/mlflow/*"]
    assert may["UseKey"]["Resource"] == [KEY]
    assert not [action for item in may.values() for action in item["Action"] if "Delete" in action]
