"""The endpoints of a stack, as their tags tell."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MANAGED_BY = "penstock"
AT_REST = ("InService", "Failed", "OutOfService")
"""Statuses in which an endpoint can be deleted: while it changes, SageMaker refuses (DeleteEndpoint, API reference)."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An endpoint that Penstock made.

    Attributes:
        name: Its name.
        status: SageMaker's EndpointStatus.
        created: When it was made.
        modified: When it was last changed.
        tags: All of its tags.
    """

    name: str
    status: str
    created: datetime
    modified: datetime
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def rests(self) -> bool:
        """Whether it can be deleted now."""
        return self.status in AT_REST


def of_stacks(sagemaker: Any, stacks: Collection[str]) -> Iterator[Endpoint]:
    """The endpoints that Penstock made in these stacks; others are never looked at further than their tags."""
    for page in sagemaker.get_paginator("list_endpoints").paginate():
        for item in page["Endpoints"]:
            tags = tags_of(sagemaker, item["EndpointArn"])
            if tags.get("ManagedBy") == MANAGED_BY and tags.get("Environment") in stacks:
                yield Endpoint(
                    name=item["EndpointName"],
                    status=item["EndpointStatus"],
                    created=item["CreationTime"],
                    modified=item["LastModifiedTime"],
                    tags=tags,
                )


def tags_of(sagemaker: Any, arn: str) -> dict[str, str]:
    """A resource's tags; none for one that went meanwhile."""
    try:
        pages = list(sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn))
    except sagemaker.exceptions.ClientError as error:
        if says_missing(error):
            return {}
        raise
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def says_missing(error: Any) -> bool:
    """Whether an error of SageMaker's says that the thing is not there."""
    answer = error.response.get("Error", {})
    message = str(answer.get("Message", "")).lower()
    return answer.get("Code") in ("ResourceNotFound", "ResourceNotFoundException") or (
        answer.get("Code") == "ValidationException"
        and any(word in message for word in ("could not find", "does not exist", "not found"))
    )
