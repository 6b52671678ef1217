"""EMR Serverless's applications against a local cloud, which keeps them and starts nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.localstack.deploy.round_trip import client, project, round_trip, run

from penstock_deploy import Deployment

pytestmark = pytest.mark.cloud

PROGRAM = """
    spark = aws.emrserverless.Application("spark", release_label="emr-7.10.0" if one else "emr-7.11.0", type="Spark",
        architecture="ARM64", tags={"v": v}, auto_stop_configuration={"enabled": True, "idle_timeout_minutes": 15},
        maximum_capacity={"cpu": "16 vCPU" if one else "32 vCPU", "memory": "64 GB", "disk": "200 GB"},
        initial_capacities=[{"initial_capacity_type": "Driver", "initial_capacity_config": {"worker_count": 1,
            "worker_configuration": {"cpu": "2 vCPU", "memory": "4 GB"}}}],
        monitoring_configuration={"s3_monitoring_configuration":
            {"log_uri": "s3://logs/emr/", "encryption_key_arn": "arn:aws:kms:us-east-1:000000000000:key/k"}},
        network_configuration={"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]},
        runtime_configurations=[{"classification": "spark-defaults", "properties": {"spark.executor.cores": v}}])
    aws.emrserverless.Application("named", name=f"types-{v}", release_label="emr-7.10.0", type="spark")
    pulumi.export("id", spark.id)
"""


def test_applications(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    emr = client(cloud_environment, "emr-serverless")

    def between(deployment: Deployment) -> None:
        application = emr.get_application(applicationId=deployment.outputs()["id"])["application"]
        assert application["state"] == "CREATED"
        assert application["maximumCapacity"] == {"cpu": "16 vCPU", "memory": "64 GB", "disk": "200 GB"}
        assert application["initialCapacity"]["Driver"]["workerCount"] == 1
        assert application["monitoringConfiguration"]["s3MonitoringConfiguration"]["encryptionKeyArn"].endswith("key/k")

    round_trip(tmp_path, cloud_environment, "spark", PROGRAM, update=1, replace=1, between=between)
    assert {item["state"] for item in emr.list_applications()["applications"]} == {"TERMINATED"}


def test_a_change_by_hand_is_found_and_mended(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    emr = client(cloud_environment, "emr-serverless")
    deployment = project(tmp_path, cloud_environment, "mended", PROGRAM)
    try:
        id_ = run(deployment, "up").outputs["id"]
        emr.update_application(
            applicationId=id_, clientToken="by-hand", maximumCapacity={"cpu": "400 vCPU", "memory": "3000 GB"}
        )
        assert run(deployment, "refresh").counts["update"] == 1
        assert run(deployment, "up").counts["update"] == 1
        assert emr.get_application(applicationId=id_)["application"]["maximumCapacity"]["cpu"] == "16 vCPU"
    finally:
        deployment.destroy()


@pytest.mark.parametrize("operation", ["start_job_run", "start_application"])
def test_what_would_run_is_refused_by_name(cloud_environment: dict[str, str], operation: str) -> None:
    """moto would say that the job succeeded."""
    emr = client(cloud_environment, "emr-serverless")
    made = emr.create_application(releaseLabel="emr-7.10.0", type="SPARK", clientToken="token")
    request = {"applicationId": made["applicationId"]}
    if operation == "start_job_run":
        request |= {"clientToken": "t", "executionRoleArn": "arn:aws:iam::000000000000:role/spark"}
    with pytest.raises(ClientError, match=r"is not implemented by Penstock's local EMR Serverless: there is no Spark"):
        getattr(emr, operation)(**request)
    emr.delete_application(applicationId=made["applicationId"])
