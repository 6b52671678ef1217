"""The way in for the platform's own repository: GitHub's identity provider, and a role that plans and one that deploys."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from penstock_ci.bootstrap import permissions
from penstock_ci.bootstrap.pieces import MANAGED_BY, Piece, Setting, seen, settle, tags
from penstock_ci.errors import UserError

if TYPE_CHECKING:
    from penstock_ci.target import Target

OIDC_HOST = "token.actions.githubusercontent.com"
OIDC_AUDIENCE = "sts.amazonaws.com"
LONGEST_ROLE_NAME = 64
_REPOSITORY = re.compile(r"^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$")


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

    def subjects(self, context: str) -> list[str]:
        """The `sub` claim of jobs in a context, in the form before and since July 2026."""
        owner, name = self.slug.split("/")
        return [
            f"repo:{self.slug}:{context}",
            f"repo:{owner}@{self.owner_id}/{name}@{self.repository_id}:{context}",
        ]


@dataclass(frozen=True, kw_only=True)
class CiRole:
    """A role that bootstrap looks after.

    Attributes:
        kind: What it is called in what bootstrap says.
        prefix: The first part of its name.
        context: The end of the `sub` claim that it trusts.
        attached: ARNs of managed policies.
        document: Its one inline policy.
    """

    kind: str
    prefix: str
    description: str
    context: str
    attached: tuple[str, ...]
    document: dict[str, Any]


def roles(target: Target, repository: PlatformRepository) -> list[CiRole]:
    """The role of pull requests, which reads states, and the role of the environment, which deploys."""
    account = target.account()
    return [
        CiRole(
            kind="CI plan role",
            prefix=permissions.PLAN_PREFIX,
            description=f"Previews Penstock's platform for pull requests of {repository.slug}",
            context="pull_request",
            attached=(),
            document=permissions.plan(account, target.region),
        ),
        CiRole(
            kind="CI role",
            prefix=permissions.DEPLOY_PREFIX,
            description=f"Deploys Penstock's platform from {repository.slug}, environment {repository.environment}",
            context=f"environment:{repository.environment}",
            attached=(permissions.POWER_USER,),
            document=permissions.deploy(account),
        ),
    ]


def provider_arn(account: str) -> str:
    """The ARN of GitHub's identity provider in an account, which has one at most."""
    return f"arn:aws:iam::{account}:oidc-provider/{OIDC_HOST}"


def provider(target: Target, *, check: bool) -> Piece:
    """GitHub's identity provider, for tokens made for AWS."""
    client = target.client("iam")
    kind, arn = "identity provider", provider_arn(target.account())
    try:
        found = client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    except client.exceptions.NoSuchEntityException:
        if check:
            return Piece(kind, OIDC_HOST, "missing")
        client.create_open_id_connect_provider(
            Url=f"https://{OIDC_HOST}",
            ClientIDList=[OIDC_AUDIENCE],
            Tags=[{"Key": name, "Value": value} for name, value in MANAGED_BY.items()],
        )
        return Piece(kind, OIDC_HOST, "created", arn)
    if OIDC_AUDIENCE not in found.get("ClientIDList", []):
        if check:
            return Piece(kind, OIDC_HOST, "differs", f"audience {OIDC_AUDIENCE} is missing")
        client.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID=OIDC_AUDIENCE)
        return Piece(kind, OIDC_HOST, "changed", arn)
    return Piece(kind, OIDC_HOST, "there", arn)


def role_name(prefix: str, repository: PlatformRepository) -> str:
    """The role's name; one that IAM would find too long ends with a hash of what was cut."""
    name = f"{prefix}{repository.slug.replace('/', '-')}"
    if len(name) <= LONGEST_ROLE_NAME:
        return name
    digest = hashlib.sha256(repository.slug.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_ROLE_NAME - 9]}-{digest}"


def trust(repository: PlatformRepository, arn: str, context: str) -> dict[str, Any]:
    """Only jobs of this repository in this context may take the role; a claim that is absent refuses."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": arn},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        f"{OIDC_HOST}:aud": OIDC_AUDIENCE,
                        f"{OIDC_HOST}:sub": repository.subjects(context),
                        f"{OIDC_HOST}:repository_id": str(repository.repository_id),
                    }
                },
            }
        ],
    }


def role(target: Target, repository: PlatformRepository, wanted: CiRole, *, check: bool) -> Piece:
    """One role: its trust, its policies, and no others."""
    client = target.client("iam")
    name = role_name(wanted.prefix, repository)
    trusted = trust(repository, provider_arn(target.account()), wanted.context)
    existed = True
    try:
        found = client.get_role(RoleName=name)["Role"]
    except client.exceptions.NoSuchEntityException:
        if check:
            return Piece(wanted.kind, name, "missing")
        existed = False
        found = client.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(trusted),
            Description=wanted.description,
            Tags=[{"Key": key, "Value": value} for key, value in MANAGED_BY.items()],
        )["Role"]
    wrong = settle(_settings(client, name, found, trusted, wanted), check=check)
    return seen(wanted.kind, name, existed=existed, wrong=wrong, check=check, note=str(found["Arn"]))


def _settings(client: Any, name: str, found: Any, trusted: dict[str, Any], wanted: CiRole) -> list[Setting]:
    def attached() -> set[str]:
        pages = client.get_paginator("list_attached_role_policies").paginate(RoleName=name)
        return {entry["PolicyArn"] for page in pages for entry in page["AttachedPolicies"]}

    def attach() -> None:
        there = attached()
        for arn in set(wanted.attached) - there:
            client.attach_role_policy(RoleName=name, PolicyArn=arn)
        for arn in there - set(wanted.attached):
            client.detach_role_policy(RoleName=name, PolicyArn=arn)

    def inline() -> dict[str, Any]:
        names = client.list_role_policies(RoleName=name)["PolicyNames"]
        return {
            entry: _document(client.get_role_policy(RoleName=name, PolicyName=entry)["PolicyDocument"])
            for entry in names
        }

    def write() -> None:
        client.put_role_policy(RoleName=name, PolicyName=permissions.NAME, PolicyDocument=json.dumps(wanted.document))
        for entry in set(inline()) - {permissions.NAME}:
            client.delete_role_policy(RoleName=name, PolicyName=entry)

    return [
        Setting(
            "its trust policy is another one",
            lambda: _document(found["AssumeRolePolicyDocument"]) == trusted,
            lambda: client.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trusted)),
        ),
        Setting("its managed policies are others", lambda: attached() == set(wanted.attached), attach),
        Setting("its own policy is another one", lambda: inline() == {permissions.NAME: wanted.document}, write),
        Setting(
            "tags",
            lambda: tags(client.list_role_tags(RoleName=name)["Tags"]),
            lambda: client.tag_role(
                RoleName=name, Tags=[{"Key": key, "Value": value} for key, value in MANAGED_BY.items()]
            ),
        ),
    ]


def _document(value: Any) -> Any:
    """A policy document as botocore decodes it, or as the URL-encoded text that some emulators leave."""
    return json.loads(unquote(value)) if isinstance(value, str) else value
