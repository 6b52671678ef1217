"""Systems Manager: parameters."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import function, resource
from penstock_deploy.provider.resource_type import ResourceType, absent, sync_tags, tag_list, tag_map
from penstock_deploy.values import Properties, Secret

_MISSING = ("ParameterNotFound", "InvalidResourceId")


@resource
class Parameter(ResourceType):
    pulumi_type = "aws:ssm/parameter:Parameter"
    inputs = "name type value insecureValue description tier keyId allowedPattern dataType overwrite arn"
    outputs = "arn version value tier dataType"
    volatile = "version"
    required = "type"
    immutable = "name"
    named = "name"
    name_limit = 1011
    taggable = True
    confidential = "value"
    defaults: ClassVar[dict[str, Any]] = {}

    def _put(self, aws: Aws, inputs: Properties, *, overwrite: bool, tagged: bool) -> None:
        request: dict[str, Any] = {
            "Name": inputs["name"],
            "Type": inputs["type"],
            "Value": inputs["value"] if inputs.get("value") is not None else inputs.get("insecureValue", ""),
            "Overwrite": overwrite,
        }
        for ours, theirs in (
            ("description", "Description"),
            ("tier", "Tier"),
            ("keyId", "KeyId"),
            ("allowedPattern", "AllowedPattern"),
            ("dataType", "DataType"),
        ):
            if inputs.get(ours):
                request[theirs] = inputs[ours]
        if tagged and inputs.get("tags"):
            request["Tags"] = tag_list(inputs["tags"])
        aws.client("ssm").put_parameter(**request)

    def create(self, aws: Aws, inputs: Properties) -> str:
        overwrite = bool(inputs.get("overwrite"))
        self._put(aws, inputs, overwrite=overwrite, tagged=not overwrite)
        if overwrite and inputs.get("tags"):
            self._sync(aws, inputs["name"], inputs, {})
        return str(inputs["name"])

    def _sync(self, aws: Aws, name: str, inputs: Properties, old: Properties) -> None:
        ssm = aws.client("ssm")
        who = {"ResourceType": "Parameter", "ResourceId": name}
        sync_tags(
            inputs,
            old,
            lambda tags: ssm.add_tags_to_resource(**who, Tags=tag_list(tags)),
            lambda keys: ssm.remove_tags_from_resource(**who, TagKeys=keys),
        )

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        ssm = aws.client("ssm")
        answer = absent(lambda: ssm.get_parameter(Name=id_, WithDecryption=True), *_MISSING)
        if answer is None:
            return None
        found = answer["Parameter"]
        told = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [id_]}])["Parameters"]
        details = told[0] if told else {}
        result: Properties = {
            "name": id_,
            "arn": found.get("ARN") or aws.arn("ssm", f"parameter/{id_.lstrip('/')}"),
            "type": found["Type"],
            "value": found["Value"],
            "version": found["Version"],
            "dataType": found.get("DataType", "text"),
            "tier": details.get("Tier", "Standard"),
            "description": details.get("Description") or None,
            "region": aws.region,
            "tags": tag_map(ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=id_).get("TagList")),
        }
        if "insecureValue" in known:
            result["insecureValue"] = found["Value"]
        return result

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        if changed - {"tags", "overwrite"}:
            self._put(aws, inputs, overwrite=True, tagged=False)
        if "tags" in changed:
            self._sync(aws, id_, inputs, old)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.client("ssm").delete_parameter(Name=id_), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["name"])


@function("aws:ssm/getParametersByPath:getParametersByPath")
def get_parameters_by_path(aws: Aws, arguments: Properties) -> Properties:
    """Parameters under a path. Their values are secret, as with the real provider."""
    decrypt = arguments.get("withDecryption", True)
    recursive = bool(arguments.get("recursive"))
    pages = (
        aws.client("ssm")
        .get_paginator("get_parameters_by_path")
        .paginate(Path=arguments["path"], Recursive=recursive, WithDecryption=bool(decrypt))
    )
    found = [item for page in pages for item in page["Parameters"]]
    return {
        "id": arguments["path"],
        "path": arguments["path"],
        "recursive": recursive,
        "region": aws.region,
        "withDecryption": bool(decrypt),
        "names": [item["Name"] for item in found],
        "arns": [item.get("ARN") or aws.arn("ssm", f"parameter/{item['Name'].lstrip('/')}") for item in found],
        "types": [item["Type"] for item in found],
        "values": Secret([item["Value"] for item in found]),
    }
