"""A Git repository that notebooks can be opened from."""

from __future__ import annotations

from typing import Annotated

import pulumi
from pulumi_aws import sagemaker
from pydantic import Field, StringConstraints

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.inputs import Text


class CodeRepositoryArguments(Arguments):
    """Where the repository is, and who may read it."""

    repository: str = Field(pattern=r"^[A-Za-z0-9._-]{1,100}$", description="part of the name: flight-delays")
    url: Annotated[str, StringConstraints(pattern=r"^https://[^\s@]+$")] = Field(
        description="its address, without user and password"
    )
    branch: str | None = Field(default=None, description="the branch that is checked out; the repository's own if none")
    secret_arn: Text | None = Field(
        default=None,
        description="the secret with `username` and `password` (a token) for a private one; its name starts AmazonSageMaker-",
    )


class CodeRepository(Component):
    """A Git repository known to SageMaker, for notebook instances and Studio. Free."""

    TYPE = "penstock:training:CodeRepository"

    repository_name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: CodeRepositoryArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        repository = sagemaker.CodeRepository(
            name,
            code_repository_name=args.placement.name(naming.CODE_REPOSITORY, args.repository),
            git_config={"repository_url": args.url, "branch": args.branch, "secret_arn": args.secret_arn},
            tags=self.tags,
            opts=self.child(),
        )
        self.repository_name = repository.code_repository_name
        self.arn = repository.arn
        self.finish({"repositoryName": self.repository_name, "arn": self.arn})
