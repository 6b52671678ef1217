"""MLflow, Studio, Spark and the limits on the local cloud: up, unchanged, refreshed, changed, used, and wholly gone."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.localstack.services.waiting import until

from penstock_deploy import Deployment, Result
from penstock_pipelines import tracking
from penstock_pipelines.tracking.client import Client, server

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

PROGRAM = """
import pulumi
from penstock_infra.components.code_repository import CodeRepository, CodeRepositoryArguments
from penstock_infra.components.experiment_tracking import ExperimentTracking, ExperimentTrackingArguments
from penstock_infra.components.permissions_boundary import PermissionsBoundary, PermissionsBoundaryArguments
from penstock_infra.components.spark_application import SparkApplication, SparkApplicationArguments
from penstock_infra.components.spark_role import SparkRole, SparkRoleArguments
from penstock_infra.components.spend_limit import SpendLimit, SpendLimitArguments
from penstock_infra.components.studio_domain import StudioDomain, StudioDomainArguments
from penstock_infra.components.studio_role import StudioRole, StudioRoleArguments
from penstock_infra.components.studio_team import StudioTeam, StudioTeamArguments
from penstock_infra.components.tracking_role import TrackingRole, TrackingRoleArguments
from penstock_infra.isolation import Network
from penstock_infra.placement import Placement
from penstock_infra.tags import Tags

second = pulumi.Config().get("v") == "2"
place = {"placement": Placement(
    account="000000000000", region="us-east-1", stack="local", protect=False, force_destroy=True,
    tags=Tags(project="penstock", environment="local", owner="second" if second else "first", cost_center="1000"),
)}
key = "arn:aws:kms:us-east-1:000000000000:key/key"
topic = "arn:aws:sns:us-east-1:000000000000:costs"
network = Network(vpc_id="vpc-1", subnet_ids=("subnet-1", "subnet-2"), security_group_id="sg-1")
boundary = PermissionsBoundary("boundary", PermissionsBoundaryArguments(**place))
bound = {**place, "permissions_boundary_arn": boundary.arn}

tracking_role = TrackingRole("tracking", TrackingRoleArguments(**bound, artifact_bucket="artifacts", key_arn=key))
tracking = ExperimentTracking("experiments", ExperimentTrackingArguments(
    **place, kind="app", artifact_bucket="artifacts", role_arn=tracking_role.arn,
    maintenance="Mon:01:00" if second else "Sun:03:00"))
role = StudioRole("studio", StudioRoleArguments(
    **bound, team="pricing", read_buckets=("curated",), artifact_bucket="artifacts", offline_store_bucket="features",
    training_role_arn="arn:aws:iam::000000000000:role/training", key_arns=(key,), tracking_arn=tracking.arn,
    image_repository_arn="arn:aws:ecr:us-east-1:000000000000:repository/models", network=network,
    limits={"longest_run_hours": 2 if second else 1}))
domain = StudioDomain("studio", StudioDomainArguments(
    **place, network=network, role_arn=role.arn, key_arn=key, idle_minutes=120 if second else 60))
StudioTeam("pricing", StudioTeamArguments(
    **place, team="pricing=ana,ben", domain_id=domain.domain_id, role_arn=role.arn, security_group_id="sg-1"))
CodeRepository("code", CodeRepositoryArguments(**place, repository="flights", url="https://example.com/flights"))
SparkRole("spark", SparkRoleArguments(
    **bound, raw_bucket="raw", written_buckets=("clean",), log_bucket="artifacts", database="lake", key_arns=(key,)))
spark = SparkApplication("spark", SparkApplicationArguments(
    **place, log_bucket="artifacts", key_arn=key, network=network, most_cpus=32 if second else 16))
limit = SpendLimit("limit", SpendLimitArguments(
    **bound, monthly_usd=200 if second else 100, topic_arn=topic, role_names=(role.role_name,)))
pulumi.export("tracking", tracking.arn)
pulumi.export("domain", domain.domain_id)
pulumi.export("spark", spark.application_id)
pulumi.export("budget", limit.budget_name)
"""


def succeeded(result: Result) -> Result:
    assert result.ok, "\n".join([*result.errors, *result.diagnostics])
    return result


def test_the_whole_life_of_what_training_offers(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: training-parts\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)

    def stack(version: str) -> Deployment:
        return Deployment(tmp_path, "local", environment=environment, configuration={"v": version})

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            region_name="us-east-1",
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        )

    sagemaker, emr, budgets = client("sagemaker"), client("emr-serverless"), client("budgets")
    try:
        assert succeeded(stack("1").up()).counts["create"] > 20
        for operation in ("preview", "refresh"):
            assert succeeded(getattr(stack("1"), operation)()).changes == [], operation
        outputs = stack("1").outputs()
        _is_a_real_mlflow(sagemaker.create_presigned_mlflow_app_url(Arn=outputs["tracking"])["AuthorizedUrl"])
        _opens_a_notebook(sagemaker, outputs["domain"])
        with pytest.MonkeyPatch.context() as variables:
            jobs_own = dict.fromkeys(("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID"), "")
            for name, value in {**environment, **jobs_own}.items():
                variables.setenv(name, value)
            _takes_a_jobs_run(outputs["tracking"])

        foreseen = succeeded(stack("2").preview()).counts
        changed = succeeded(stack("2").up()).counts
        assert changed == foreseen
        assert changed["create"] == changed["delete"] == changed["replace"] == 0, "everything changes in place"
        for operation in ("preview", "refresh"):
            assert succeeded(getattr(stack("2"), operation)()).changes == [], operation
        assert stack("2").outputs() == outputs

        settings = sagemaker.describe_domain(DomainId=outputs["domain"])["DefaultUserSettings"]
        idle = settings["JupyterLabAppSettings"]["AppLifecycleManagement"]["IdleSettings"]
        assert idle == {"LifecycleManagement": "ENABLED", "IdleTimeoutInMinutes": 120}
        assert len(sagemaker.list_user_profiles(DomainIdEquals=outputs["domain"])["UserProfiles"]) == 2
        application = emr.get_application(applicationId=outputs["spark"])["application"]
        assert application["maximumCapacity"]["cpu"] == "32 vCPU"
        budget = {"AccountId": "000000000000", "BudgetName": outputs["budget"]}
        assert budgets.describe_budget(**budget)["Budget"]["BudgetLimit"]["Amount"] == "200"
        (action,) = budgets.describe_budget_actions_for_budget(**budget)["Actions"]
        assert action["Status"] == "STANDBY"
    finally:
        gone = stack("2").destroy()
    succeeded(gone)
    left = {
        "apps": [item for item in sagemaker.list_mlflow_apps()["Summaries"] if item["Status"] != "Deleted"],
        "domains": sagemaker.list_domains()["Domains"],
        "users": sagemaker.list_user_profiles()["UserProfiles"],
        "spaces": sagemaker.list_spaces()["Spaces"],
        "repositories": sagemaker.list_code_repositories()["CodeRepositorySummaryList"],
        "applications": [item for item in emr.list_applications()["applications"] if item["state"] != "TERMINATED"],
        "budgets": budgets.describe_budgets(AccountId="000000000000").get("Budgets", []),
        "roles": client("iam").list_roles()["Roles"],
        "policies": client("iam").list_policies(Scope="Local")["Policies"],
    }
    assert {kind: found for kind, found in left.items() if found} == {}


def _takes_a_jobs_run(arn: str) -> None:
    """As a pipeline's jobs do it, by the ARN that the stack exports: two jobs of one execution, one run."""
    runs = []
    for metric in ("train_rows", "auc"):
        job = {"PENSTOCK_TRACKING_SERVER": arn, "PENSTOCK_TRACKING_EXPERIMENT": "flights", "PENSTOCK_EXECUTION": "e-1"}
        told: list[str] = []
        with tracking.open_run(told.append, {**os.environ, **job}) as tracker:
            tracker.log(parameters={"depth": 3}, metrics={metric: 0.5})
            runs.append(tracker.run_id)
        assert not [line for line in told if "not" in line], told
    assert runs[0] == runs[1] != "none"
    found = Client(server(arn)).get("runs/get", run_id=runs[0])["run"]["data"]
    assert {item["key"] for item in found["metrics"]} == {"train_rows", "auc"}


def _is_a_real_mlflow(url: str) -> None:
    with urllib.request.urlopen(f"{url.rstrip('/')}/version", timeout=30) as answer:
        assert answer.read().decode().startswith("3."), "MLflow's own answer"


def _opens_a_notebook(sagemaker: Any, domain: str) -> None:
    """In the space that the team shares, by a URL for its owner."""
    app = {"DomainId": domain, "SpaceName": "pricing", "AppType": "JupyterLab", "AppName": "default"}

    def status() -> str:
        return str(sagemaker.describe_app(**app)["Status"])

    sagemaker.create_app(**app)
    until(status, lambda found: found != "Pending")
    url = sagemaker.create_presigned_domain_url(DomainId=domain, UserProfileName="ana")["AuthorizedUrl"]
    with urllib.request.urlopen(url, timeout=60) as answer:
        assert "<title>JupyterLab</title>" in answer.read().decode()
    sagemaker.delete_app(**app)
    until(status, lambda found: found == "Deleted")
