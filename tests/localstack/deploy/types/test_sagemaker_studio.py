"""Studio's domains, users and spaces, and Git repositories, against a local cloud."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.localstack.deploy.round_trip import client, project, round_trip, run

from penstock_deploy import Deployment

pytestmark = pytest.mark.cloud

ROLE = """
    role = aws.iam.Role("role", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}]}))
"""

STUDIO = (
    ROLE
    + """
    domain = aws.sagemaker.Domain("domain", domain_name="types", auth_mode="IAM", vpc_id="vpc-1", tags={"v": v},
        subnet_ids=["subnet-b", "subnet-a"] if one else ["subnet-a", "subnet-c"], kms_key_id="key",
        app_network_access_type="VpcOnly", retention_policy={"home_efs_file_system": "Delete" if one else "Retain"},
        default_user_settings={"execution_role": role.arn, "studio_web_portal": "ENABLED",
            "space_storage_settings": {"default_ebs_storage_settings":
                {"default_ebs_volume_size_in_gb": 5, "maximum_ebs_volume_size_in_gb": 50 if one else 100}},
            "jupyter_lab_app_settings": {"code_repositories": [{"repository_url": "https://example.com/a"}],
                "app_lifecycle_management": {"idle_settings":
                    {"lifecycle_management": "ENABLED", "idle_timeout_in_minutes": 60 if one else 120}}}},
        domain_settings={"execution_role_identity_config": "USER_PROFILE_NAME" if one else "DISABLED"})
    user = aws.sagemaker.UserProfile("user", domain_id=domain.id, user_profile_name="ana", tags={"v": v},
        user_settings={"execution_role": role.arn, "security_groups": ["sg-1"] if one else ["sg-2"]})
    aws.sagemaker.Space("shared", domain_id=domain.id, space_name="team", tags={"v": v},
        space_display_name=f"Team {v}", space_settings={"app_type": "JupyterLab", "space_storage_settings":
            {"ebs_storage_settings": {"ebs_volume_size_in_gb": 5}}},
        space_sharing_settings={"sharing_type": "Shared"},
        ownership_settings={"owner_user_profile_name": user.user_profile_name})
    pulumi.export("id", domain.id)
"""
)


def test_studio(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    sagemaker = client(cloud_environment, "sagemaker")

    def between(deployment: Deployment) -> None:
        domain = sagemaker.describe_domain(DomainId=deployment.outputs()["id"])
        assert domain["DefaultUserSettings"]["JupyterLabAppSettings"]["AppLifecycleManagement"]["IdleSettings"] == {
            "LifecycleManagement": "ENABLED",
            "IdleTimeoutInMinutes": 60,
        }
        assert {tag["Key"] for tag in sagemaker.list_tags(ResourceArn=domain["DomainArn"])["Tags"]} == {"v"}

    round_trip(tmp_path, cloud_environment, "studio", STUDIO, update=3, between=between)
    assert sagemaker.list_domains()["Domains"] == []
    assert sagemaker.list_user_profiles()["UserProfiles"] == []


def test_what_cannot_change_in_a_domain_replaces_it(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    deployment = project(tmp_path, cloud_environment, "kept", STUDIO)
    try:
        run(deployment, "up")
        for before, after in (('vpc_id="vpc-1"', 'vpc_id="vpc-2"'), ('kms_key_id="key"', 'kms_key_id="other"')):
            changed = project(tmp_path, cloud_environment, "kept", STUDIO.replace(before, after))
            replaced = {change["urn"].split("::")[-1] for change in changed.preview().changes}
            assert replaced == {"domain", "user", "shared"}, after
    finally:
        deployment.destroy()


def test_a_change_by_hand_is_found_and_mended(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    deployment = project(tmp_path, cloud_environment, "mended", STUDIO)
    try:
        domain = run(deployment, "up").outputs["id"]
        sagemaker = client(cloud_environment, "sagemaker")
        settings = {"SecurityGroups": ["sg-of-nobody"]}
        sagemaker.update_user_profile(DomainId=domain, UserProfileName="ana", UserSettings=settings)
        assert run(deployment, "refresh").counts["update"] == 1
        assert run(deployment, "up").counts["update"] == 1
        user = sagemaker.describe_user_profile(DomainId=domain, UserProfileName="ana")
        assert user["UserSettings"]["SecurityGroups"] == ["sg-1"]
    finally:
        deployment.destroy()


def test_code_repositories(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    program = """
    secret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:git-"
    aws.sagemaker.CodeRepository("secret", code_repository_name="types-secret", tags={"v": v},
        git_config={"repository_url": "https://example.com/a.git", "secret_arn": f"{secret}{v}{v}{v}{v}{v}{v}"})
    aws.sagemaker.CodeRepository("branch", code_repository_name=f"types-branch-{v}",
        git_config={"repository_url": "https://example.com/b.git", "branch": "main" if one else "next"})
    """
    round_trip(tmp_path, cloud_environment, "code", program, update=1, replace=1)
