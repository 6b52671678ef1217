"""Feature groups: what the record says of the stores; the records themselves are the feature store's."""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, check, operation
from penstock_services.sagemaker import events, lifecycle
from penstock_services.sagemaker.engine import find, now
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.kinds import kinds

RESERVED_NAMES = ("is_deleted", "write_time", "api_invocation_time")
_EVENT_TIME_TYPES = ("String", "Fractional")


@check("CreateFeatureGroup")
def _consistent(_context: Context, request: dict[str, Any]) -> None:
    types: dict[str, str] = {}
    for definition in request["FeatureDefinitions"]:
        name = definition["FeatureName"]
        if name in types:
            raise _invalid(f"FeatureDefinitions must have unique names: {name} is there more than once")
        if name.lower() in RESERVED_NAMES:
            raise _invalid(f"the feature name {name} is reserved ({', '.join(RESERVED_NAMES)})")
        types[name] = definition["FeatureType"]
    for member in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
        if request[member] not in types:
            raise _invalid(f"{member} {request[member]} is not in FeatureDefinitions")
    event_time = request["EventTimeFeatureName"]
    if types[event_time] not in _EVENT_TIME_TYPES:
        raise _invalid(f"the event time feature {event_time} must be String or Fractional, not {types[event_time]}")
    online = request.get("OnlineStoreConfig", {}).get("EnableOnlineStore", False)
    if not online and "OfflineStoreConfig" not in request:
        raise _invalid("either OnlineStoreConfig or OfflineStoreConfig must be given")
    if "OfflineStoreConfig" in request and "RoleArn" not in request:
        raise _invalid("RoleArn must be given with an OfflineStoreConfig")


def _invalid(reason: str) -> ServiceError:
    return ServiceError("ValidationException", f"Validation Error: {reason}.")


@hook("FeatureGroup", "prepare")
def _resolve(context: Context, record: dict[str, Any]) -> None:
    """Where the offline store's files go: a prefix of their own for every group ever created."""
    offline = record.get("OfflineStoreConfig")
    if offline is None:
        return
    storage = offline["S3StorageConfig"]
    scope = context.scope
    folder = f"{record['FeatureGroupName']}-{int(record['CreationTime'])}"
    storage["ResolvedOutputS3Uri"] = (
        f"{storage['S3Uri'].rstrip('/')}/{scope.account}/sagemaker/{scope.region}/offline-store/{folder}/data"
    )
    record["OfflineStoreStatus"] = {"Status": "Active"}


@operation("UpdateFeatureGroup")
def _update(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    key, _ = find(context, "FeatureGroup", request["FeatureGroupName"])

    def change(record: dict[str, Any]) -> None:
        if record["FeatureGroupStatus"] != "Created":
            raise _invalid(f"FeatureGroup {key} is {record['FeatureGroupStatus']} and cannot be updated")
        present = {definition["FeatureName"] for definition in record["FeatureDefinitions"]}
        for addition in request.get("FeatureAdditions", []):
            name = addition["FeatureName"]
            if name in present:
                raise _invalid(f"the feature {name} is in FeatureGroup {key} already")
            if name.lower() in RESERVED_NAMES:
                raise _invalid(f"the feature name {name} is reserved ({', '.join(RESERVED_NAMES)})")
            present.add(name)
            record["FeatureDefinitions"].append(addition)
        if "OnlineStoreConfig" in request:
            online = record.get("OnlineStoreConfig")
            if online is None:
                raise _invalid(f"FeatureGroup {key} has no online store")
            online.update(request["OnlineStoreConfig"])
        if "ThroughputConfig" in request:
            record["ThroughputConfig"] = {**record.get("ThroughputConfig", {}), **request["ThroughputConfig"]}
        record["LastModifiedTime"] = now()
        record["LastUpdateStatus"] = {"Status": "InProgress"}
        record["_next"] = lifecycle.step(context, Set={"LastUpdateStatus": {"Status": "Successful"}})

    updated = context.store.update(context.scope, "FeatureGroup", key, change)
    if updated is None:
        find(context, "FeatureGroup", key)
        return {}
    lifecycle.plan(context, kinds().by_name["FeatureGroup"], key, updated)
    return {"FeatureGroupArn": updated["FeatureGroupArn"]}


@hook("FeatureGroup", "created")
@hook("FeatureGroup", "settled")
def _changed(context: Context, record: dict[str, Any]) -> None:
    described = kinds().by_name["FeatureGroup"].described
    detail = {member: value for member, value in record.items() if member in described}
    detail["CreationTime"] = int(detail["CreationTime"] * 1000)
    events.emit(context, "SageMaker Feature Group State Change", [record["FeatureGroupArn"]], detail)
