"""Git repositories that notebooks are opened from."""

from __future__ import annotations

from typing import Any

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.types.sagemaker.base import SageMakerType
from penstock_deploy.values import Properties


@resource
class CodeRepository(SageMakerType):
    pulumi_type = "aws:sagemaker/codeRepository:CodeRepository"
    inputs = "codeRepositoryName gitConfig"
    required = "codeRepositoryName gitConfig"
    immutable = "codeRepositoryName"
    key = "codeRepositoryName"
    create_operation, read_operation = "CreateCodeRepository", "DescribeCodeRepository"
    update_operation, delete_operation = "UpdateCodeRepository", "DeleteCodeRepository"
    arn_member = "CodeRepositoryArn"

    def replaces(self, old: Properties, new: Properties, changed: set[str]) -> set[str]:
        """Only the secret with the credentials can change in place."""
        forced = super().replaces(old, new, changed)
        if "gitConfig" in changed and _without_secret(old) != _without_secret(new):
            forced = forced | {"gitConfig"}
        return forced

    def apply_update(self, aws: Aws, id_: str, inputs: Properties, changed: set[str]) -> None:  # noqa: ARG002
        secret = (inputs.get("gitConfig") or {}).get("secretArn") or ""
        request: dict[str, Any] = {"CodeRepositoryName": id_, "GitConfig": {"SecretArn": secret}}
        aws.call(self.service, self.update_operation, request)


def _without_secret(inputs: Properties) -> Properties:
    return {name: value for name, value in (inputs.get("gitConfig") or {}).items() if name != "secretArn"}
