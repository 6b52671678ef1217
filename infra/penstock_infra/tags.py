"""The tags that everything carries. Without owner and cost centre nothing is built."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from penstock_infra.errors import Settings

REQUIRED = ("Project", "Environment", "Owner", "CostCenter", "ManagedBy")
MANAGED_BY = "penstock"
MOST_TAGS = 50
"""AWS allows 50 tags a resource."""

_ALLOWED = re.compile(r"[\w\s.:/=+\-@]+")


def _tag_value(value: str) -> str:
    value = value.strip()
    if not value:
        raise ValueError("must not be empty: every resource says whose it is and who pays")
    if not _ALLOWED.fullmatch(value):
        raise ValueError(
            f"{value!r} has a character that AWS does not allow in tags (letters, digits, spaces, _.:/=+-@)"
        )
    return value


def _tag_key(key: str) -> str:
    key = _tag_value(key)
    if key.lower().startswith("aws:"):
        raise ValueError(f"{key!r} starts with aws:, which AWS keeps for itself")
    if key in REQUIRED:
        raise ValueError(f"{key!r} is set by Penstock itself")
    return key


_COST_TAG = re.compile(r"[\w.:/+\-@ ]{1,128}=[\w.:/+\-@ ]{1,256}")


def _cost_tag(text: str) -> str:
    if not _COST_TAG.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a cost tag with its value: write TAG=VALUE, for example Project=flight-delays"
        )
    return text


type TagValue = Annotated[str, Field(max_length=256), AfterValidator(_tag_value)]
type TagKey = Annotated[str, Field(max_length=128), AfterValidator(_tag_key)]

type CostTag = Annotated[str, AfterValidator(_cost_tag)]
"""A tag and its value, as `TAG=VALUE`: what budgets count by."""


class Tags(Settings):
    """Who owns a resource and who pays for it; `extra` adds tags of the user's own."""

    project: TagValue = Field(description="what the resource is for: the platform's or the model's name")
    environment: TagValue = Field(description="the stack: local, dev, staging, prod")
    owner: TagValue = Field(description="a person or a team that answers for it")
    cost_center: TagValue = Field(description="who pays")
    extra: dict[TagKey, TagValue] = Field(default_factory=dict, description="tags of your own")

    @model_validator(mode="after")
    def _not_too_many(self) -> Tags:
        if len(self.extra) > MOST_TAGS - len(REQUIRED):
            raise ValueError(f"{len(self.extra)} extra tags: at most {MOST_TAGS - len(REQUIRED)} fit beside Penstock's")
        return self

    def as_dict(self) -> dict[str, str]:
        """The tags as AWS takes them."""
        return {
            **self.extra,
            "Project": self.project,
            "Environment": self.environment,
            "Owner": self.owner,
            "CostCenter": self.cost_center,
            "ManagedBy": MANAGED_BY,
        }
