"""What EC2's types have in common: ids that AWS chooses, tags in the description, and one way to say that a thing is gone."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.resource_type import ResourceType, absent, sync_tags, tag_list, tag_map
from penstock_deploy.values import Properties

type Filters = list[dict[str, Any]]


def filters(**wanted: str) -> Filters:
    """EC2's filters: `vpc_id="vpc-1"` is the filter `vpc-id`."""
    return [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in wanted.items()]


class Ec2Type(ResourceType):
    """A tagged type of EC2.

    Subclasses name the kind (as tags are specified at creation), the operation that describes it with its parameter for ids
    and the list in its answer, and the code with which EC2 says that there is none.
    """

    taggable = True
    kind: ClassVar[str] = ""
    describe_operation: ClassVar[str] = ""
    ids: ClassVar[str] = ""
    listed: ClassVar[str] = ""
    missing: ClassVar[str] = ""

    def tag_specifications(self, inputs: Properties) -> dict[str, Any]:
        """The tags of a request that creates one."""
        tags = tag_list(inputs.get("tags"))
        return {"TagSpecifications": [{"ResourceType": self.kind, "Tags": tags}]} if tags else {}

    def describe(self, aws: Aws, id_: str) -> dict[str, Any] | None:
        """EC2's description; None when it is gone."""
        answer = absent(lambda: aws.call("ec2", self.describe_operation, {self.ids: [id_]}), self.missing)
        found = (answer or {}).get(self.listed) or []
        return dict(found[0]) if found else None

    def candidates(self, aws: Aws, wanted: Filters) -> list[dict[str, Any]]:
        """All that fit the filters."""
        return list(aws.call("ec2", self.describe_operation, {"Filters": wanted}).get(self.listed) or [])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        found = self.describe(aws, id_)
        if found is None:
            return None
        return {"region": aws.region, "tags": tag_map(found.get("Tags")), **self.properties(aws, found, known)}

    def properties(self, aws: Aws, found: dict[str, Any], known: Properties) -> Properties:
        """A description in Pulumi's names, without region and tags."""
        raise NotImplementedError

    def sync_tags(self, aws: Aws, id_: str, inputs: Properties, old: Properties) -> None:
        """Bring the tags of one from `old` to `inputs`."""
        ec2 = aws.client("ec2")
        sync_tags(
            inputs,
            old,
            lambda tags: ec2.create_tags(Resources=[id_], Tags=tag_list(tags)),
            lambda keys: ec2.delete_tags(Resources=[id_], Tags=[{"Key": key} for key in keys]),
        )

    def same_tags(self, found: dict[str, Any], inputs: Properties) -> bool:
        """Whether a description has exactly the tags that were asked for: what identifies a thing without a name."""
        return tag_map(found.get("Tags")) == (inputs.get("tags") or {})
