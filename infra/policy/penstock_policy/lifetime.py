"""What is made in development says until when."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from penstock_policy.resource import Finding, Resource, finding, is_known, mapping, of_type
from penstock_policy.settings import Environment, Settings
from penstock_policy.tags import TAGGABLE

POLICY = "time_to_live"
TAG = "TTL"
VALUE = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z)?|[1-9]\d{0,3}[hd]")
"""A date (or time in UTC) after which it may go, or how long it lives after it was made: `72h`, `14d`."""


def time_to_live(resources: Sequence[Resource], settings: Settings) -> Iterator[Finding]:
    """Every taggable resource of a development stack has the tag `TTL`, by which idle stacks are found and removed."""
    if settings.environment is not Environment.DEVELOPMENT:
        return
    for resource in of_type(resources, *TAGGABLE):
        value = mapping(resource.inputs.get("tags")).get(TAG)
        if not value:
            yield finding(POLICY, resource, f"the tag {TAG} is missing", "Set it: a date (2031-01-31), or 72h, 14d")
        elif is_known(value) and not VALUE.fullmatch(str(value)):
            yield finding(POLICY, resource, f"the tag {TAG} is {value!r}", "Write a date (2031-01-31), or 72h, 14d")
