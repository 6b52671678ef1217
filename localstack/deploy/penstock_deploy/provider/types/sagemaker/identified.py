"""Kinds whose id is not the name that the program gives: AWS chooses it, or it is the ARN."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.plugins.interface import ProviderError
from penstock_deploy.provider import shaped
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.types.sagemaker.base import SageMakerType, failure
from penstock_deploy.values import Properties


class IdentifiedType(SageMakerType):
    """A kind that is asked for by `identity(id)` and whose creation answers with the id in `id_member`.

    `status_member` says how far it is; `settled` are the states in which it rests and works.
    """

    id_member: ClassVar[str] = ""
    status_member: ClassVar[str] = "Status"
    busy: ClassVar[tuple[str, ...]] = ("Pending", "Updating", "Deleting")
    settled: ClassVar[tuple[str, ...]] = ("InService",)
    #: states of something that is gone, but that AWS still describes
    ended: ClassVar[tuple[str, ...]] = ()

    def identity(self, id_: str) -> dict[str, Any]:
        """The members of a request that name the resource."""
        return {self.id_member: id_}

    def create(self, aws: Aws, inputs: Properties) -> str:
        request = self.request(aws, self.create_operation, inputs)
        if inputs.get("tags") and self.tagging is not None:
            request["Tags"] = self.tagging.wrap(inputs["tags"])
        answer = aws.call(self.service, self.create_operation, request)
        aws.made = str(answer[self.id_member])
        self.settle(aws, aws.made)
        return aws.made

    def settle(self, aws: Aws, id_: str) -> None:
        """Wait until it rests; raise with AWS's reason unless it then works."""
        found = self.wait(
            aws, id_, lambda item: item is None or item[self.status_member] not in self.busy, self.status_member
        )
        if found is None or found[self.status_member] not in self.settled:
            raise failure(self, id_, found, self.status_member)

    def describe(self, aws: Aws, id_: str) -> dict[str, Any] | None:
        found = self.described(aws, self.identity(id_))
        return None if found is None or found.get(self.status_member) in self.ended else found

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        found = self.describe(aws, id_)
        if found is None:
            return None
        shape = shaped.output_shape(aws, self.service, self.read_operation)
        told = self.names["inputs"] | self.names["outputs"]
        read = shaped.from_aws(found, shape, self.renames, known)
        result: Properties = {name: value for name, value in read.items() if name in told}
        result["region"] = aws.region
        result["arn"] = self.arn(aws, id_, found)
        if self.tagging is not None:
            result["tags"] = self.tagging.read(aws, result["arn"])
        return result

    def apply_update(self, aws: Aws, id_: str, inputs: Properties, changed: set[str]) -> None:
        given = {name: value for name, value in inputs.items() if name in changed}
        request = {**self.request(aws, self.update_operation, given), **self.identity(id_)}
        aws.call(self.service, self.update_operation, request)
        self.settle(aws, id_)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        found = self.describe(aws, id_)
        if found is None:
            return
        if found[self.status_member] in self.busy and found[self.status_member] != "Deleting":
            self.wait(
                aws, id_, lambda item: item is None or item[self.status_member] not in self.busy, self.status_member
            )
        if found[self.status_member] != "Deleting":
            self.begin_deletion(aws, id_, inputs)
        left = self.wait(
            aws, id_, lambda item: item is None or item[self.status_member] not in self.busy, self.status_member
        )
        if left is not None:
            reason = left.get("FailureReason") or left[self.status_member]
            raise ProviderError(f"{self.pulumi_type.rsplit(':', 1)[-1]} {id_} was not deleted: {reason}")

    def begin_deletion(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        """Ask for the deletion."""
        self.forgiving(lambda: aws.call(self.service, self.delete_operation, self.identity(id_)))
