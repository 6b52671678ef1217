"""The SageMaker API as botocore describes it: operations, shapes, and the answers a client may expect."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any

import botocore.loaders

Shape = dict[str, Any]
_TAGS = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class ServiceModel:
    """One service's ``service-2.json`` of the installed botocore."""

    name: str
    operations: dict[str, Any]
    shapes: dict[str, Shape]

    def input_shape(self, operation: str) -> str | None:
        """Name of the operation's input structure, or None where it takes nothing."""
        found: str | None = self.operations[operation].get("input", {}).get("shape")
        return found

    def output_shape(self, operation: str) -> str | None:
        """Name of the operation's output structure, or None where it answers nothing."""
        found: str | None = self.operations[operation].get("output", {}).get("shape")
        return found

    def members(self, shape: str | None) -> dict[str, Any]:
        """Members of a structure: name to reference (``shape``, ``documentation``...)."""
        return self.shapes[shape].get("members", {}) if shape else {}

    def inputs(self, operation: str) -> dict[str, Any]:
        """Members of the operation's input."""
        return self.members(self.input_shape(operation))

    def outputs(self, operation: str) -> dict[str, Any]:
        """Members of the operation's output."""
        return self.members(self.output_shape(operation))

    def required(self, shape: str | None) -> list[str]:
        """Required members of a structure."""
        return list(self.shapes[shape].get("required", [])) if shape else []

    def type_of(self, reference: dict[str, Any]) -> str:
        """Type of the shape that a member refers to ("string", "list"...)."""
        return str(self.shapes[reference["shape"]]["type"])

    def errors(self, operation: str) -> list[str]:
        """Codes of the errors that the model lists for an operation; none where there is no such operation."""
        return [str(error["shape"]) for error in self.operations.get(operation, {}).get("errors", [])]

    def project(self, shape: str, value: Any) -> Any:
        """The part of ``value`` that a shape has members for, at every depth."""
        described = self.shapes[shape]
        if described["type"] == "structure" and isinstance(value, dict):
            members = described.get("members", {})
            return {name: self.project(members[name]["shape"], each) for name, each in value.items() if name in members}
        if described["type"] == "list" and isinstance(value, list):
            return [self.project(described["member"]["shape"], each) for each in value]
        if described["type"] == "map" and isinstance(value, dict):
            return {key: self.project(described["value"]["shape"], each) for key, each in value.items()}
        return value

    def token_member(self, operation: str) -> str | None:
        """The input member that carries an idempotency token."""
        for name, reference in self.inputs(operation).items():
            if reference.get("idempotencyToken"):
                return name
        return None

    def documented_default(self, operation: str, member: str) -> str | None:
        """The default that the model's documentation states for an input member ("Descending", "10")."""
        text = _TAGS.sub("", self.inputs(operation).get(member, {}).get("documentation", ""))
        found = re.search(r"default (?:value )?is (\w+)|defaults to (\w+)", text)
        return (found.group(1) or found.group(2)) if found else None


@functools.cache
def load(service: str) -> ServiceModel:
    """The newest model of ``service`` that the installed botocore has."""
    raw = botocore.loaders.Loader().load_service_model(service, "service-2")
    return ServiceModel(service, raw["operations"], raw["shapes"])
