"""A GitHub repository as stack settings name it."""

from __future__ import annotations

import re
from typing import Any, Self

from pydantic import Field, model_validator

from penstock_infra.errors import Settings

_FORM = re.compile(
    r"(?P<owner>[A-Za-z0-9][A-Za-z0-9-]{0,38})(@(?P<owner_id>\d+))?"
    r"/(?P<name>[A-Za-z0-9._-]{1,100})(@(?P<repository_id>\d+))?"
    r"(#(?P<models>[A-Za-z0-9-]+(,[A-Za-z0-9-]+)*))?"
)
FORM = "OWNER@OWNER_ID/NAME@REPOSITORY_ID, for example acme@1001/flight-delays@2002"


class Repository(Settings):
    """A model repository. In stack settings one string: `OWNER@OWNER_ID/NAME@REPOSITORY_ID[#MODEL,MODEL]`.

    The ids are GitHub's own and never change; `gh api repos/OWNER/NAME --jq '"\\(.owner.id) \\(.id)"'` prints them.
    Its models are those named after `#`; without, those called like the repository or starting with its name and a dash.
    """

    owner: str
    name: str
    owner_id: str | None = None
    repository_id: str | None = None
    models: tuple[str, ...] = Field(default=())

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        match = _FORM.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"{value!r} is not a repository: write {FORM}")
        parts = match.groupdict()
        parts["models"] = tuple(parts["models"].split(",")) if parts["models"] else ()
        return parts

    @classmethod
    def parse(cls, text: str) -> Self:
        """The repository that a setting names. Raises pydantic's ValidationError when it is not in the form."""
        return cls.model_validate(text)

    @property
    def slug(self) -> str:
        """`owner/name`, as GitHub's addresses have it."""
        return f"{self.owner}/{self.name}"

    def subjects(self, context: str) -> tuple[str, str]:
        """Both forms of the `sub` claim of its workflows: by names, and by names with ids (new repositories' only one).

        `context` is `environment:NAME` or `pull_request`. Raises ValueError when the ids are not known.
        """
        if self.owner_id is None or self.repository_id is None:
            raise ValueError(
                f"{self.slug} is given without its ids, and new repositories' tokens carry them: write {FORM} "
                f"(gh api repos/{self.slug} shows owner.id and id)"
            )
        return (
            f"repo:{self.slug}:{context}",
            f"repo:{self.owner}@{self.owner_id}/{self.name}@{self.repository_id}:{context}",
        )

    def model_matchers(self, stack: str, prefix: str = "") -> list[str | dict[str, str]]:
        """EventBridge matchers for the names that its models have in a stack, each preceded by `prefix`."""
        if self.models:
            return [f"{prefix}{model}-{stack}" for model in self.models]
        return [f"{prefix}{self.name}-{stack}", {"wildcard": f"{prefix}{self.name}-*-{stack}"}]
