"""Endpoint configurations and endpoints."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.plugins.interface import ProviderError
from penstock_deploy.provider import shaped
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.types.sagemaker.base import SageMakerType, failure
from penstock_deploy.values import Properties


@resource
class EndpointConfiguration(SageMakerType):
    pulumi_type = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
    inputs = (
        "name productionVariants shadowProductionVariants dataCaptureConfig asyncInferenceConfig kmsKeyArn "
        "executionRoleArn"
    )
    required = "productionVariants"
    immutable = (
        "name productionVariants shadowProductionVariants dataCaptureConfig asyncInferenceConfig kmsKeyArn "
        "executionRoleArn"
    )
    named = "name"
    prefix = "namePrefix"
    name_limit = 63
    renames: ClassVar[dict[str, str]] = {
        "name": "EndpointConfigName",
        "kmsKeyArn": "KmsKeyId",
        "enableSsmAccess": "EnableSSMAccess",
        "volumeSizeInGb": "VolumeSizeInGB",
        "memorySizeInMb": "MemorySizeInMB",
    }
    create_operation, read_operation = "CreateEndpointConfig", "DescribeEndpointConfig"
    delete_operation = "DeleteEndpointConfig"
    arn_member = "EndpointConfigArn"

    def request(self, aws: Aws, operation: str, inputs: Properties) -> dict[str, Any]:
        """Variants need a name in AWS; the provider gives one where the program does not."""
        given = dict(inputs)
        for list_name in ("productionVariants", "shadowProductionVariants"):
            given[list_name] = [
                {"variantName": f"variant-{index + 1}", **item} for index, item in enumerate(given.get(list_name) or [])
            ] or None
        return super().request(aws, operation, given)

    def canonical(self, name: str, value: Any) -> Any:
        if name in ("productionVariants", "shadowProductionVariants") and isinstance(value, list):
            return [{"variantName": f"variant-{index + 1}", **item} for index, item in enumerate(value)]
        return super().canonical(name, value)


@resource
class Endpoint(SageMakerType):
    pulumi_type = "aws:sagemaker/endpoint:Endpoint"
    inputs = "name endpointConfigName deploymentConfig"
    required = "endpointConfigName"
    immutable = "name"
    named = "name"
    name_limit = 63
    renames: ClassVar[dict[str, str]] = {"name": "EndpointName"}
    create_operation, read_operation = "CreateEndpoint", "DescribeEndpoint"
    update_operation, delete_operation = "UpdateEndpoint", "DeleteEndpoint"
    arn_member = "EndpointArn"
    patience = 3600.0
    _BUSY = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")

    def create(self, aws: Aws, inputs: Properties) -> str:
        id_ = super().create(aws, inputs)
        self._in_service(aws, id_)
        return id_

    def replaces(self, old: Properties, new: Properties, changed: set[str]) -> set[str]:
        """To get rollback alarms, or to lose them, is for the AWS provider to become another endpoint."""
        forced = super().replaces(old, new, changed)
        if "deploymentConfig" in changed and _has_rollback(old) != _has_rollback(new):
            forced = forced | {"deploymentConfig"}
        return forced

    def canonical(self, name: str, value: Any) -> Any:
        """What is left out of a blue/green policy is a wait of 0 s; alarms have no order."""
        value = super().canonical(name, value)
        if name != "deploymentConfig" or not isinstance(value, dict):
            return value
        policy, rollback = value.get("blueGreenUpdatePolicy"), value.get("autoRollbackConfiguration")
        if isinstance(policy, dict):
            value = {**value, "blueGreenUpdatePolicy": {"terminationWaitInSeconds": 0, **policy}}
        if isinstance(rollback, dict) and isinstance(rollback.get("alarms"), list):
            alarms = sorted(rollback["alarms"], key=str)
            value = {**value, "autoRollbackConfiguration": {**rollback, "alarms": alarms}}
        return value

    def _in_service(self, aws: Aws, id_: str) -> dict[str, Any]:
        """Wait until the endpoint rests; raise with its reason unless it serves."""
        found = self.wait(
            aws, id_, lambda item: item is None or item["EndpointStatus"] not in self._BUSY, "EndpointStatus"
        )
        if found is None or found["EndpointStatus"] != "InService":
            raise failure(self, id_, found, "EndpointStatus")
        return found or {}

    def apply_update(self, aws: Aws, id_: str, inputs: Properties, changed: set[str]) -> None:  # noqa: ARG002
        request = self.request(aws, "UpdateEndpoint", inputs)
        aws.call("sagemaker", "UpdateEndpoint", request)
        found = self._in_service(aws, id_)
        wanted = inputs["endpointConfigName"]
        if found.get("EndpointConfigName") != wanted:
            reason = found.get("FailureReason") or "the update was rolled back"
            raise ProviderError(f"Endpoint {id_} still serves {found.get('EndpointConfigName')}: {reason}")

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        """Change it in place; an endpoint that failed is made anew, as no update can help it."""
        found = self.describe(aws, id_)
        if found is None or found["EndpointStatus"] == "Failed":
            self.delete(aws, id_, old)
            self.create(aws, inputs)
            return
        if found["EndpointStatus"] in self._BUSY:
            self._in_service(aws, id_)
        if not changed - {"tags"} and found.get("EndpointConfigName") != inputs["endpointConfigName"]:
            changed = changed | {"endpointConfigName"}
        super().update(aws, id_, inputs, old, changed)

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        """The deployment is the last one's, as the AWS provider reads it; before the first update AWS may know none."""
        found = super().read(aws, id_, known)
        if found is None:
            return None
        found.pop("deploymentConfig", None)
        last = (self.describe(aws, id_) or {}).get("LastDeploymentConfig")
        if last and known.get("deploymentConfig"):
            shape = shaped.input_shape(aws, "sagemaker", "UpdateEndpoint").members["DeploymentConfig"]
            found["deploymentConfig"] = shaped.from_aws(last, shape, self.renames, known["deploymentConfig"])
        return found

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        found = self.describe(aws, id_)
        if found is not None and found["EndpointStatus"] in ("Creating", "Updating"):
            self.wait(aws, id_, lambda item: item is None or item["EndpointStatus"] not in self._BUSY, "EndpointStatus")
        super().delete(aws, id_, inputs)
        self.wait(aws, id_, lambda item: item is None, "EndpointStatus")


def _has_rollback(inputs: Properties) -> bool:
    return bool((inputs.get("deploymentConfig") or {}).get("autoRollbackConfiguration"))
