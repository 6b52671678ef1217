"""The schema of a feature group as a resource of its own, which appends features and refuses what would replace the group.

Pulumi's AWS provider replaces a feature group, with all its records, when a feature is added to it
(https://github.com/hashicorp/terraform-provider-aws/issues/26809, open), although AWS can append. This dynamic provider
does it the way AWS means: features that are new go through UpdateFeatureGroup; what AWS cannot do in place fails the
preview. It needs `sagemaker:DescribeFeatureGroup` and `sagemaker:UpdateFeatureGroup`, and takes credentials as boto3 does
(the environment, a profile): a provider's own settings do not reach it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import dynamic
from pulumi.runtime import rpc

from penstock_infra import schema_change
from penstock_infra.inputs import Text

PATIENCE_SECONDS = 900
POLL_SECONDS = 1.0
APPENDED_AT_ONCE = 100
"""Features that one UpdateFeatureGroup takes at most (API reference, FeatureAdditions)."""


class FeatureSchemaProvider(dynamic.ResourceProvider):
    """Appends features to a group that exists; what is not there yet is left to the group's own creation."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuse in the preview what would replace the group, by what the state remembers of it."""
        if not _olds:
            return dynamic.CheckResult(news, [])
        change = schema_change.compare(_olds, news, rpc.UNKNOWN)
        failures = (
            [dynamic.CheckFailure("schema", schema_change.refusal(news["definition"], _olds, news, change))]
            if change.replacing
            else []
        )
        return dynamic.CheckResult(news, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Never a replacement: what changes, changes in place."""
        names = (*schema_change.FIXED, "features", "group", "region", "definition")
        return dynamic.DiffResult(changes=any(_olds.get(name) != _news.get(name) for name in names), replaces=[])

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Bring a group that exists already to the schema; nothing where there is none yet."""
        bring_to(props, _client(props))
        return dynamic.CreateResult(str(props["group"]), props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Append what is new."""
        bring_to(_news, _client(_news))
        return dynamic.UpdateResult(_news)

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """The schema less the features that the live group does not have, so that the next update adds them."""
        live = live_features(str(props["group"]), _client(props))
        if live is None:
            return dynamic.ReadResult(id_, props)
        found = {**props, "features": [item for item in props["features"] if item["name"] in live]}
        return dynamic.ReadResult(id_, found, found)


def bring_to(schema: Mapping[str, Any], sagemaker: Any) -> tuple[str, ...]:
    """Append the features that the live group lacks, and wait until AWS has; their names.

    Raises ValueError when the live group has one of them with another type, or AWS fails to append.
    """
    group = str(schema["group"])
    live = live_features(group, sagemaker)
    if live is None:
        return ()
    foreign = [f"{item['name']} is {live[item['name']]}" for item in schema["features"]
               if live.get(item["name"], item["type"]) != item["type"]]  # fmt: skip
    if foreign:
        raise ValueError(f"the feature group {group} differs from its definition in type: {', '.join(foreign)}")
    missing = [item for item in schema["features"] if item["name"] not in live]
    for start in range(0, len(missing), APPENDED_AT_ONCE):
        sagemaker.update_feature_group(
            FeatureGroupName=group,
            FeatureAdditions=[
                {"FeatureName": item["name"], "FeatureType": item["type"]}
                for item in missing[start : start + APPENDED_AT_ONCE]
            ],
        )
        _settle(group, sagemaker)
    return tuple(str(item["name"]) for item in missing)


def live_features(group: str, sagemaker: Any) -> dict[str, str] | None:
    """The types of a live group's features by name; None where there is no such group."""
    found: dict[str, str] = {}
    token: dict[str, str] = {}
    while True:
        try:
            page = sagemaker.describe_feature_group(FeatureGroupName=group, **token)
        except sagemaker.exceptions.ResourceNotFound:
            return None
        if page["FeatureGroupStatus"] in ("Deleting", "CreateFailed"):
            return None
        found |= {item["FeatureName"]: item["FeatureType"] for item in page["FeatureDefinitions"]}
        if not page.get("NextToken"):
            return found
        token = {"NextToken": page["NextToken"]}


def _settle(group: str, sagemaker: Any) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while True:
        update = sagemaker.describe_feature_group(FeatureGroupName=group).get("LastUpdateStatus") or {}
        if update.get("Status") == "Failed":
            raise ValueError(f"AWS did not add features to {group}: {update.get('FailureReason', 'no reason given')}")
        if update.get("Status") != "InProgress":
            return
        if time.monotonic() > limit:
            raise ValueError(f"AWS is still adding features to {group} after {PATIENCE_SECONDS} s")
        time.sleep(POLL_SECONDS)


def _client(schema: Mapping[str, Any]) -> Any:
    import boto3

    return boto3.client("sagemaker", region_name=str(schema["region"]))


class FeatureSchema(dynamic.Resource, module="penstock", name="FeatureSchema"):
    """The schema of one feature group. The group depends on it, so that a refusal comes before anything is done to it."""

    group: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        group: str,
        region: str,
        definition: str,
        features: list[dict[str, str]],
        fixed: Mapping[str, Text | bool | None],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`fixed` holds what the group keeps for life, by the names in `schema_change.FIXED`."""
        unknown = set(fixed) - set(schema_change.FIXED)
        if unknown:
            raise ValueError(f"a schema has no {', '.join(sorted(unknown))}")
        super().__init__(
            FeatureSchemaProvider(),
            name,
            {"group": group, "region": region, "definition": definition, "features": features, **fixed},
            opts,
        )
