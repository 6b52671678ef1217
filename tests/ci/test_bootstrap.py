"""Bootstrapping: AWS's pieces on the local cloud's S3, KMS and IAM; the file backend; doing it twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ci.conftest import Penstock

from penstock_ci import bootstrap
from penstock_ci.bootstrap import Piece, PlatformRepository
from penstock_ci.errors import UserError
from penstock_ci.target import Target

REPOSITORY = PlatformRepository("acme/platform", 1001, 2002)


class OnAws(Target):
    """A target that says it is AWS, with the local cloud behind its clients."""

    def _endpoint(self, service: str) -> str | None:
        return self.environment["AWS_ENDPOINT_URL"]

    def _session(self) -> Any:  # type: ignore[override]
        import boto3

        return boto3.Session(aws_access_key_id="000000000000", aws_secret_access_key="test", region_name=self.region)


@pytest.fixture
def aws(target: Target) -> Iterator[OnAws]:
    made = OnAws("aws", "dev", target.environment, "us-east-1")
    yield made
    iam = made.client("iam")
    for role in iam.list_roles()["Roles"]:
        if role["RoleName"].startswith("penstock-platform-"):
            iam.detach_role_policy(RoleName=role["RoleName"], PolicyArn="arn:aws:iam::aws:policy/PowerUserAccess")
            iam.delete_role_policy(RoleName=role["RoleName"], PolicyName="platform")
            iam.delete_role(RoleName=role["RoleName"])


def statuses(pieces: list[Piece]) -> dict[str, str]:
    return {piece.kind: piece.status for piece in pieces}


@pytest.mark.cloud
def test_made_once_then_there(aws: OnAws) -> None:
    seen: list[Piece] = []
    looked = bootstrap.run(aws, REPOSITORY, check=True, on_piece=seen.append)
    assert set(statuses(looked).values()) == {"missing"}
    assert seen == looked
    made = bootstrap.run(aws, REPOSITORY, check=False, on_piece=seen.append)
    assert set(statuses(made).values()) == {"created"}
    again = bootstrap.run(aws, REPOSITORY, check=True, on_piece=seen.append)
    assert set(statuses(again).values()) == {"there"}

    bucket = "penstock-state-000000000000-us-east-1"
    s3 = aws.client("s3")
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == bootstrap.KEY_ALIAS
    kms = aws.client("kms")
    key = kms.describe_key(KeyId=bootstrap.KEY_ALIAS)["KeyMetadata"]["KeyId"]
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    role = aws.client("iam").get_role(RoleName="penstock-platform-acme-platform")["Role"]
    condition = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["StringEquals"]
    assert condition["token.actions.githubusercontent.com:sub"] == [
        "repo:acme/platform:environment:platform",
        "repo:acme@1001/platform@2002:environment:platform",
    ]

    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_public_access_block(Bucket=bucket)
    aws.client("iam").update_assume_role_policy(
        RoleName="penstock-platform-acme-platform",
        PolicyDocument=json.dumps(bootstrap.trust(PlatformRepository("evil/fork", 1, 2), "arn:x")),
    )
    differing = {piece.kind: piece for piece in bootstrap.run(aws, REPOSITORY, check=True, on_piece=seen.append)}
    assert differing["state bucket"].status == "differs"
    assert differing["state bucket"].note == "versioning, public access block"
    assert differing["CI role"].status == "differs"
    mended = statuses(bootstrap.run(aws, REPOSITORY, check=False, on_piece=seen.append))
    assert (mended["state bucket"], mended["CI role"]) == ("changed", "changed")
    assert set(statuses(bootstrap.run(aws, REPOSITORY, check=True, on_piece=seen.append)).values()) == {"there"}


def test_the_backend_is_the_bootstrapped_bucket_unless_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target("aws", "dev", {}, "eu-west-1")
    monkeypatch.setattr(Target, "account", lambda self: "123456789012")
    found = bootstrap.backend_environment(target)
    assert found == {"PULUMI_BACKEND_URL": "s3://penstock-state-123456789012-eu-west-1?region=eu-west-1&awssdk=v2"}
    assert bootstrap.secrets_provider(target, found) == "awskms:///alias/penstock-state?region=eu-west-1&awssdk=v2"
    chosen = Target("aws", "dev", {"PULUMI_ACCESS_TOKEN": "pul-1"}, "eu-west-1")
    assert bootstrap.backend_environment(chosen) == {}
    assert bootstrap.secrets_provider(chosen, chosen.environment) is None


@pytest.mark.parametrize(("slug", "ids"), [("platform", (1, 2)), ("acme/platform", (0, 0)), ("acme/plat form", (1, 2))])
def test_a_repository_needs_its_names_and_numbers(slug: str, ids: tuple[int, int]) -> None:
    with pytest.raises(UserError):
        PlatformRepository(slug, *ids)


def test_permissions_are_on_the_platforms_own_names() -> None:
    (statement,) = bootstrap.permissions("123456789012")["Statement"]
    assert not [action for action in statement["Action"] if "*" in action]
    assert all("penstock-" in name or name.endswith(bootstrap.OIDC_HOST) for name in statement["Resource"])


@pytest.mark.cloud
def test_locally_the_backend_is_a_folder_with_a_passphrase(target: Target, penstock: Penstock) -> None:
    document = penstock("bootstrap", "--json").document
    assert document["ok"] is True
    assert {piece["kind"]: piece["status"] for piece in document["pieces"]} == {
        "state backend": "there",
        "secrets passphrase": "there",
    }
    passphrase = Path(target.environment["PULUMI_CONFIG_PASSPHRASE_FILE"])
    kept = passphrase.read_text()
    passphrase.unlink()
    try:
        outcome = penstock("bootstrap", "--check")
        assert outcome.code == 1
        assert "secrets passphrase" in outcome.out
        assert "missing" in outcome.out
        assert not passphrase.exists()
        assert penstock("bootstrap").code == 0
        assert passphrase.stat().st_mode & 0o777 == 0o600
    finally:
        passphrase.write_text(kept)


def test_on_aws_nothing_is_made_without_a_yes(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setattr(Target, "account", lambda self: "123456789012")
    outcome = penstock("bootstrap", "--stack", "dev")
    assert outcome.code == 2
    assert "add --yes" in outcome.err
