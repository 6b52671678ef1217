"""Definitions of SageMaker's monitoring jobs for which Pulumi's AWS provider has no resource.

It has the one of data quality alone. AWS changes no definition, so this dynamic provider replaces one at any change, and
the new one is there before the old one goes: its name must hold its content (`content_name`). It needs
`sagemaker:Create<Kind>JobDefinition`, `Describe`, `Delete` and `sagemaker:AddTags`, and takes credentials as boto3 does
(the environment, a profile): a provider's own settings do not reach it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

import pulumi
from pulumi import dynamic

from penstock_infra import naming
from penstock_infra.placement import Placement

type Kind = Literal["DataQuality", "ModelQuality", "ModelBias", "ModelExplainability"]
"""SageMaker's MonitoringType."""

PROPERTIES = ("kind", "name", "region", "request", "tags")


class JobDefinitionProvider(dynamic.ResourceProvider):
    """Makes, finds and deletes definitions of all kinds by the operations that their kind names."""

    serialize_as_secret_always = False

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Every change replaces."""
        changed = [name for name in PROPERTIES if _olds.get(name) != _news.get(name)]
        return dynamic.DiffResult(changes=bool(changed), replaces=changed, delete_before_replace=False)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Make it; one of its name has its content, made by an attempt whose answer was lost."""
        sagemaker = _client(props)
        request = {
            "JobDefinitionName": props["name"],
            **_as_sent(props["request"]),
            "Tags": [{"Key": key, "Value": value} for key, value in sorted(props["tags"].items())],
        }
        try:
            arn = _call(sagemaker, "create", props)(**request)["JobDefinitionArn"]
        except sagemaker.exceptions.ResourceInUse:
            arn = _call(sagemaker, "describe", props)(JobDefinitionName=props["name"])["JobDefinitionArn"]
        return dynamic.CreateResult(str(props["name"]), {**props, "arn": arn})

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """What is known of it, as nobody can have changed it; without an id when it is gone."""
        sagemaker = _client(props)
        try:
            _call(sagemaker, "describe", props)(JobDefinitionName=id_)
        except sagemaker.exceptions.ResourceNotFound:
            return dynamic.ReadResult("", props)
        return dynamic.ReadResult(id_, props)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete it, unless it is gone."""
        sagemaker = _client(_props)
        try:
            _call(sagemaker, "delete", _props)(JobDefinitionName=_id)
        except sagemaker.exceptions.ResourceNotFound:
            return


def _call(sagemaker: Any, verb: str, definition: Mapping[str, Any]) -> Any:
    """The client's method: `create_model_quality_job_definition`."""
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(definition["kind"])).lower()
    return getattr(sagemaker, f"{verb}_{kind}_job_definition")


def _client(definition: Mapping[str, Any]) -> Any:
    import boto3

    return boto3.client("sagemaker", region_name=str(definition["region"]))


def _as_sent(value: Any) -> Any:
    """The value as the API takes it: without what is not set, and with whole numbers as integers.

    On their way through Pulumi all numbers become floating-point ones.
    """
    if isinstance(value, dict):
        return {key: _as_sent(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_as_sent(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


class MonitoringJobDefinition(dynamic.Resource, module="penstock", name="MonitoringJobDefinition"):
    """One definition. `request` is that of its kind's Create operation, but for name and tags."""

    arn: pulumi.Output[str]
    name: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        kind: Kind,
        name: pulumi.Input[str],
        region: str,
        request: Mapping[str, Any],
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {"kind": kind, "name": name, "region": region, "request": request, "tags": tags, "arn": None}
        super().__init__(JobDefinitionProvider(), resource_name, properties, opts)


def content_name(placement: Placement, parts: tuple[str, ...], *content: Mapping[str, Any]) -> pulumi.Output[str]:
    """A name of these parts and of a hash of the content, so that the next definition is made beside this one."""
    return pulumi.Output.from_input([dict(each) for each in content]).apply(
        lambda known: placement.name(
            naming.MONITOR, *parts, naming.digest(*(json.dumps(each, sort_keys=True) for each in known))
        )
    )
