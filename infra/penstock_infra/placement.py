"""Where resources are made, for whom, and how carefully they are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from penstock_infra import naming
from penstock_infra.errors import ConfigurationError, Settings
from penstock_infra.tags import Tags

type AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
type Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
LONGEST_MODEL_NAME = 52

type StackName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,23}$")]


class Placement(Settings):
    """An account, a region and a stack, with the tags and the care that hold for all resources there."""

    account: AccountId
    region: Region
    partition: str = "aws"
    stack: StackName
    tags: Tags
    protect: bool = Field(default=True, description="refuse to delete what holds data")
    force_destroy: bool = Field(default=False, description="let destroy empty buckets and delete images")

    def name(self, kind: naming.NameKind, *parts: str) -> str:
        """The physical name of a platform resource: `penstock-<stack>-<parts>`, within the kind's limits."""
        return naming.physical_name(kind, "penstock", self.stack, *parts, location=f"{self.account}/{self.region}")

    def model_name(self, model: str) -> str:
        """What the things of a model are called in the stack: `<model>-<stack>`, so that stacks may share a region.

        Raises ConfigurationError when that leaves no room for what is appended (`-serverless`) within SageMaker's 63
        characters.
        """
        name = f"{model}-{self.stack}"
        if len(name) > LONGEST_MODEL_NAME:
            raise ConfigurationError(
                f"the model's name in the stack, {name}, has {len(name)} characters, and {LONGEST_MODEL_NAME} is the most: "
                "shorten the stack's name, or `name` in penstock.yaml"
            )
        return name

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a regional resource of this account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def global_arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account that lives in no region (IAM)."""
        return f"arn:{self.partition}:{service}::{self.account}:{resource}"

    @property
    def root_arn(self) -> str:
        """The account itself as a principal."""
        return self.global_arn("iam", "root")

    @property
    def key_deletion_days(self) -> int:
        """How long a KMS key can be saved after its deletion: 30 days, or AWS's least of 7 where all may be destroyed."""
        return 7 if self.force_destroy else 30
