"""Types whose AWS operations follow their own naming: Create, Describe, Update, Delete by name, with an ARN and tags."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider import shaped
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.resource_type import ResourceType, absent
from penstock_deploy.provider.tagging import Tagging
from penstock_deploy.values import Properties


class ShapedType(ResourceType):
    """A type given by names only.

    `key` is the input that is the name and the id; `renames` maps Pulumi's names to AWS's where they differ by more than
    case; `body` is the member that holds the properties in requests, `answer` the one in the description.
    """

    service: ClassVar[str] = ""
    create_operation: ClassVar[str] = ""
    read_operation: ClassVar[str] = ""
    update_operation: ClassVar[str] = ""
    delete_operation: ClassVar[str] = ""
    key: ClassVar[str] = "name"
    renames: ClassVar[dict[str, str]] = {}
    body: ClassVar[str] = ""
    answer: ClassVar[str] = ""
    arn_member: ClassVar[str] = ""
    missing: ClassVar[tuple[str, ...]] = ()
    tagging: ClassVar[Tagging | None] = None
    #: inputs that are ours alone and never sent
    private: ClassVar[tuple[str, ...]] = ()

    def _key(self, shape: Any) -> str:
        wanted = self.renames.get(self.key, self.key)
        return next(str(member) for member in shape.members if member.lower() == wanted.lower())

    def request(self, aws: Aws, operation: str, inputs: Properties) -> dict[str, Any]:
        """The request of an operation, from those inputs that it takes."""
        shape = shaped.input_shape(aws, self.service, operation)
        content = {
            name: value
            for name, value in inputs.items()
            if name not in ("tags", "region", self.prefix, *self.private) and value is not None
        }
        if self.body:
            inner = shape.members[self.body]
            return {self.body: shaped.to_aws(content, inner, self.renames, f"{self.pulumi_type}: ")}
        known = {
            name: value for name, value in content.items() if shaped.member_of(name, shape, self.renames) is not None
        }
        return dict(shaped.to_aws(known, shape, self.renames, f"{self.pulumi_type}: "))

    def create(self, aws: Aws, inputs: Properties) -> str:
        request = self.request(aws, self.create_operation, inputs)
        if self.taggable and self.tagging is not None and inputs.get("tags"):
            shape = shaped.input_shape(aws, self.service, self.create_operation)
            request[next(name for name in shape.members if name.lower() == "tags")] = self.tagging.wrap(inputs["tags"])
        aws.call(self.service, self.create_operation, request)
        aws.made = str(inputs[self.key])
        return aws.made

    def describe(self, aws: Aws, id_: str) -> dict[str, Any] | None:
        """AWS's description of the resource; None when it is gone."""
        shape = shaped.input_shape(aws, self.service, self.read_operation)
        found = absent(lambda: aws.call(self.service, self.read_operation, {self._key(shape): id_}), *self.missing)
        if found is None:
            return None
        return dict(found[self.answer]) if self.answer else dict(found)

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        found = self.describe(aws, id_)
        if found is None:
            return None
        shape = shaped.output_shape(aws, self.service, self.read_operation)
        if self.answer:
            shape = shape.members[self.answer]
        result: Properties = dict(shaped.from_aws(found, shape, self.renames, known))
        told = self.names["inputs"] | self.names["outputs"]
        result = {name: value for name, value in result.items() if name in told}
        result[self.key] = id_
        result["region"] = aws.region
        result["arn"] = self.arn(aws, id_, found)
        if self.taggable and self.tagging is not None:
            result["tags"] = self.tagging.read(aws, result["arn"])
        return result

    def arn(self, aws: Aws, id_: str, found: dict[str, Any]) -> str:  # noqa: ARG002
        """The resource's ARN."""
        return str(found[self.arn_member])

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        if self.update_operation and changed - {"tags"}:
            self.apply_update(aws, id_, inputs, changed)
        if "tags" in changed and self.tagging is not None:
            found = self.describe(aws, id_)
            if found is not None:
                self.tagging.sync(aws, self.arn(aws, id_, found), inputs, old)

    def apply_update(self, aws: Aws, id_: str, inputs: Properties, changed: set[str]) -> None:  # noqa: ARG002
        """Send what the update operation takes."""
        aws.call(self.service, self.update_operation, self.request(aws, self.update_operation, inputs))

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        shape = shaped.input_shape(aws, self.service, self.delete_operation)
        absent(lambda: aws.call(self.service, self.delete_operation, {self._key(shape): id_}), *self.missing)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs[self.key])
