"""Model cards."""

from __future__ import annotations

from penstock_deploy.plugins.interface import ProviderError
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.types.sagemaker.base import SageMakerType
from penstock_deploy.values import Properties


@resource
class ModelCard(SageMakerType):
    pulumi_type = "aws:sagemaker/modelCard:ModelCard"
    inputs = "modelCardName content modelCardStatus securityConfig timeouts"
    outputs = "modelCardArn"
    required = "modelCardName content modelCardStatus"
    immutable = "modelCardName"
    documents = "content"
    key = "modelCardName"
    private = ("timeouts",)
    create_operation, read_operation = "CreateModelCard", "DescribeModelCard"
    update_operation, delete_operation = "UpdateModelCard", "DeleteModelCard"
    arn_member = "ModelCardArn"

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        found = super().read(aws, id_, known)
        if found is not None:
            found["modelCardArn"] = found.pop("arn")
        return found

    def apply_update(self, aws: Aws, id_: str, inputs: Properties, changed: set[str]) -> None:
        """Content and status go one after the other, as AWS takes them; a key it takes none, and this says so."""
        if "securityConfig" in changed:
            raise ProviderError(
                f"ModelCard {id_}: its key cannot be changed (UpdateModelCard takes none)",
                "Give the card another name, or delete it first",
            )
        for name in ("content", "modelCardStatus"):
            if name in changed:
                change: Properties = {"modelCardName": id_, name: inputs[name]}
                aws.call("sagemaker", "UpdateModelCard", self.request(aws, "UpdateModelCard", change))
