"""The role of pipelines and jobs: what it reads and writes, what its jobs may ask for, where they run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from penstock_infra.components.training_role import METRIC_NAMESPACES, TrainingRole, TrainingRoleArguments
from penstock_infra.isolation import Network
from penstock_infra.limits import INSTANCE_TYPES, JobLimits
from penstock_infra.placement import Placement

KEY = "arn:aws:kms:eu-central-1:123456789012:key/data"
SERVER = "arn:aws:sagemaker:eu-central-1:123456789012:mlflow-tracking-server/experiments"
ARGUMENTS: dict[str, Any] = {
    "permissions_boundary_arn": "arn:aws:iam::123456789012:policy/boundary",
    "raw_bucket": "raw",
    "written_buckets": ("clean", "curated", "artifacts"),
    "offline_store_bucket": "features",
    "image_repository_arn": "arn:aws:ecr:eu-central-1:123456789012:repository/models",
    "key_arns": (KEY,),
}


def statements(run_program: Any, placement: Placement, **changes: Any) -> dict[str, Any]:
    arguments = TrainingRoleArguments(placement=placement, **{**ARGUMENTS, **changes})
    run = run_program(lambda: TrainingRole("example", arguments))
    policy = json.loads(run.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    return {item["Sid"]: item for item in policy["Statement"]}


def test_jobs_start_on_allowed_instances_for_a_limited_time(run_program: Any, placement: Placement) -> None:
    may = statements(run_program, placement)
    assert may["StartJobs"]["Condition"] == {
        "Null": {"sagemaker:InstanceTypes": ["false"]},
        "ForAllValues:StringEquals": {"sagemaker:InstanceTypes": list(INSTANCE_TYPES)},
        "NumericLessThanEqualsIfExists": {"sagemaker:MaxRuntimeInSeconds": ["86400"]},
    }
    assert set(may["StartJobs"]["Action"]) == {"sagemaker:CreateProcessingJob", "sagemaker:CreateTrainingJob"}
    assert not set(may["StartJobs"]["Action"]) & set(may["RunJobs"]["Action"]), "allowed twice, limited by neither"


def test_limits_of_a_stacks_own(run_program: Any, placement: Placement) -> None:
    limits = JobLimits(instance_types=("ml.g5.xlarge",), longest_run_hours=48)
    condition = statements(run_program, placement, limits=limits)["StartJobs"]["Condition"]
    assert condition["ForAllValues:StringEquals"]["sagemaker:InstanceTypes"] == ["ml.g5.xlarge"]
    assert condition["NumericLessThanEqualsIfExists"]["sagemaker:MaxRuntimeInSeconds"] == ["172800"]


@pytest.mark.parametrize(
    "limits", [{"instance_types": ()}, {"instance_types": ("m5.large",)}, {"instance_types": ("*",)}, {"longest_run_hours": 673}]
)  # fmt: skip
def test_limits_that_are_none(limits: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JobLimits(**limits)


def test_jobs_stay_in_the_network(run_program: Any, placement: Placement) -> None:
    network = Network(vpc_id="vpc-1", subnet_ids=("subnet-1",), security_group_id="sg-1")
    may = statements(run_program, placement, network=network)
    condition = may["StartJobs"]["Condition"]
    assert condition["Null"] == {
        "sagemaker:InstanceTypes": ["false"],
        "sagemaker:VpcSubnets": ["false"],
        "sagemaker:VpcSecurityGroupIds": ["false"],
    }
    assert condition["ForAllValues:StringEquals"]["sagemaker:VpcSecurityGroupIds"] == ["sg-1"]
    assert may["JoinTheNetwork"]["Resource"] == [
        f"arn:aws:ec2:eu-central-1:123456789012:{kind}/*" for kind in ("network-interface", "security-group", "subnet")
    ]
    assert all(action.startswith("ec2:Describe") for action in may["AnyResourceDescribingNetworksHasNoArn"]["Action"])
    assert not {"JoinTheNetwork", "AnyResourceDescribingNetworksHasNoArn"} & set(statements(run_program, placement))


def test_experiments_are_logged_to_one_server_and_never_deleted(run_program: Any, placement: Placement) -> None:
    may = statements(run_program, placement, tracking_arn=SERVER)["LogExperiments"]
    assert may["Resource"] == [SERVER]
    assert {"sagemaker-mlflow:CreateRun", "sagemaker-mlflow:LogBatch", "sagemaker:CallMlflowAppApi"} <= set(
        may["Action"]
    )
    assert not [action for action in may["Action"] if "Delete" in action]
    assert "LogExperiments" not in statements(run_program, placement)


def test_it_lends_keys_and_itself_to_sagemaker_only(run_program: Any, placement: Placement) -> None:
    may = statements(run_program, placement)
    assert may["LendKeysToDisks"]["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": ["true"]}}
    assert may["PassItselfToJobs"]["Condition"] == {
        "StringEquals": {"iam:PassedToService": ["sagemaker.amazonaws.com"]}
    }
    (itself,) = may["PassItselfToJobs"]["Resource"]
    assert ":role/penstock-prod-training-" in itself


def test_raw_data_are_read_only_and_metrics_have_their_namespaces(run_program: Any, placement: Placement) -> None:
    may = statements(run_program, placement)
    assert not [
        resource for resource in may["WriteData"]["Resource"] if ":::raw" in resource or ":::features" in resource
    ]
    (metrics,) = [item for item in may.values() if item["Action"] == ["cloudwatch:PutMetricData"]]
    assert metrics["Condition"] == {"StringEquals": {"cloudwatch:namespace": list(METRIC_NAMESPACES)}}
