"""Tags of resources, by ARN."""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, operation
from penstock_services.sagemaker.kinds import key_of, kinds

KIND = "Tags"
_LIMIT = 50


def put(context: Context, arn: str, tags: list[dict[str, str]] | None) -> None:
    """Set the tags that a Create carried."""
    if tags:
        _store(context, arn, {}, tags)


def remove(context: Context, arn: str) -> None:
    """Forget the tags of a resource that is gone."""
    context.store.delete(context.scope, KIND, arn)


def of(context: Context, arn: str) -> dict[str, str]:
    """The tags of a resource."""
    found: dict[str, str] = (context.store.get(context.scope, KIND, arn) or {}).get("Tags", {})
    return found


def _store(context: Context, arn: str, present: dict[str, str], tags: list[dict[str, str]]) -> dict[str, str]:
    merged = {**present, **{tag["Key"]: tag["Value"] for tag in tags}}
    if any(tag["Key"].lower().startswith("aws:") for tag in tags):
        raise ServiceError("ValidationException", "Tag keys that start with aws: are reserved for AWS.")
    if len(merged) > _LIMIT:
        raise ServiceError("ValidationException", f"A resource can have at most {_LIMIT} tags.")
    context.store.put(context.scope, KIND, arn, {"Tags": merged})
    return merged


def _existing(context: Context, arn: str) -> None:
    arn_type = arn.split(":", 5)[-1].partition("/")[0]
    kind = kinds().by_arn_type.get(arn_type)
    stored_as = kind.name if kind else _ODD_KINDS.get(arn_type)
    if stored_as is None:
        raise ServiceError("ValidationException", f"Resource {arn} is not of a kind that can be tagged here.")
    key = key_of(context.scope, kind, arn) if kind else arn
    if key is None or context.store.get(context.scope, stored_as, key) is None:
        raise ServiceError("ResourceNotFound", f"Resource {arn} does not exist.")


_ODD_KINDS = {"model-package": "ModelPackage"}


@operation("AddTags")
def _add(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    arn = request["ResourceArn"]
    _existing(context, arn)
    return {"Tags": _listed(_store(context, arn, of(context, arn), request["Tags"]))}


@operation("ListTags")
def _list(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    arn = request["ResourceArn"]
    _existing(context, arn)
    return {"Tags": _listed(of(context, arn))}


@operation("DeleteTags")
def _delete(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    arn = request["ResourceArn"]
    _existing(context, arn)
    kept = {key: value for key, value in of(context, arn).items() if key not in request["TagKeys"]}
    context.store.put(context.scope, KIND, arn, {"Tags": kept})
    return {}


def _listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
