"""Encryption, tag and IAM properties of what a program registered, each taken away or widened once."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.infra.conftest import Registered, Run

from penstock_policy.tags import REQUIRED

type Path = tuple[str | int, ...]

ENCRYPTION = re.compile(
    r"(?i:kms|encrypt)|^sse|[a-z]Sse|^enableKeyRotation$|^(block|ignore)Public|^restrictPublicBuckets$|^secureTransport"
)
"""Names of properties that encrypt, or that close to the public."""

EVERYTHING = ("*", ["*"], {"AWS": "*"}, {"AWS": ["*"]})
"""What cannot be widened any more: other parts of such a statement narrow it, and are mutated themselves."""

GRANTING = frozenset({"managedPolicyArns", "permissionsBoundary", "policyArn", "policyArns"})
"""Properties of IAM that are no documents."""


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One change to one property of one resource; `change` takes its inputs and gives the mutated ones."""

    type: str
    name: str
    label: str
    change: Callable[[dict[str, Any]], dict[str, Any]]

    def __str__(self) -> str:
        return f"{self.type} {self.name}: {self.label}"

    def applied(self, run: Run) -> Run:
        """The run as it would be with the mutated property, where it has it."""
        return replace(
            run,
            resources=[
                replace(item, inputs=self.change(item.inputs))
                if (item.type, item.name) == (self.type, self.name)
                else item
                for item in run.resources
            ],
        )


def mutations(run: Run) -> Iterator[Mutation]:
    """Every mutation of what a program registered."""
    for resource in run.resources:
        if resource.custom:
            for label, change in _of(resource):
                yield Mutation(type=resource.type, name=resource.name, label=label, change=change)


type _Change = tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]


def _of(resource: Registered) -> Iterator[_Change]:
    for path, value in _walk(resource.inputs, ()):
        name = next((part for part in reversed(path) if isinstance(part, str)), "")
        where = ".".join(map(str, path))
        if path == ("tags",):
            yield from ((f"tags.{tag} empty", _set((*path, tag), "")) for tag in REQUIRED)
        elif isinstance(path[-1], str) and (ENCRYPTION.search(name) or name in GRANTING):
            if isinstance(value, bool):
                yield f"{where} {not value}", _set(path, not value)
            elif value not in (None, "", [], {}):
                yield f"{where} away", _without(path)
    for path, document in documents(resource.inputs):
        yield from _document(path, document)


def _walk(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if path:
        yield path, value
    if isinstance(value, dict) and path[-1:] != ("tags",):
        for key, entry in value.items():
            yield from _walk(entry, (*path, key))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _walk(entry, (*path, index))


def documents(inputs: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The policy documents in a resource's inputs, with their paths."""
    for path, value in _walk(inputs, ()):
        if isinstance(value, str) and '"Statement"' in value:
            yield path, json.loads(value)


def _document(path: Path, document: dict[str, Any]) -> Iterator[_Change]:
    for index, statement in enumerate(document["Statement"]):
        where = f"{'.'.join(map(str, path))} {statement.get('Sid', index)}"
        if statement["Effect"] == "Deny":
            yield f"{where} away", _rewritten(path, lambda found, at=index: found["Statement"].pop(at))  # type: ignore[misc]
            continue
        if statement.get("Action") not in EVERYTHING:
            yield f"{where} Action *", _statement(path, index, Action=["*"])
        if statement.get("Resource", "*") not in EVERYTHING:
            yield f"{where} Resource *", _statement(path, index, Resource=["*"])
        if statement.get("Principal", "*") not in EVERYTHING:
            yield f"{where} Principal *", _statement(path, index, Principal="*")
        for operator, keys in statement.get("Condition", {}).items():
            for key in keys:
                yield f"{where} without {operator} {key}", _rewritten(path, _condition_goes(index, operator, key))


def _statement(path: Path, index: int, **values: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return _rewritten(path, lambda found: found["Statement"][index].update(values))


def _condition_goes(index: int, operator: str, key: str) -> Callable[[dict[str, Any]], object]:
    def go(found: dict[str, Any]) -> None:
        conditions = found["Statement"][index]["Condition"]
        del conditions[operator][key]
        if not conditions[operator]:
            del conditions[operator]

    return go


def _rewritten(path: Path, change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def mutate(text: Any) -> str:
        document = json.loads(text)
        change(document)
        return json.dumps(document)

    return _at(path, lambda container, key: container.__setitem__(key, mutate(container[key])))


def _set(path: Path, value: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return _at(path, lambda container, key: container.__setitem__(key, value))


def _without(path: Path) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return _at(path, lambda container, key: container.pop(key))


def _at(path: Path, change: Callable[[Any, Any], object]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A change of the container at the path's end; inputs that lack it (or a document's statement) stay as they are."""

    def mutate(inputs: dict[str, Any]) -> dict[str, Any]:
        mutated = copy.deepcopy(inputs)
        container: Any = mutated
        try:
            for part in path[:-1]:
                container = container[part]
            change(container, path[-1])
        except (KeyError, IndexError, TypeError, ValueError):
            return inputs
        return mutated

    return mutate
