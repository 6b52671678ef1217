"""SageMaker: feature groups, model package groups, pipelines, models, endpoint configurations, endpoints."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, ClassVar

from penstock_deploy.plugins.interface import ProviderError
from penstock_deploy.provider import shaped
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent
from penstock_deploy.provider.shaped_type import ShapedType
from penstock_deploy.provider.tagging import Tagging
from penstock_deploy.values import Properties

_POLL_SECONDS = 0.5
_TAGGING = Tagging("sagemaker", arn="ResourceArn", tag="AddTags", untag="DeleteTags", list="ListTags")


class SageMakerType(ShapedType):
    """A kind of SageMaker's control plane."""

    service = "sagemaker"
    tagging = _TAGGING
    taggable = True
    outputs = "arn"
    missing = ("ResourceNotFound", "ResourceNotFoundException")

    def describe(self, aws: Aws, id_: str) -> dict[str, Any] | None:
        """SageMaker says `ValidationException: Could not find ...` for some kinds and `ResourceNotFound` for others."""
        from botocore.exceptions import ClientError

        try:
            return super().describe(aws, id_)
        except ClientError as error:
            if says_missing(error):
                return None
            raise

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        from botocore.exceptions import ClientError

        try:
            super().delete(aws, id_, inputs)
        except ClientError as error:
            if not says_missing(error):
                raise

    def wait(
        self, aws: Aws, id_: str, done: Callable[[dict[str, Any] | None], bool], status: str
    ) -> dict[str, Any] | None:
        """Poll the description until `done`; its last form. Raises when the deployment stops or patience ends."""
        patience = aws.timeout or self.patience
        limit = time.monotonic() + patience
        while True:
            found = self.describe(aws, id_)
            if done(found):
                return found
            now = (found or {}).get(status, "gone")
            if time.monotonic() > limit:
                raise ProviderError(f"{id_} is still {now} after {patience:.0f} s")
            if aws.stopping.wait(_POLL_SECONDS):
                raise ProviderError(f"stopped waiting for {id_}, which is {now}")


def says_missing(error: Any) -> bool:
    """Whether an error of SageMaker's says that the thing does not exist."""
    answer = error.response.get("Error", {})
    message = str(answer.get("Message", "")).lower()
    words = ("could not find", "does not exist", "not found", "cannot find")
    return answer.get("Code") == "ValidationException" and any(word in message for word in words)


def _failure(kind: SageMakerType, id_: str, found: dict[str, Any] | None, status: str) -> ProviderError:
    reason = (found or {}).get("FailureReason") or "no reason was given"
    state = (found or {}).get(status, "gone")
    return ProviderError(f"{kind.pulumi_type.rsplit(':', 1)[-1]} {id_} is {state}: {reason}")


@resource
class FeatureGroup(SageMakerType):
    pulumi_type = "aws:sagemaker/featureGroup:FeatureGroup"
    inputs = (
        "featureGroupName recordIdentifierFeatureName eventTimeFeatureName featureDefinitions onlineStoreConfig "
        "offlineStoreConfig roleArn description throughputConfig"
    )
    required = "featureGroupName recordIdentifierFeatureName eventTimeFeatureName featureDefinitions roleArn"
    immutable = (
        "featureGroupName recordIdentifierFeatureName eventTimeFeatureName offlineStoreConfig roleArn description"
    )
    key = "featureGroupName"
    create_operation, read_operation = "CreateFeatureGroup", "DescribeFeatureGroup"
    update_operation, delete_operation = "UpdateFeatureGroup", "DeleteFeatureGroup"
    arn_member = "FeatureGroupArn"

    def create(self, aws: Aws, inputs: Properties) -> str:
        id_ = super().create(aws, inputs)
        self._settle(aws, id_)
        return id_

    def _settle(self, aws: Aws, id_: str) -> None:
        def done(found: dict[str, Any] | None) -> bool:
            update = ((found or {}).get("LastUpdateStatus") or {}).get("Status")
            return (found or {}).get("FeatureGroupStatus") != "Creating" and update != "InProgress"

        found = self.wait(aws, id_, done, "FeatureGroupStatus")
        if (found or {}).get("FeatureGroupStatus") != "Created":
            raise _failure(self, id_, found, "FeatureGroupStatus")
        update = (found or {}).get("LastUpdateStatus") or {}
        if update.get("Status") == "Failed":
            raise ProviderError(f"FeatureGroup {id_} was not updated: {update.get('FailureReason', 'no reason given')}")

    def describe(self, aws: Aws, id_: str) -> dict[str, Any] | None:
        found = super().describe(aws, id_)
        token = (found or {}).get("NextToken")
        while found is not None and token:
            page = aws.call("sagemaker", self.read_operation, {"FeatureGroupName": id_, "NextToken": token})
            found["FeatureDefinitions"] += page["FeatureDefinitions"]
            token = page.get("NextToken")
        return found

    def replaces(self, old: Properties, new: Properties, changed: set[str]) -> set[str]:
        """Appending features is what AWS can do in place; anything else done to them replaces the group."""
        forced = super().replaces(old, new, changed)
        before, after = old.get("featureDefinitions") or [], new.get("featureDefinitions") or []
        if "featureDefinitions" in changed and after[: len(before)] != before:
            forced = forced | {"featureDefinitions"}
        if "onlineStoreConfig" in changed and _without_ttl(old) != _without_ttl(new):
            forced = forced | {"onlineStoreConfig"}
        return forced

    def apply_update(self, aws: Aws, id_: str, inputs: Properties, changed: set[str]) -> None:
        request: dict[str, Any] = {"FeatureGroupName": id_}
        if "featureDefinitions" in changed:
            present = {item["FeatureName"] for item in (self.describe(aws, id_) or {}).get("FeatureDefinitions", [])}
            added = [item for item in inputs["featureDefinitions"] if item["featureName"] not in present]
            shape = shaped.input_shape(aws, "sagemaker", "CreateFeatureGroup").members["FeatureDefinitions"]
            if added:
                request["FeatureAdditions"] = shaped.to_aws(added, shape, self.renames)
        if "onlineStoreConfig" in changed:
            ttl = (inputs.get("onlineStoreConfig") or {}).get("ttlDuration")
            if ttl:
                request["OnlineStoreConfig"] = {"TtlDuration": {"Unit": ttl["unit"], "Value": int(ttl["value"])}}
        if "throughputConfig" in changed:
            shape = shaped.input_shape(aws, "sagemaker", "UpdateFeatureGroup").members["ThroughputConfig"]
            request["ThroughputConfig"] = shaped.to_aws(inputs.get("throughputConfig") or {}, shape, self.renames)
        if len(request) > 1:
            aws.call("sagemaker", "UpdateFeatureGroup", request)
            self._settle(aws, id_)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        super().delete(aws, id_, inputs)
        found = self.wait(
            aws, id_, lambda item: item is None or item.get("FeatureGroupStatus") != "Deleting", "FeatureGroupStatus"
        )
        if found is not None and found.get("FeatureGroupStatus") == "DeleteFailed":
            raise ProviderError(f"FeatureGroup {id_} was not deleted: {found.get('FailureReason', 'no reason given')}")


def _without_ttl(inputs: Properties) -> Properties:
    return {k: v for k, v in (inputs.get("onlineStoreConfig") or {}).items() if k != "ttlDuration"}


@resource
class ModelPackageGroup(SageMakerType):
    pulumi_type = "aws:sagemaker/modelPackageGroup:ModelPackageGroup"
    inputs = "modelPackageGroupName modelPackageGroupDescription"
    required = "modelPackageGroupName"
    immutable = "modelPackageGroupName modelPackageGroupDescription"
    key = "modelPackageGroupName"
    create_operation, read_operation = "CreateModelPackageGroup", "DescribeModelPackageGroup"
    delete_operation = "DeleteModelPackageGroup"
    arn_member = "ModelPackageGroupArn"


@resource
class ModelPackageGroupPolicy(ResourceType):
    pulumi_type = "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy"
    inputs = "modelPackageGroupName resourcePolicy"
    required = "modelPackageGroupName resourcePolicy"
    immutable = "modelPackageGroupName"
    policies = "resourcePolicy"

    def create(self, aws: Aws, inputs: Properties) -> str:
        aws.client("sagemaker").put_model_package_group_policy(
            ModelPackageGroupName=inputs["modelPackageGroupName"], ResourcePolicy=inputs["resourcePolicy"]
        )
        return str(inputs["modelPackageGroupName"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        from botocore.exceptions import ClientError

        try:
            found = aws.client("sagemaker").get_model_package_group_policy(ModelPackageGroupName=id_)
        except ClientError as error:
            if says_missing(error):
                return None
            raise
        return {"modelPackageGroupName": id_, "resourcePolicy": found["ResourcePolicy"], "region": aws.region}

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        self.create(aws, inputs)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        from botocore.exceptions import ClientError

        try:
            aws.client("sagemaker").delete_model_package_group_policy(ModelPackageGroupName=id_)
        except ClientError as error:
            if not says_missing(error):
                raise

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["modelPackageGroupName"])


@resource
class Pipeline(SageMakerType):
    pulumi_type = "aws:sagemaker/pipeline:Pipeline"
    inputs = (
        "pipelineName pipelineDisplayName pipelineDescription pipelineDefinition pipelineDefinitionS3Location roleArn "
        "parallelismConfiguration"
    )
    required = "pipelineName pipelineDisplayName"
    immutable = "pipelineName"
    documents = "pipelineDefinition"
    key = "pipelineName"
    create_operation, read_operation = "CreatePipeline", "DescribePipeline"
    update_operation, delete_operation = "UpdatePipeline", "DeletePipeline"
    arn_member = "PipelineArn"

    def request(self, aws: Aws, operation: str, inputs: Properties) -> dict[str, Any]:
        import uuid

        request = super().request(aws, operation, inputs)
        if operation in ("CreatePipeline", "DeletePipeline"):
            request["ClientRequestToken"] = uuid.uuid4().hex
        return request

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        import uuid

        from botocore.exceptions import ClientError

        request = {"PipelineName": id_, "ClientRequestToken": uuid.uuid4().hex}
        try:
            absent(lambda: aws.call("sagemaker", "DeletePipeline", request), *self.missing)
        except ClientError as error:
            if not says_missing(error):
                raise

    def check(self, inputs: Properties) -> list[tuple[str, str]]:
        text = inputs.get("pipelineDefinition")
        if text is None:
            return []
        try:
            json.loads(text)
        except ValueError as error:
            return [("pipelineDefinition", f"is not JSON: {error}")]
        return []


@resource
class Model(SageMakerType):
    pulumi_type = "aws:sagemaker/model:Model"
    inputs = (
        "name executionRoleArn primaryContainer containers vpcConfig enableNetworkIsolation inferenceExecutionConfig"
    )
    required = "executionRoleArn"
    immutable = (
        "name executionRoleArn primaryContainer containers vpcConfig enableNetworkIsolation inferenceExecutionConfig"
    )
    named = "name"
    name_limit = 63
    renames: ClassVar[dict[str, str]] = {"name": "ModelName"}
    create_operation, read_operation, delete_operation = "CreateModel", "DescribeModel", "DeleteModel"
    arn_member = "ModelArn"


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
    patience = 1800.0
    _BUSY = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")

    def create(self, aws: Aws, inputs: Properties) -> str:
        id_ = super().create(aws, inputs)
        self._in_service(aws, id_)
        return id_

    def _in_service(self, aws: Aws, id_: str) -> dict[str, Any]:
        """Wait until the endpoint rests; raise with its reason unless it serves."""
        found = self.wait(
            aws, id_, lambda item: item is None or item["EndpointStatus"] not in self._BUSY, "EndpointStatus"
        )
        if found is None or found["EndpointStatus"] != "InService":
            raise _failure(self, id_, found, "EndpointStatus")
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
        found = super().read(aws, id_, known)
        if found is not None:
            found.pop("deploymentConfig", None)
        return found

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        found = self.describe(aws, id_)
        if found is not None and found["EndpointStatus"] in ("Creating", "Updating"):
            self.wait(aws, id_, lambda item: item is None or item["EndpointStatus"] not in self._BUSY, "EndpointStatus")
        super().delete(aws, id_, inputs)
        self.wait(aws, id_, lambda item: item is None, "EndpointStatus")
