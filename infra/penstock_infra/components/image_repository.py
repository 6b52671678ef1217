"""Where the images of jobs and endpoints are kept."""

from __future__ import annotations

import json

import pulumi
from pulumi_aws import ecr
from pydantic import Field

from penstock_infra import grants, naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.iam import Document, Statement
from penstock_infra.inputs import Text
from penstock_infra.placement import AccountId


class ImageRepositoryArguments(Arguments):
    """The images' key, how long images without a tag stay, in days, and which other accounts may pull."""

    key_arn: Text
    untagged_expire_after: int = Field(default=30, ge=1)
    shared_with: tuple[AccountId, ...] = Field(
        default=(), description="other accounts whose roles may pull, as far as their own policies go"
    )


class ImageRepository(Component):
    """An encrypted ECR repository whose tags never move and whose images are scanned when pushed.

    Tagged images are kept for ever: a registered model names its image by digest, and rolling back needs it. About 0.10 USD
    a GB and month.
    """

    TYPE = "penstock:training:ImageRepository"

    url: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: ImageRepositoryArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        repository = ecr.Repository(
            name,
            name=args.placement.name(naming.IMAGE_REPOSITORY, "models"),
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": args.key_arn}],
            force_delete=args.placement.force_destroy,
            tags=self.tags,
            opts=self.child(holds_data=True),
        )
        ecr.LifecyclePolicy(name, repository=repository.name, policy=lifecycle_policy(args), opts=self.child())
        if others := grants.others(args.placement, args.shared_with):
            policy = repository_policy(others)
            ecr.RepositoryPolicy(name, repository=repository.name, policy=policy.render(), opts=self.child())
        self.url = repository.repository_url
        self.arn = repository.arn
        self.finish({"url": self.url, "arn": self.arn})


def repository_policy(accounts: list[Text]) -> Document:
    """Pulling, for other accounts; ECR takes no resource in a repository's policy, which is about itself."""
    return Document.of(
        Statement(
            sid="PullFromOtherAccounts",
            actions=grants.PULL_IMAGES,
            principals={"AWS": accounts},
        )
    )


def lifecycle_policy(args: ImageRepositoryArguments) -> str:
    """Images without a tag expire."""
    return json.dumps(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "description": "Images without a tag expire",
                    "selection": {
                        "tagStatus": "untagged",
                        "countType": "sinceImagePushed",
                        "countUnit": "days",
                        "countNumber": args.untagged_expire_after,
                    },
                    "action": {"type": "expire"},
                }
            ]
        },
        separators=(",", ":"),
    )
