"""Between Pulumi's property names and botocore's shapes: `kmsKeyId` and `KmsKeyId`, at every depth.

A request is built against the operation's input shape, so that a property that AWS does not know is an error that names
it. Names that differ by more than case are listed by the type (`renames`, Pulumi's name to AWS's).
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from penstock_deploy.plugins.interface import ProviderError
from penstock_deploy.provider.clients import Aws

Renames = Mapping[str, str]


def input_shape(aws: Aws, service: str, operation: str) -> Any:
    """The shape of an operation's request."""
    return aws.client(service).meta.service_model.operation_model(operation).input_shape


def output_shape(aws: Aws, service: str, operation: str) -> Any:
    """The shape of an operation's answer."""
    return aws.client(service).meta.service_model.operation_model(operation).output_shape


def to_aws(value: Any, shape: Any, renames: Renames, at: str = "") -> Any:
    """The value in AWS's names and types."""
    if shape.type_name == "structure":
        if isinstance(value, list):  # a block that Terraform keeps as a list of one
            value = value[0] if value else {}
        result = {}
        for key, item in value.items():
            if item is None or key.startswith("__"):
                continue
            member = member_of(key, shape, renames)
            if member is None:
                raise ProviderError(f"{at}{key} is not known to AWS's {shape.name}")
            result[member] = to_aws(item, shape.members[member], renames, f"{at}{key}.")
        return result
    if shape.type_name == "list":
        items = value if isinstance(value, list) else [value]
        return [to_aws(item, shape.member, renames, at) for item in items]
    if shape.type_name == "map":
        return {key: to_aws(item, shape.value, renames, at) for key, item in value.items() if item is not None}
    if shape.type_name == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if shape.type_name in ("integer", "long"):
        return int(value)
    if shape.type_name in ("double", "float"):
        return float(value)
    if shape.type_name == "string":
        return value if isinstance(value, str) else _text(value)
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def member_of(name: str, shape: Any, renames: Renames) -> str | None:
    """The member of a structure that a property stands for."""
    wanted = renames.get(name, name[:1].upper() + name[1:])
    if wanted in shape.members:
        return wanted
    lowered = wanted.lower()
    for member in shape.members:
        if member.lower() == lowered:
            return str(member)
    for member in shape.members:  # Pulumi's plural of a block that AWS has in the singular, and the other way round
        if member.lower() in (lowered + "s", lowered.removesuffix("s")):
            return str(member)
    return None


def from_aws(value: Any, shape: Any, renames: Renames, like: Any = None) -> Any:
    """The value in Pulumi's names. `like` is the value that the program gave: its spelling of a name wins."""
    if shape.type_name == "structure":
        given = like[0] if isinstance(like, list) and like else like if isinstance(like, dict) else {}
        back = {aws_name: name for name, aws_name in renames.items()}
        result = {}
        for member, item in value.items():
            if member not in shape.members or item is None:
                continue
            name = _property(member, shape, given, renames, back)
            result[name] = from_aws(item, shape.members[member], renames, given.get(name))
        return [result] if isinstance(like, list) else result
    if shape.type_name == "list":
        if isinstance(like, dict) and len(value) == 1:
            return from_aws(value[0], shape.member, renames, like)
        likes = like if isinstance(like, list) else []
        return [
            from_aws(item, shape.member, renames, likes[index] if index < len(likes) else None)
            for index, item in enumerate(value)
        ]
    if shape.type_name == "map":
        return {key: from_aws(item, shape.value, renames) for key, item in value.items()}
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return value


def _property(member: str, shape: Any, given: Mapping[str, Any], renames: Renames, back: Mapping[str, str]) -> str:
    for name in given:
        if member_of(name, shape, renames) == member:
            return name
    if member in back:
        return back[member]
    return member[:1].lower() + member[1:]
