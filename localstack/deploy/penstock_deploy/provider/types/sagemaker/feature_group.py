"""Feature groups: the online store's TTL and the throughput change in place, anything else replaces the group.

As Pulumi's AWS provider does: a feature that is added replaces the group as well, although AWS can append
(https://github.com/hashicorp/terraform-provider-aws/issues/26809). Penstock's `FeatureSchema` appends.
"""

from __future__ import annotations

from typing import Any

from penstock_deploy.plugins.interface import ProviderError
from penstock_deploy.provider import shaped
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.types.sagemaker.base import SageMakerType, failure
from penstock_deploy.values import Properties


@resource
class FeatureGroup(SageMakerType):
    pulumi_type = "aws:sagemaker/featureGroup:FeatureGroup"
    inputs = (
        "featureGroupName recordIdentifierFeatureName eventTimeFeatureName featureDefinitions onlineStoreConfig "
        "offlineStoreConfig roleArn description throughputConfig"
    )
    required = "featureGroupName recordIdentifierFeatureName eventTimeFeatureName featureDefinitions roleArn"
    immutable = (
        "featureGroupName recordIdentifierFeatureName eventTimeFeatureName featureDefinitions offlineStoreConfig "
        "roleArn description"
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
            raise failure(self, id_, found, "FeatureGroupStatus")
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
        """Of the online store, AWS changes how long it keeps records and nothing else."""
        forced = super().replaces(old, new, changed)
        if "onlineStoreConfig" in changed and _without_ttl(old) != _without_ttl(new):
            forced = forced | {"onlineStoreConfig"}
        return forced

    def apply_update(self, aws: Aws, id_: str, inputs: Properties, changed: set[str]) -> None:
        request: dict[str, Any] = {"FeatureGroupName": id_}
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
