"""Bootstrapping: AWS's pieces on the local cloud's S3, KMS and IAM; the file backend; doing it twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.ci.conftest import Penstock

from penstock_ci import bootstrap
from penstock_ci.bootstrap import Piece, PlatformRepository, bucket, github, permissions
from penstock_ci.errors import Failure, UserError
from penstock_ci.target import Target

BUCKET = "penstock-state-000000000000-us-east-1"
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
    environment = {name: value for name, value in target.environment.items() if not name.startswith("PULUMI_")}
    made = OnAws("aws", "dev", environment, "us-east-1")
    yield made
    iam = made.client("iam")
    for name in (role["RoleName"] for role in iam.list_roles()["Roles"]):
        if name.startswith(("penstock-platform-", "penstock-plan-platform-")):
            for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                iam.delete_role_policy(RoleName=name, PolicyName=policy)
            iam.delete_role(RoleName=name)
    s3 = made.client("s3")
    s3.delete_bucket_policy(Bucket=BUCKET)
    for entry in s3.list_object_versions(Bucket=BUCKET).get("Versions", []):
        s3.delete_object(Bucket=BUCKET, Key=entry["Key"], VersionId=entry["VersionId"])
    s3.delete_bucket(Bucket=BUCKET)
    made.client("kms").delete_alias(AliasName=bootstrap.KEY_ALIAS)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=github.provider_arn("000000000000"))


def statuses(pieces: list[Piece]) -> dict[str, str]:
    return {piece.kind: piece.status for piece in pieces}


DEPLOY_ROLE, PLAN_ROLE = "penstock-platform-acme-platform", "penstock-plan-platform-acme-platform"
KINDS = {"KMS key", "state bucket", "record", "identity provider", "CI role", "CI plan role"}


def ran(aws: Target, *, check: bool) -> dict[str, Piece]:
    """Every piece by its kind, after a run."""
    seen: list[Piece] = []
    pieces = bootstrap.run(aws, REPOSITORY, check=check, on_piece=seen.append)
    assert seen == pieces
    return {piece.kind: piece for piece in pieces}


def looked(aws: Target) -> dict[str, str]:
    return statuses(list(ran(aws, check=True).values()))


@pytest.mark.cloud
def test_made_once_then_there(aws: OnAws) -> None:
    assert looked(aws) == dict.fromkeys(KINDS, "missing")
    assert bootstrap.recorded_stacks(aws) is None
    assert statuses(list(ran(aws, check=False).values())) == dict.fromkeys(KINDS, "created")
    assert looked(aws) == dict.fromkeys(KINDS, "there")
    assert statuses(list(ran(aws, check=False).values())) == dict.fromkeys(KINDS, "there"), "twice changes nothing"

    s3, kms, iam = aws.client("s3"), aws.client("kms"), aws.client("iam")
    key = kms.describe_key(KeyId=bootstrap.KEY_ALIAS)["KeyMetadata"]
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] is True
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    rule = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key["Arn"]}
    denied = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    assert [statement["Sid"] for statement in denied] == ["TransportIsEncrypted", "StatesAreKept"]
    assert all(statement["Effect"] == "Deny" for statement in denied)
    for name, context in ((DEPLOY_ROLE, "environment:platform"), (PLAN_ROLE, "pull_request")):
        trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
        condition = trust["Condition"]["StringEquals"]
        assert condition["token.actions.githubusercontent.com:sub"] == [
            f"repo:acme/platform:{context}",
            f"repo:acme@1001/platform@2002:{context}",
        ]
        assert condition["token.actions.githubusercontent.com:repository_id"] == "2002"
    assert iam.list_attached_role_policies(RoleName=PLAN_ROLE)["AttachedPolicies"] == []

    other = OnAws("aws", "staging", aws.environment, "us-east-1")
    assert bootstrap.recorded_stacks(other) == ("dev",)
    assert ran(other, check=True)["record"].status == "differs"
    assert ran(other, check=False)["record"].status == "changed"
    assert bootstrap.recorded_stacks(aws) == ("dev", "staging")
    elsewhere = OnAws("aws", "dev", aws.environment | {"PULUMI_BACKEND_URL": "s3://own-states"}, "us-east-1")
    assert bootstrap.recorded_stacks(elsewhere) is None


@pytest.mark.cloud
def test_the_command_says_what_plain_pulumi_needs(
    aws: OnAws, penstock: Penstock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock_ci.target.resolve", lambda stack: aws)
    looked = penstock("bootstrap", "--stack", "dev", "--check", "--json")
    assert (looked.code, looked.document["ok"]) == (1, False)
    assert {piece["status"] for piece in looked.document["pieces"]} == {"missing"}
    own = ("--repository", "acme/platform", "--owner-id", "1001", "--repository-id", "2002")
    made = penstock("bootstrap", "--stack", "dev", *own, "--yes")
    assert made.code == 0
    assert f"export PULUMI_BACKEND_URL='s3://{BUCKET}?region=us-east-1&awssdk=v2'" in made.out
    assert "--secrets-provider 'awskms://alias/penstock-state?region=us-east-1&awssdk=v2'" in made.out
    assert 'aws:allowedAccountIds: ["000000000000"]' in made.out
    assert f"penstock-foundation:stateBucket: {BUCKET}" in made.out
    again = penstock("bootstrap", "--stack", "dev", *own, "--check", "--json")
    assert (again.code, again.document["ok"]) == (0, True)
    assert {piece["status"] for piece in again.document["pieces"]} == {"there"}


def _another_key(aws: OnAws) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/other"}}
    aws.client("s3").put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})


def _another_trust(aws: OnAws) -> None:
    evil = github.trust(PlatformRepository("evil/fork", 1, 2), "arn:x", "pull_request")
    aws.client("iam").update_assume_role_policy(RoleName=DEPLOY_ROLE, PolicyDocument=json.dumps(evil))


def _one_more_policy(aws: OnAws) -> None:
    aws.client("iam").attach_role_policy(RoleName=PLAN_ROLE, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")


def _a_wider_policy(aws: OnAws) -> None:
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    aws.client("iam").put_role_policy(RoleName=PLAN_ROLE, PolicyName="more", PolicyDocument=json.dumps(allow))


def _key_goes(aws: OnAws) -> None:
    kms = aws.client("kms")
    kms.schedule_key_deletion(KeyId=kms.describe_key(KeyId=bootstrap.KEY_ALIAS)["KeyMetadata"]["KeyId"])


def _key_does_not_rotate(aws: OnAws) -> None:
    kms = aws.client("kms")
    kms.disable_key_rotation(KeyId=kms.describe_key(KeyId=bootstrap.KEY_ALIAS)["KeyMetadata"]["KeyId"])


DAMAGE: dict[str, tuple[str, str, Callable[[OnAws], object]]] = {
    "versions": (
        "state bucket",
        "versioning",
        lambda aws: aws.client("s3").put_bucket_versioning(
            Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"}
        ),
    ),
    "public": (
        "state bucket",
        "public access block",
        lambda aws: aws.client("s3").delete_public_access_block(Bucket=BUCKET),
    ),
    "policy": ("state bucket", "policy", lambda aws: aws.client("s3").delete_bucket_policy(Bucket=BUCKET)),
    "tags": ("state bucket", "tags", lambda aws: aws.client("s3").delete_bucket_tagging(Bucket=BUCKET)),
    "ownership": (
        "state bucket",
        "ownership",
        lambda aws: aws.client("s3").delete_bucket_ownership_controls(Bucket=BUCKET),
    ),
    "lifecycle": ("state bucket", "lifecycle", lambda aws: aws.client("s3").delete_bucket_lifecycle(Bucket=BUCKET)),
    "another key": ("state bucket", "encryption", _another_key),
    "trust": ("CI role", "its trust policy is another one", _another_trust),
    "attached": ("CI plan role", "its managed policies are others", _one_more_policy),
    "inline": ("CI plan role", "its own policy is another one", _a_wider_policy),
    "key": ("KMS key", "state PendingDeletion", _key_goes),
    "rotation": ("KMS key", "rotation is off", _key_does_not_rotate),
}


@pytest.mark.cloud
def test_what_differs_is_said_and_put_right(aws: OnAws) -> None:
    ran(aws, check=False)
    for damage, (kind, note, spoil) in DAMAGE.items():
        spoil(aws)
        found = ran(aws, check=True)
        assert {name for name, piece in found.items() if piece.status != "there"} == {kind}, damage
        assert (found[kind].status, found[kind].note) == ("differs", note), damage
        mended = ran(aws, check=False)
        assert (mended[kind].status, mended[kind].note) == ("changed", note), damage
    assert looked(aws) == dict.fromkeys(KINDS, "there")


def test_the_backend_is_the_bootstrapped_bucket_unless_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target("aws", "dev", {}, "eu-west-1")
    monkeypatch.setattr(Target, "account", lambda self: "123456789012")
    found = bootstrap.backend_environment(target)
    assert found == {"PULUMI_BACKEND_URL": "s3://penstock-state-123456789012-eu-west-1?region=eu-west-1&awssdk=v2"}
    assert bootstrap.secrets_provider(target, found) == "awskms://alias/penstock-state?region=eu-west-1&awssdk=v2"
    chosen = Target("aws", "dev", {"PULUMI_ACCESS_TOKEN": "pul-1"}, "eu-west-1")
    assert bootstrap.backend_environment(chosen) == {}
    assert bootstrap.secrets_provider(chosen, chosen.environment) is None


@pytest.mark.parametrize(("slug", "ids"), [("platform", (1, 2)), ("acme/platform", (0, 0)), ("acme/plat form", (1, 2))])
def test_a_repository_needs_its_names_and_numbers(slug: str, ids: tuple[int, int]) -> None:
    with pytest.raises(UserError):
        PlatformRepository(slug, *ids)


def test_permissions_are_on_the_platforms_own_names() -> None:
    statements = permissions.deploy("123456789012")["Statement"]
    assert not [action for statement in statements for action in statement["Action"] if "*" in action]
    assert all(
        ":role/penstock-" in name or ":policy/penstock-" in name or name.endswith(github.OIDC_HOST)
        for statement in statements
        for name in statement["Resource"]
    )


def test_the_deploying_role_makes_nobody_an_administrator() -> None:
    """A role gets permissions only under a boundary; its own are out of its reach."""
    statements = {item["Sid"]: item for item in permissions.deploy("123456789012")["Statement"]}
    gives = set(permissions.GIVE_PERMISSIONS)
    for sid, statement in statements.items():
        if statement["Effect"] == "Allow" and gives & set(statement["Action"]):
            assert sid == "GivePermissionsUnderABoundary"
            assert statement["Condition"] == {
                "StringLike": {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/penstock-*"}
            }
    assert gives <= set(statements["NeverOnItself"]["Action"])
    assert "iam:UpdateAssumeRolePolicy" in statements["NeverOnItself"]["Action"]
    assert statements["BoundariesStay"]["Effect"] == "Deny"
    passed = statements["PassRolesToServices"]["Condition"]["StringEquals"]["iam:PassedToService"]
    assert "sagemaker.amazonaws.com" in passed


def test_planning_reads_states_and_nothing_else() -> None:
    statements = permissions.plan("123456789012", "eu-west-1")["Statement"]
    actions = {action for statement in statements for action in statement["Action"]}
    assert actions == {"s3:GetBucketLocation", "s3:ListBucket", "s3:GetObject", "kms:Decrypt", "kms:DescribeKey"}
    assert statements[2]["Condition"] == {"ForAnyValue:StringEquals": {"kms:ResourceAliases": bootstrap.KEY_ALIAS}}


def test_role_names_fit_and_stay_apart() -> None:
    long = [PlatformRepository(f"acme/{'p' * 60}{end}", 1, 2) for end in "ab"]
    names = {
        github.role_name(prefix, own) for prefix in ("penstock-platform-", "penstock-plan-platform-") for own in long
    }
    assert len(names) == 4
    assert all(len(name) <= 64 for name in names)


def test_a_bucket_of_another_account_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Taken:
        class exceptions:
            ClientError = ClientError

        def head_bucket(self, **request: str) -> None:
            assert request["ExpectedBucketOwner"] == "123456789012"
            raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadBucket")

    target = Target("aws", "dev", {}, "eu-west-1")
    target._clients["s3"] = Taken()
    monkeypatch.setattr(Target, "account", lambda self: "123456789012")
    with pytest.raises(Failure, match="is not this account's"):
        bucket.bucket(target, "arn:key", check=False)


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
