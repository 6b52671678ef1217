"""Trust in GitHub's workflows by OpenID Connect: one role a repository and environment, never wider."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from penstock_infra.errors import Settings
from penstock_infra.iam import Document, Statement
from penstock_infra.inputs import Text
from penstock_infra.repository import Repository

HOST = "token.actions.githubusercontent.com"
ISSUER = f"https://{HOST}"
AUDIENCE = "sts.amazonaws.com"


class WorkflowTrust(Settings):
    """Which workflow runs of which repository may take a role.

    `environment` names the GitHub environment that the job runs in; None stands for pull requests (of the repository's
    own branches: GitHub gives forks no token). `workflow` is the file's name; on an environment it must be `branch`'s.
    """

    repository: Repository
    environment: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$")
    workflow: str = Field(pattern=r"^[A-Za-z0-9._-]+\.ya?ml$")
    branch: str = Field(default="main", pattern=r"^[A-Za-z0-9._/-]+$")

    @property
    def context(self) -> str:
        """The last part of the `sub` claim."""
        return "pull_request" if self.environment is None else f"environment:{self.environment}"

    @property
    def workflow_reference(self) -> str:
        """The `job_workflow_ref` claim; for pull requests with a `*` where GitHub writes the request's number."""
        ref = "refs/pull/*/merge" if self.environment is None else f"refs/heads/{self.branch}"
        return f"{self.repository.slug}/.github/workflows/{self.workflow}@{ref}"

    def document(self, provider_arn: Text) -> Document:
        """The role's trust policy. Every claim must be present and equal: a missing claim is refused."""
        matching: Literal["StringLike", "StringEquals"] = "StringLike" if self.environment is None else "StringEquals"
        conditions: dict[str, dict[str, list[Text]]] = {
            "StringEquals": {
                f"{HOST}:aud": [AUDIENCE],
                f"{HOST}:sub": list(self.repository.subjects(self.context)),
                f"{HOST}:repository_id": [str(self.repository.repository_id)],
            }
        }
        conditions.setdefault(matching, {})[f"{HOST}:job_workflow_ref"] = [self.workflow_reference]
        return Document.of(
            Statement(
                sid="WorkflowsOfOneRepository",
                actions=("sts:AssumeRoleWithWebIdentity",),
                principals={"Federated": [provider_arn]},
                conditions=conditions,
            )
        )
