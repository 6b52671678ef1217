"""What moto's Application Auto Scaling lacks: the tags of scalable targets. Records; nothing scales here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

type Handler = Callable[[Any, Any], dict[str, Any]]


def _targets(context: Any) -> list[Any]:
    from moto.applicationautoscaling.models import applicationautoscaling_backends

    backend = applicationautoscaling_backends[context.account_id][context.region]
    return [target for targets in backend.targets.values() for target in targets.values()]


def _tags(context: Any, arn: str) -> dict[str, str]:
    """The tags of a target; one that was kept without any gets an empty set. Raises AWS's ResourceNotFoundException."""
    from localstack.aws.api import CommonServiceException

    for target in _targets(context):
        if target.arn == arn:
            if not hasattr(target, "tags"):
                target.tags = {}
            return target.tags  # type: ignore[no-any-return]
    raise CommonServiceException("ResourceNotFoundException", f"The resource {arn} was not found.")


def register_scalable_target(context: Any, request: Any) -> dict[str, Any]:
    """moto's, which forgets the tags."""
    from localstack.services.moto import call_moto

    answer: dict[str, Any] = dict(call_moto(context))
    _tags(context, answer["ScalableTargetARN"]).update(request.get("Tags") or {})
    return answer


def list_tags_for_resource(context: Any, request: Any) -> dict[str, Any]:
    """The tags of one target."""
    return {"Tags": dict(_tags(context, request["ResourceARN"]))}


def tag_resource(context: Any, request: Any) -> dict[str, Any]:
    """Adds tags, or gives them other values."""
    _tags(context, request["ResourceARN"]).update(request["Tags"])
    return {}


def untag_resource(context: Any, request: Any) -> dict[str, Any]:
    """Takes tags away; one that is not there is no error."""
    tags = _tags(context, request["ResourceARN"])
    for key in request["TagKeys"]:
        tags.pop(key, None)
    return {}


HANDLERS: dict[str, Handler] = {
    "ListTagsForResource": list_tags_for_resource,
    "RegisterScalableTarget": register_scalable_target,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}
