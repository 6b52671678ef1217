"""What stacks need before the first `up`: a state backend of their own kind, a key for secrets, CI's way in.

On AWS: an S3 bucket for Pulumi's state, a KMS key that encrypts it and the stacks' secrets, GitHub's identity provider,
and the role with which the platform's own repository deploys the platform. Locally: the folder of Pulumi's file backend
and its passphrase. Every step looks first and changes only what is missing or differs.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit

from penstock_ci.errors import UserError

if TYPE_CHECKING:
    from penstock_ci.target import Target

KEY_ALIAS = "alias/penstock-state"
OIDC_HOST = "token.actions.githubusercontent.com"
OIDC_AUDIENCE = "sts.amazonaws.com"
MANAGED_BY = {"ManagedBy": "penstock", "Project": "penstock-bootstrap"}
_REPOSITORY = re.compile(r"^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$")

Status = Literal["there", "created", "changed", "missing", "differs"]


@dataclass(frozen=True)
class Piece:
    """One thing that bootstrap looks after.

    `status`: there (nothing to do), created or changed (done now), missing or differs (`--check` only).
    """

    kind: str
    name: str
    status: Status
    note: str = ""

    def summary(self) -> dict[str, str]:
        """What `--json` shows."""
        return asdict(self)


@dataclass(frozen=True)
class PlatformRepository:
    """The GitHub repository whose workflows deploy the platform, with GitHub's numbers for owner and repository.

    Raises:
        UserError: the name is not `owner/name`, or an id is not a positive number.
    """

    slug: str
    owner_id: int
    repository_id: int
    environment: str = "platform"

    def __post_init__(self) -> None:
        if not _REPOSITORY.match(self.slug):
            raise UserError(f"'{self.slug}' is not a GitHub repository", "write it as owner/name")
        if self.owner_id < 1 or self.repository_id < 1:
            raise UserError(
                "GitHub's numbers of owner and repository are needed: tokens of new repositories carry them",
                f"gh api repos/{self.slug} --jq '.owner.id, .id'   then --owner-id and --repository-id",
            )

    def subjects(self) -> list[str]:
        """The `sub` claim of the environment's jobs, in the form before and since July 2026."""
        owner, name = self.slug.split("/")
        context = f"environment:{self.environment}"
        return [
            f"repo:{self.slug}:{context}",
            f"repo:{owner}@{self.owner_id}/{name}@{self.repository_id}:{context}",
        ]


def state_bucket(account: str, region: str) -> str:
    """The name of the account's state bucket."""
    return f"penstock-state-{account}-{region}"


def backend_environment(target: Target) -> dict[str, str]:
    """PULUMI_BACKEND_URL of the bootstrapped state bucket, unless the user has chosen a backend."""
    if target.environment.get("PULUMI_BACKEND_URL") or target.environment.get("PULUMI_ACCESS_TOKEN"):
        return {}
    bucket = state_bucket(target.account(), target.region)
    return {"PULUMI_BACKEND_URL": f"s3://{bucket}?region={target.region}&awssdk=v2"}


def secrets_provider(target: Target, environment: Mapping[str, str]) -> str | None:
    """The bootstrapped key as Pulumi's secrets provider, when the state is in the bootstrapped bucket."""
    if not environment.get("PULUMI_BACKEND_URL", "").startswith("s3://penstock-state-"):
        return None
    return f"awskms:///{KEY_ALIAS}?region={target.region}&awssdk=v2"


def run(
    target: Target, repository: PlatformRepository | None, *, check: bool, on_piece: Callable[[Piece], None]
) -> list[Piece]:
    """See to every piece; with `check` only look.

    Args:
        target: Where.
        repository: The platform's own repository; None leaves GitHub's provider and role out.
        check: Change nothing.
        on_piece: Hears of each piece when it has been seen to.
    """
    pieces: list[Piece] = []

    def report(piece: Piece) -> None:
        pieces.append(piece)
        on_piece(piece)

    if target.is_local:
        for piece in _file_backend(target, check=check):
            report(piece)
    else:
        key = _key(target, check=check)
        report(key)
        report(_bucket(target, check=check))
    if repository is not None:
        provider_arn = f"arn:aws:iam::{target.account()}:oidc-provider/{OIDC_HOST}"
        report(_provider(target, provider_arn, check=check))
        report(_role(target, repository, provider_arn, check=check))
    return pieces


def _file_backend(target: Target, *, check: bool) -> list[Piece]:
    folder = Path(urlsplit(target.environment["PULUMI_BACKEND_URL"]).path)
    passphrase = Path(target.environment["PULUMI_CONFIG_PASSPHRASE_FILE"])
    pieces: list[Piece] = []
    if folder.is_dir():
        pieces.append(Piece("state backend", f"file://{folder}", "there"))
    else:
        if not check:
            folder.mkdir(parents=True)
        pieces.append(Piece("state backend", f"file://{folder}", "missing" if check else "created"))
    if passphrase.is_file() and passphrase.read_text().strip():
        pieces.append(Piece("secrets passphrase", str(passphrase), "there"))
    else:
        if not check:
            passphrase.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(passphrase, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(32))
        pieces.append(Piece("secrets passphrase", str(passphrase), "missing" if check else "created"))
    return pieces


def _key(target: Target, *, check: bool) -> Piece:
    client = target.client("kms")
    try:
        key = client.describe_key(KeyId=KEY_ALIAS)["KeyMetadata"]
    except client.exceptions.NotFoundException:
        if check:
            return Piece("KMS key", KEY_ALIAS, "missing")
        key = client.create_key(
            Description="Pulumi state and secrets of Penstock's stacks",
            Tags=[{"TagKey": name, "TagValue": value} for name, value in MANAGED_BY.items()],
        )["KeyMetadata"]
        client.enable_key_rotation(KeyId=key["KeyId"])
        client.create_alias(AliasName=KEY_ALIAS, TargetKeyId=key["KeyId"])
        return Piece("KMS key", KEY_ALIAS, "created", key["Arn"])
    if not client.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]:
        if check:
            return Piece("KMS key", KEY_ALIAS, "differs", "rotation is off")
        client.enable_key_rotation(KeyId=key["KeyId"])
        return Piece("KMS key", KEY_ALIAS, "changed", "rotation is on now")
    return Piece("KMS key", KEY_ALIAS, "there", key["Arn"])


def _bucket(target: Target, *, check: bool) -> Piece:
    client = target.client("s3")
    bucket = state_bucket(target.account(), target.region)
    existed = True
    try:
        client.head_bucket(Bucket=bucket)
    except client.exceptions.ClientError as error:
        if str(error.response["Error"].get("Code")) not in {"404", "NoSuchBucket", "NotFound"}:
            raise
        existed = False
        if check:
            return Piece("state bucket", bucket, "missing")
        request: dict[str, Any] = {"Bucket": bucket}
        if target.region != "us-east-1":
            request["CreateBucketConfiguration"] = {"LocationConstraint": target.region}
        client.create_bucket(**request)
    mended = [setting for setting, ok, mend in _bucket_settings(client, bucket) if not _apply(ok, mend, check=check)]
    if not existed:
        return Piece("state bucket", bucket, "created")
    if mended:
        return Piece("state bucket", bucket, "differs" if check else "changed", ", ".join(mended))
    return Piece("state bucket", bucket, "there")


def _apply(ok: Callable[[], bool], mend: Callable[[], object], *, check: bool) -> bool:
    """Whether the setting was right already; mends it when not (unless only checking)."""
    if ok():
        return True
    if not check:
        mend()
    return False


def _bucket_settings(client: Any, bucket: str) -> list[tuple[str, Callable[[], bool], Callable[[], object]]]:
    """Name, test and remedy of every setting of the state bucket."""
    encryption = {
        "Rules": [
            {
                "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY_ALIAS},
                "BucketKeyEnabled": True,
            }
        ]
    }
    closed = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TransportIsEncrypted",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }

    def asked(question: Callable[[], Any]) -> Any:
        try:
            return question()
        except client.exceptions.ClientError:  # S3 answers "no such configuration" as an error
            return None

    def algorithm() -> str:
        found = asked(
            lambda: client.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
        )
        return str((found or {}).get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", ""))

    return [
        (
            "versioning",
            lambda: client.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled",
            lambda: client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}),
        ),
        (
            "encryption",
            lambda: algorithm() == "aws:kms",
            lambda: client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=encryption),
        ),
        (
            "public access block",
            lambda: (
                asked(lambda: client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]) == closed
            ),
            lambda: client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=closed),
        ),
        (
            "policy",
            lambda: json.loads(asked(lambda: client.get_bucket_policy(Bucket=bucket)["Policy"]) or "null") == policy,
            lambda: client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy)),
        ),
    ]


def _provider(target: Target, arn: str, *, check: bool) -> Piece:
    client = target.client("iam")
    try:
        found = client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    except client.exceptions.NoSuchEntityException:
        if check:
            return Piece("identity provider", OIDC_HOST, "missing")
        client.create_open_id_connect_provider(
            Url=f"https://{OIDC_HOST}",
            ClientIDList=[OIDC_AUDIENCE],
            Tags=[{"Key": name, "Value": value} for name, value in MANAGED_BY.items()],
        )
        return Piece("identity provider", OIDC_HOST, "created", arn)
    if OIDC_AUDIENCE not in found.get("ClientIDList", []):
        if check:
            return Piece("identity provider", OIDC_HOST, "differs", f"audience {OIDC_AUDIENCE} is missing")
        client.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID=OIDC_AUDIENCE)
        return Piece("identity provider", OIDC_HOST, "changed", arn)
    return Piece("identity provider", OIDC_HOST, "there", arn)


def role_name(repository: PlatformRepository) -> str:
    """The role's name: IAM allows 64 characters."""
    return f"penstock-platform-{repository.slug.replace('/', '-')}"[:64]


def trust(repository: PlatformRepository, provider_arn: str) -> dict[str, Any]:
    """Only jobs of this repository's environment may take the role; a claim that is absent refuses."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": provider_arn},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        f"{OIDC_HOST}:aud": OIDC_AUDIENCE,
                        f"{OIDC_HOST}:sub": repository.subjects(),
                        f"{OIDC_HOST}:repository_id": str(repository.repository_id),
                    }
                },
            }
        ],
    }


def permissions(account: str) -> dict[str, Any]:
    """What deploying the platform takes beyond PowerUserAccess: IAM, on the platform's own names only."""
    names = [f"arn:aws:iam::{account}:{kind}/penstock-*" for kind in ("role", "policy")] + [
        f"arn:aws:iam::{account}:oidc-provider/{OIDC_HOST}"
    ]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "PlatformRolesAndPolicies",
                "Effect": "Allow",
                "Action": [
                    "iam:AttachRolePolicy", "iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:CreateRole",
                    "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:DeleteRole", "iam:DeleteRolePolicy",
                    "iam:DetachRolePolicy", "iam:GetOpenIDConnectProvider", "iam:GetPolicy", "iam:GetPolicyVersion",
                    "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole",
                    "iam:ListPolicyVersions", "iam:ListRolePolicies", "iam:PassRole", "iam:PutRolePermissionsBoundary",
                    "iam:PutRolePolicy", "iam:TagPolicy", "iam:TagRole", "iam:UntagPolicy", "iam:UntagRole",
                    "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
                ],
                "Resource": names,
            }
        ],
    }  # fmt: skip


def _role(target: Target, repository: PlatformRepository, provider_arn: str, *, check: bool) -> Piece:
    client = target.client("iam")
    name = role_name(repository)
    wanted = trust(repository, provider_arn)
    try:
        found = client.get_role(RoleName=name)["Role"]
    except client.exceptions.NoSuchEntityException:
        if check:
            return Piece("CI role", name, "missing")
        found = client.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(wanted),
            Description=f"Deploys Penstock's platform from {repository.slug}, environment {repository.environment}",
            Tags=[{"Key": key, "Value": value} for key, value in MANAGED_BY.items()],
        )["Role"]
        _grant(client, target, name)
        return Piece("CI role", name, "created", found["Arn"])
    document = found["AssumeRolePolicyDocument"]
    if isinstance(document, str):
        document = json.loads(unquote(document))
    if document != wanted:
        if check:
            return Piece("CI role", name, "differs", "its trust policy is another one")
        client.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(wanted))
        _grant(client, target, name)
        return Piece("CI role", name, "changed", found["Arn"])
    return Piece("CI role", name, "there", found["Arn"])


def _grant(client: Any, target: Target, name: str) -> None:
    client.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/PowerUserAccess")
    client.put_role_policy(
        RoleName=name, PolicyName="platform", PolicyDocument=json.dumps(permissions(target.account()))
    )
