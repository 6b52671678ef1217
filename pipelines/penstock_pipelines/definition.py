"""A compiled pipeline definition as plain data: reading it, walking its steps, evaluating its expressions.

Only what the definition's grammar says (Version 2020-12-01); no SDK and no cloud are needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from penstock_pipelines.errors import ConfigurationError

Json = Any


@dataclass(frozen=True)
class Step:
    """One step. `branch` is where it stands: empty at the top, else (condition step, "if" or "else")."""

    name: str
    type: str
    body: Mapping[str, Json]
    depends_on: tuple[str, ...]
    branch: tuple[str, str] | None = None


@dataclass(frozen=True)
class Definition:
    """A pipeline definition. `steps` holds all steps, those inside conditions too, in the order they are written."""

    parameters: dict[str, Json]
    steps: dict[str, Step] = field(default_factory=dict)

    def step(self, name: str) -> Step:
        """A step by name; ConfigurationError lists the names that exist."""
        if name not in self.steps:
            raise ConfigurationError(f"The pipeline has no step {name!r}.", f"Its steps: {', '.join(self.steps)}.")
        return self.steps[name]

    def upstream(self, name: str) -> list[str]:
        """All steps that must have run before a step, in an order that works."""
        done: list[str] = []

        def visit(current: str) -> None:
            step = self.step(current)
            for other in (*step.depends_on, *([step.branch[0]] if step.branch else [])):
                visit(other)
                if other not in done:
                    done.append(other)

        visit(name)
        return done


def read(path: Path) -> Definition:
    """Read a definition file; ConfigurationError when it is not there or not a definition."""
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigurationError(f"{path} does not exist.", "Compile the pipeline: penstock pipeline compile") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path} is not a pipeline definition: {error}") from None


def parse(document: Mapping[str, Json]) -> Definition:
    """Parameters with their defaults (None where there is none) and all steps."""
    parameters = {parameter["Name"]: parameter.get("DefaultValue") for parameter in document["Parameters"]}
    definition = Definition(parameters)
    for step in _steps(document["Steps"], None):
        definition.steps[step.name] = step
    return definition


def _steps(bodies: list[Mapping[str, Json]], branch: tuple[str, str] | None) -> Iterator[Step]:
    for body in bodies:
        arguments = body["Arguments"]
        own = {k: v for k, v in arguments.items() if k not in ("IfSteps", "ElseSteps")}
        explicit = [entry["Step"] if isinstance(entry, Mapping) else entry for entry in body.get("DependsOn", [])]
        depends_on = dict.fromkeys([*explicit, *references(own)])
        yield Step(body["Name"], body["Type"], body, tuple(depends_on), branch)
        yield from _steps(arguments.get("IfSteps", []), (body["Name"], "if"))
        yield from _steps(arguments.get("ElseSteps", []), (body["Name"], "else"))


def references(value: Json) -> Iterator[str]:
    """Names of the steps that an expression or a tree of them refers to."""
    if isinstance(value, Mapping):
        path = value.get("Get")
        if isinstance(path, str) and path.startswith("Steps."):
            yield path.split(".")[1]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def evaluate(value: Json, scope: Mapping[str, Json]) -> Json:
    """Replace expressions by values. `scope` maps what `Get` names (`Parameters.X`, `Execution.X`, `Steps....`).

    Property files (Std:JsonGet) are not evaluated here: they need the step's outputs.
    """
    if isinstance(value, list):
        return [evaluate(inner, scope) for inner in value]
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"Get"}:
        path = value["Get"]
        if path not in scope or scope[path] is None:
            raise ConfigurationError(
                f"{path} has no value.",
                "Give it with --parameter NAME=VALUE." if path.startswith("Parameters.") else "",
            )
        return scope[path]
    if set(value) == {"Std:Join"}:
        join = value["Std:Join"]
        return str(join["On"]).join(str(evaluate(part, scope)) for part in join["Values"])
    return {key: evaluate(inner, scope) for key, inner in value.items()}
