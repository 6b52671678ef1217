"""EMR Serverless: an end to its growth, its logs' key, its network, and what its jobs may do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from penstock_infra.components.spark_application import SparkApplication, SparkApplicationArguments
from penstock_infra.components.spark_role import SparkRole, SparkRoleArguments
from penstock_infra.isolation import Network
from penstock_infra.placement import Placement

KEY = "arn:aws:kms:eu-central-1:123456789012:key/artifacts"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
EXAMPLES: dict[str, dict[str, Any]] = {
    "SparkApplication": {"log_bucket": "artifacts", "key_arn": KEY},
    "SparkRole": {
        "permissions_boundary_arn": BOUNDARY,
        "raw_bucket": "raw",
        "written_buckets": ("clean", "curated"),
        "log_bucket": "artifacts",
        "database": "lake",
        "key_arns": (KEY,),
    },
}


def application(run_program: Any, placement: Placement, **changes: Any) -> dict[str, Any]:
    arguments = SparkApplicationArguments(placement=placement, **{**EXAMPLES["SparkApplication"], **changes})
    run = run_program(lambda: SparkApplication("example", arguments))
    inputs: dict[str, Any] = run.one("aws:emrserverless/application:Application").inputs
    return inputs


def test_it_grows_to_an_end_and_stops_when_idle(run_program: Any, placement: Placement) -> None:
    inputs = application(run_program, placement, most_cpus=8, idle_minutes=5)
    assert inputs["maximumCapacity"] == {"cpu": "8 vCPU", "memory": "64 GB", "disk": "200 GB"}
    assert inputs["autoStopConfiguration"] == {"enabled": True, "idleTimeoutMinutes": 5}
    assert "initialCapacities" not in inputs, "nothing is kept warm"
    assert (inputs["type"], inputs["architecture"]) == ("spark", "ARM64")
    assert inputs["tags"] == placement.tags.as_dict()


def test_both_copies_of_its_log_are_encrypted(run_program: Any, placement: Placement) -> None:
    monitoring = application(run_program, placement)["monitoringConfiguration"]
    assert monitoring["s3MonitoringConfiguration"] == {
        "logUri": "s3://artifacts/spark/logs/",
        "encryptionKeyArn": KEY,
    }
    assert monitoring["managedPersistenceMonitoringConfiguration"] == {"enabled": True, "encryptionKeyArn": KEY}


def test_its_workers_run_in_the_network_if_there_is_one(run_program: Any, placement: Placement) -> None:
    network = Network(vpc_id="vpc-1", subnet_ids=("subnet-1",), security_group_id="sg-1")
    inputs = application(run_program, placement, network=network)
    assert inputs["networkConfiguration"] == {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    assert "networkConfiguration" not in application(run_program, placement)


@pytest.mark.parametrize("changes", [{"release": "7.10"}, {"most_cpus": 2}, {"idle_minutes": 0}, {"most_disk_gb": 1}])
def test_what_aws_would_refuse_is_refused_before(placement: Placement, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SparkApplicationArguments(placement=placement, **{**EXAMPLES["SparkApplication"], **changes})


def test_jobs_write_the_lake_and_replace_nothing_raw(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: SparkRole("example", SparkRoleArguments(placement=placement, **EXAMPLES["SparkRole"])))
    role = run.one("aws:iam/role:Role").inputs
    (trust,) = json.loads(role["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": ["emr-serverless.amazonaws.com"]}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ["123456789012"]}}
    assert role["permissionsBoundary"] == BOUNDARY
    policy = json.loads(run.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    may = {item["Sid"]: item for item in policy["Statement"]}
    assert may["WriteData"]["Resource"] == ["arn:aws:s3:::clean/*", "arn:aws:s3:::curated/*"]
    assert may["ReplaceData"]["Resource"] == ["arn:aws:s3:::clean/*", "arn:aws:s3:::curated/*"]
    assert may["WriteLogs"]["Resource"] == ["arn:aws:s3:::artifacts/spark/logs/*"]
    assert may["ReadScripts"]["Resource"] == ["arn:aws:s3:::artifacts/spark/*"]
    assert may["KeepTables"]["Resource"][-1] == "arn:aws:glue:eu-central-1:123456789012:table/lake/*"
    writing = {"s3:PutObject", "s3:DeleteObject"}
    for item in may.values():
        if writing & set(item["Action"]):
            assert not [resource for resource in item["Resource"] if ":::raw" in resource]
