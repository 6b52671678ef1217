"""A KMS key for one purpose."""

from __future__ import annotations

from typing import Literal

import pulumi
from pulumi_aws import kms
from pydantic import Field

from penstock_infra import grants, naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.iam import Document, Principals, Statement
from penstock_infra.placement import AccountId

ADMINISTER = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:CreateGrant",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListAliases",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)

type Publisher = Literal[
    "budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com", "logging.s3.amazonaws.com"
]


class DataKeyArguments(Arguments):
    """What the key is for, and which AWS services write through it on the account's behalf."""

    purpose: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$", description="part of the alias: data, artifacts, messages")
    description: str = Field(min_length=1)
    publishers: tuple[Publisher, ...] = ()
    reader_accounts: tuple[AccountId, ...] = Field(
        default=(), description="other accounts whose roles may decrypt with it, as far as their own policies go"
    )


class DataKey(Component):
    """A symmetric KMS key with yearly rotation, and its alias.

    The key's policy lets the account administer it and lets IAM grant its use; services write with it only for
    resources of the same account. About 1 USD a month, and 0.03 USD for 10,000 requests (bucket keys keep those few).
    """

    TYPE = "penstock:security:DataKey"

    arn: pulumi.Output[str]
    key_id: pulumi.Output[str]
    alias: str

    def __init__(self, name: str, args: DataKeyArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.alias = f"alias/{args.placement.name(naming.KEY_ALIAS, args.purpose)}"
        key = kms.Key(
            name,
            description=args.description,
            enable_key_rotation=True,
            deletion_window_in_days=args.placement.key_deletion_days,
            policy=key_policy(args).render(),
            tags=self.tags,
            opts=self.child(holds_data=True),
        )
        kms.Alias(name, name=self.alias, target_key_id=key.key_id, opts=self.child())
        self.arn = key.arn
        self.key_id = key.key_id
        self.finish({"arn": self.arn, "keyId": self.key_id, "alias": self.alias})


def key_policy(args: DataKeyArguments) -> Document:
    """Who administers the key, who uses it, and which services may write with it."""
    root: Principals = {"AWS": [args.placement.root_arn]}
    statements = [
        Statement(
            sid="AnyResourceAKeyPolicyMeansItsOwnKeyAdministration",
            actions=ADMINISTER,
            resources=("*",),
            principals=root,
        ),
        Statement(
            sid="AnyResourceAKeyPolicyMeansItsOwnKeyUseByIam",
            actions=(*grants.DECRYPT, *grants.ENCRYPT),
            resources=("*",),
            principals=root,
        ),
    ]
    if args.publishers:
        statements.append(
            Statement(
                sid="AnyResourceAKeyPolicyMeansItsOwnKeyPublishers",
                actions=("kms:Decrypt", "kms:GenerateDataKey"),
                resources=("*",),
                principals={"Service": sorted(args.publishers)},
                conditions={"StringEquals": {"aws:SourceAccount": [args.placement.account]}},
            )
        )
    if readers := grants.others(args.placement, args.reader_accounts):
        statements.append(
            Statement(
                sid="AnyResourceAKeyPolicyMeansItsOwnKeyReaders",
                actions=grants.DECRYPT,
                resources=("*",),
                principals={"AWS": readers},
            )
        )
    return Document.of(*statements)
