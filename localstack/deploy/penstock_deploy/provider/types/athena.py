"""Athena: workgroups."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider import shaped
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent
from penstock_deploy.provider.tagging import Tagging
from penstock_deploy.values import Properties

_TAGGING = Tagging("athena", arn="ResourceARN")
_MISSING = ("InvalidRequestException",)
_REMOVED = {
    "bytesScannedCutoffPerQuery": "RemoveBytesScannedCutoffPerQuery",
    "customerContentEncryptionConfiguration": "RemoveCustomerContentEncryptionConfiguration",
}
_RESULT_REMOVED = {
    "aclConfiguration": "RemoveAclConfiguration",
    "encryptionConfiguration": "RemoveEncryptionConfiguration",
    "expectedBucketOwner": "RemoveExpectedBucketOwner",
    "outputLocation": "RemoveOutputLocation",
}
"""Settings that an update takes away by a flag of their own."""


@resource
class Workgroup(ResourceType):
    pulumi_type = "aws:athena/workgroup:Workgroup"
    inputs = "name configuration description forceDestroy state"
    outputs = "arn"
    immutable = "name"
    defaults: ClassVar[dict[str, Any]] = {"state": "ENABLED", "forceDestroy": False}
    named = "name"
    name_limit = 128
    taggable = True
    renames: ClassVar[dict[str, str]] = {
        "publishCloudwatchMetricsEnabled": "PublishCloudWatchMetricsEnabled",
        "enforceWorkgroupConfiguration": "EnforceWorkGroupConfiguration",
        "kmsKeyArn": "KmsKey",
    }

    def _configuration(self, aws: Aws, inputs: Properties) -> dict[str, Any]:
        given = {"enforceWorkgroupConfiguration": True, "publishCloudwatchMetricsEnabled": True}
        given.update(inputs.get("configuration") or {})
        shape = shaped.input_shape(aws, "athena", "CreateWorkGroup").members["Configuration"]
        return dict(shaped.to_aws(given, shape, self.renames, f"{self.pulumi_type}: configuration."))

    def create(self, aws: Aws, inputs: Properties) -> str:
        athena = aws.client("athena")
        athena.create_work_group(
            Name=inputs["name"],
            Configuration=self._configuration(aws, inputs),
            Description=inputs.get("description") or "",
            Tags=_TAGGING.wrap(inputs.get("tags")),
        )
        aws.made = str(inputs["name"])
        if inputs["state"] != "ENABLED":
            athena.update_work_group(WorkGroup=inputs["name"], State=inputs["state"])
        return str(inputs["name"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        answer = absent(lambda: aws.client("athena").get_work_group(WorkGroup=id_), *_MISSING)
        if not (answer or {}).get("WorkGroup"):
            return None
        found = answer["WorkGroup"] if answer else {}
        result: Properties = {
            "name": id_,
            "arn": aws.arn("athena", f"workgroup/{id_}"),
            "state": found.get("State", "ENABLED"),
            "description": found.get("Description") or None,
            "region": aws.region,
        }
        if known.get("configuration"):
            shape = shaped.output_shape(aws, "athena", "GetWorkGroup").members["WorkGroup"].members["Configuration"]
            told = found.get("Configuration") or {}
            result["configuration"] = shaped.from_aws(told, shape, self.renames, known["configuration"])
        result["tags"] = _TAGGING.read(aws, result["arn"])
        return result

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        request: dict[str, Any] = {"WorkGroup": id_}
        if "configuration" in changed:
            shape = shaped.input_shape(aws, "athena", "UpdateWorkGroup").members["ConfigurationUpdates"]
            wanted = dict(inputs.get("configuration") or {})
            result = wanted.pop("resultConfiguration", None)
            before = dict(old.get("configuration") or {})
            updates = shaped.to_aws(wanted, shape, self.renames, f"{self.pulumi_type}: configuration.")
            for name, flag in _REMOVED.items():
                if before.get(name) is not None and wanted.get(name) is None:
                    updates[flag] = True
            inner = shape.members["ResultConfigurationUpdates"]
            results = shaped.to_aws(result or {}, inner, self.renames)
            for name, flag in _RESULT_REMOVED.items():
                if (before.get("resultConfiguration") or {}).get(name) and not (result or {}).get(name):
                    results[flag] = True
            if results:
                updates["ResultConfigurationUpdates"] = results
            request["ConfigurationUpdates"] = updates
        if "description" in changed:
            request["Description"] = inputs.get("description") or ""
        if "state" in changed:
            request["State"] = inputs["state"]
        if len(request) > 1:
            aws.client("athena").update_work_group(**request)
        if "tags" in changed:
            _TAGGING.sync(aws, aws.arn("athena", f"workgroup/{id_}"), inputs, old)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        recursive = bool(inputs.get("forceDestroy"))
        absent(
            lambda: aws.client("athena").delete_work_group(WorkGroup=id_, RecursiveDeleteOption=recursive), *_MISSING
        )

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["name"])
