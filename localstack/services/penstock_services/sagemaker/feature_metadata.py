"""What is said of a feature beside its type: a description and parameters.

Source: the API reference of DescribeFeatureMetadata and UpdateFeatureMetadata.
"""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, operation
from penstock_services.sagemaker.engine import find, now
from penstock_services.sagemaker.hooks import hook

Record = dict[str, Any]
KIND = "FeatureMetadata"
_LIMIT = 25


def metadata_of(context: Context, group: Record, feature: str) -> Record:
    """The metadata of a feature of a group (a record of FeatureGroup), as DescribeFeatureMetadata answers it.

    Raises ServiceError (ResourceNotFound) where the group has no such feature.
    """
    name = group["FeatureGroupName"]
    definition = next((each for each in group["FeatureDefinitions"] if each["FeatureName"] == feature), None)
    if definition is None:
        message = f"Resource Not Found: Amazon SageMaker can't find a feature named {feature} in FeatureGroup {name}"
        raise ServiceError("ResourceNotFound", message)
    return {
        "FeatureGroupArn": group["FeatureGroupArn"],
        "FeatureGroupName": name,
        "FeatureName": feature,
        "FeatureType": definition["FeatureType"],
        "CreationTime": group["CreationTime"],
        "LastModifiedTime": group["CreationTime"],
        **(context.store.get(context.scope, KIND, f"{name}/{feature}") or {}),
    }


@operation("DescribeFeatureMetadata", "record")
def _describe(context: Context, request: Record) -> Record:
    _, group = find(context, "FeatureGroup", request["FeatureGroupName"])
    return metadata_of(context, group, request["FeatureName"])


@operation("UpdateFeatureMetadata", "record")
def _update(context: Context, request: Record) -> Record:
    key, group = find(context, "FeatureGroup", request["FeatureGroupName"])
    feature = request["FeatureName"]
    metadata_of(context, group, feature)
    context.store.insert(context.scope, KIND, f"{key}/{feature}", {})

    def change(record: Record) -> None:
        if "Description" in request:
            record["Description"] = request["Description"]
        parameters = {each["Key"]: each.get("Value") for each in record.get("Parameters", [])}
        parameters.update({each["Key"]: each.get("Value") for each in request.get("ParameterAdditions", [])})
        for name in request.get("ParameterRemovals", []):
            parameters.pop(name, None)
        if len(parameters) > _LIMIT:
            raise ServiceError("ValidationException", f"A feature can have at most {_LIMIT} parameters.")
        if parameters or "Parameters" in record:
            record["Parameters"] = [
                {"Key": name, **({} if value is None else {"Value": value})} for name, value in parameters.items()
            ]
        record["LastModifiedTime"] = now()

    context.store.update(context.scope, KIND, f"{key}/{feature}", change)
    return {}


@hook("FeatureGroup", "deleted")
def _gone(context: Context, record: Record) -> None:
    for key, _ in context.store.scan(context.scope, KIND, f"{record['FeatureGroupName']}/"):
        context.store.delete(context.scope, KIND, key)
