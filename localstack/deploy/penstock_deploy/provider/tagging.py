"""How a service tags its resources: the names of its operations and parameters, which differ from service to service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.resource_type import Tags, sync_tags, tag_list, tag_map
from penstock_deploy.values import Properties


@dataclass(frozen=True)
class Tagging:
    """A service's way of tagging. `as_map`: tags are a map, not a list of pairs."""

    service: str
    arn: str
    tag: str = "TagResource"
    untag: str = "UntagResource"
    list: str = "ListTagsForResource"
    tags: str = "Tags"
    keys: str = "TagKeys"
    as_map: bool = False
    key_name: str = "Key"
    value_name: str = "Value"
    listed: str = ""

    def wrap(self, tags: Tags | None) -> Any:
        """Tags in the service's form."""
        return dict(tags or {}) if self.as_map else tag_list(tags, self.key_name, self.value_name)

    def read(self, aws: Aws, arn: str) -> Tags:
        """The tags of a resource."""
        found = aws.call(self.service, self.list, {self.arn: arn}).get(self.listed or self.tags)
        if self.as_map:
            return dict(found or {})
        return tag_map(found, self.key_name, self.value_name)

    def sync(self, aws: Aws, arn: str, inputs: Properties, old: Properties) -> None:
        """Bring the tags of a resource from `old` to `inputs`."""
        sync_tags(
            inputs,
            old,
            lambda tags: aws.call(self.service, self.tag, {self.arn: arn, self.tags: self.wrap(tags)}),
            lambda keys: aws.call(self.service, self.untag, {self.arn: arn, self.keys: keys}),
        )
