"""Tags of resources, by ARN.

Source: Tag, AddTags, ListTags and DeleteTags in the API reference, and "Tagging AWS resources" in the general reference
(at most 50 tags a resource, keys that start with ``aws:`` are AWS's).
"""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, operation
from penstock_services.sagemaker.kinds import key_of, kinds

KIND = "Tags"
_LIMIT = 50
_PAGE = 50


def check(tags: list[dict[str, str]] | None) -> None:
    """Refuse tags that a resource cannot have."""
    keys = [tag["Key"] for tag in tags or []]
    if any(key.lower().startswith("aws:") for key in keys):
        raise ServiceError("ValidationException", "Tag keys that start with aws: are reserved for AWS.")
    if len(set(keys)) < len(keys):
        raise ServiceError("ValidationException", "Duplicate tag keys found. Please note that Tag keys are unique.")


def put(context: Context, arn: str, tags: list[dict[str, str]] | None) -> None:
    """Set the tags that a Create carried."""
    if tags:
        _add_to(context, arn, tags)


def remove(context: Context, arn: str) -> None:
    """Forget the tags of a resource that is gone."""
    context.store.delete(context.scope, KIND, arn)


def of(context: Context, arn: str) -> dict[str, str]:
    """The tags of a resource."""
    found: dict[str, str] = (context.store.get(context.scope, KIND, arn) or {}).get("Tags", {})
    return found


def _add_to(context: Context, arn: str, tags: list[dict[str, str]]) -> dict[str, str]:
    check(tags)
    given = {tag["Key"]: tag["Value"] for tag in tags}
    merged: dict[str, str] = {}

    def change(record: dict[str, Any]) -> None:
        merged.update({**record["Tags"], **given})
        if len(merged) > _LIMIT:
            raise ServiceError("ValidationException", f"A resource can have at most {_LIMIT} tags.")
        record["Tags"] = merged

    context.store.insert(context.scope, KIND, arn, {"Tags": {}})
    context.store.update(context.scope, KIND, arn, change)
    return merged


def _existing(context: Context, arn: str) -> None:
    kind = kinds().of_arn(arn)
    key = None if kind is None else key_of(context.scope, kind, arn)
    if kind is None or key is None or context.store.get(context.scope, kind.name, key) is None:
        raise ServiceError("ValidationException", "Resource does not exist.")


@operation("AddTags", "record")
def _add(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    arn = request["ResourceArn"]
    _existing(context, arn)
    return {"Tags": _listed(_add_to(context, arn, request["Tags"]))}


@operation("ListTags", "record")
def _list(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    arn = request["ResourceArn"]
    _existing(context, arn)
    found = _listed(of(context, arn))
    token = request.get("NextToken", "0")
    if not token.isdigit():
        raise ServiceError("ValidationException", "The NextToken is not valid.")
    end = int(token) + int(request.get("MaxResults", _PAGE))
    return {"Tags": found[int(token) : end], **({"NextToken": str(end)} if end < len(found) else {})}


@operation("DeleteTags", "record")
def _delete(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    arn = request["ResourceArn"]
    _existing(context, arn)

    def change(record: dict[str, Any]) -> None:
        record["Tags"] = {key: value for key, value in record["Tags"].items() if key not in request["TagKeys"]}

    context.store.update(context.scope, KIND, arn, change)
    return {}


def _listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
