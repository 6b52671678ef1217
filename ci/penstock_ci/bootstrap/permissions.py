"""What the roles of the platform's repository may do: pure documents."""

from __future__ import annotations

from typing import Any

from penstock_ci.bootstrap.backend import KEY_ALIAS, state_bucket

NAME = "platform"
"""The name of each role's inline policy."""

DEPLOY_PREFIX = "penstock-platform-"
PLAN_PREFIX = "penstock-plan-platform-"
POWER_USER = "arn:aws:iam::aws:policy/PowerUserAccess"
"""Everything but IAM: the platform is made of two dozen services, and grows. IAM is listed below, on its own names."""

OIDC_PROVIDER = "token.actions.githubusercontent.com"

PASSED_TO = (
    "budgets.amazonaws.com",
    "emr-serverless.amazonaws.com",
    "events.amazonaws.com",
    "glue.amazonaws.com",
    "lakeformation.amazonaws.com",
    "lambda.amazonaws.com",
    "sagemaker.amazonaws.com",
    "scheduler.amazonaws.com",
)
"""The services that the platform hands its roles to."""

READ_IAM = (
    "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies",
    "iam:ListInstanceProfilesForRole", "iam:ListPolicyTags", "iam:ListPolicyVersions", "iam:ListRolePolicies",
    "iam:ListRoleTags",
)  # fmt: skip
GIVE_PERMISSIONS = (
    "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy",
    "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
)  # fmt: skip
"""What gives a role permissions; IAM allows a condition on the role's boundary for all of these."""

KEEP_ROLES = (
    "iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:DeleteRole",
    "iam:TagPolicy", "iam:TagRole", "iam:UntagPolicy", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
    "iam:UpdateRoleDescription",
)  # fmt: skip


def deploy(account: str) -> dict[str, Any]:
    """What deploying the platform takes beyond PowerUserAccess: IAM, on the platform's own names only.

    A role gets permissions only under a permissions boundary of the platform, and the deploying role changes neither itself
    nor the planning one: it cannot make itself, or anybody, an administrator.
    """
    roles = f"arn:aws:iam::{account}:role/penstock-*"
    policies = f"arn:aws:iam::{account}:policy/penstock-*"
    own = [f"arn:aws:iam::{account}:role/{prefix}*" for prefix in (DEPLOY_PREFIX, PLAN_PREFIX)]
    provider = f"arn:aws:iam::{account}:oidc-provider/{OIDC_PROVIDER}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("ReadOwnRolesAndPolicies", READ_IAM, [roles, policies]),
            _allow("ReadIdentityProvider", ("iam:GetOpenIDConnectProvider",), [provider]),
            _allow(
                "GivePermissionsUnderABoundary",
                GIVE_PERMISSIONS,
                [roles],
                {"StringLike": {"iam:PermissionsBoundary": policies}},
            ),
            _allow("KeepRolesAndPolicies", KEEP_ROLES, [roles, policies]),
            _allow(
                "PassRolesToServices",
                ("iam:PassRole",),
                [roles],
                {"StringEquals": {"iam:PassedToService": list(PASSED_TO)}},
            ),
            {
                "Sid": "NeverOnItself",
                "Effect": "Deny",
                "Action": sorted({*GIVE_PERMISSIONS, "iam:DeleteRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole"}),
                "Resource": own,
            },
            {
                "Sid": "BoundariesStay",
                "Effect": "Deny",
                "Action": ["iam:DeleteRolePermissionsBoundary"],
                "Resource": [roles],
            },
        ],
    }


def plan(account: str, region: str) -> dict[str, Any]:
    """What a preview takes: reading the stacks' state and decrypting its secrets. Nothing of the data."""
    bucket = f"arn:aws:s3:::{state_bucket(account, region)}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("ListStates", ("s3:GetBucketLocation", "s3:ListBucket"), [bucket]),
            _allow("ReadStates", ("s3:GetObject",), [f"{bucket}/*"]),
            _allow(
                "DecryptStates",
                ("kms:Decrypt", "kms:DescribeKey"),
                [f"arn:aws:kms:{region}:{account}:key/*"],
                {"ForAnyValue:StringEquals": {"kms:ResourceAliases": KEY_ALIAS}},
            ),
        ],
    }


def _allow(
    sid: str, actions: tuple[str, ...], resources: list[str], condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": resources}
    return statement | {"Condition": condition} if condition else statement
