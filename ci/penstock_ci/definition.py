"""A pipeline definition read as a graph: its steps, what they depend on, and pictures of it. Pure; no cloud."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from penstock_ci.errors import UserError


@dataclass(frozen=True)
class Node:
    """A step. `branch` is "if" or "else" for steps inside a Condition, with the Condition's name in `condition`."""

    name: str
    type: str
    depends_on: tuple[str, ...]
    condition: str = ""
    branch: str = ""

    def summary(self) -> dict[str, Any]:
        """What `--json` shows."""
        found = asdict(self)
        found["depends_on"] = list(self.depends_on)
        return {key: value for key, value in found.items() if value or key == "depends_on"}


def read(file: Path) -> dict[str, Any]:
    """A compiled definition.

    Raises:
        UserError: the file is missing or not JSON.
    """
    try:
        document: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        raise UserError(f"{file} does not exist", "compile it: penstock pipeline compile") from None
    except json.JSONDecodeError as error:
        raise UserError(f"{file} is not JSON: {error}", "compile it again: penstock pipeline compile") from None
    return document


def nodes(definition: dict[str, Any]) -> list[Node]:
    """All steps in the order of the file, those inside conditions after their condition."""
    return list(_nodes(definition.get("Steps", []), "", ""))


def _nodes(steps: list[dict[str, Any]], condition: str, branch: str) -> Iterator[Node]:
    for step in steps:
        arguments = step.get("Arguments", {})
        inner = [*arguments.get("IfSteps", []), *arguments.get("ElseSteps", [])] if step["Type"] == "Condition" else []
        visible = {key: value for key, value in step.items() if not (inner and key == "Arguments")}
        if inner:
            visible["Conditions"] = arguments.get("Conditions")
        depends = {*step.get("DependsOn", []), *_references(visible)}
        depends.discard(step["Name"])
        if condition:
            depends.add(condition)
        yield Node(step["Name"], step["Type"], tuple(sorted(depends)), condition, branch)
        if inner:
            yield from _nodes(arguments.get("IfSteps", []), step["Name"], "if")
            yield from _nodes(arguments.get("ElseSteps", []), step["Name"], "else")


def _references(value: Any) -> Iterator[str]:
    """Names of the steps that a value refers to: `{"Get": "Steps.Name.Property"}` and `{"Std:JsonGet": ...}`."""
    if isinstance(value, dict):
        reference = value.get("Get")
        if isinstance(reference, str) and reference.startswith("Steps."):
            yield reference.split(".")[1].split("[")[0]
        json_get = value.get("Std:JsonGet")
        if isinstance(json_get, dict):
            source = json_get.get("PropertyFile", {}).get("Get", "")
            if source.startswith("Steps."):
                yield source.split(".")[1]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def mermaid(definition: dict[str, Any]) -> str:
    """The graph as Mermaid text, which GitHub draws in Markdown."""
    lines = ["flowchart LR"]
    for node in nodes(definition):
        shape = ("{{", "}}") if node.type == "Condition" else ("[", "]")
        lines.append(f'  {node.name}{shape[0]}"{node.name}<br/><small>{node.type}</small>"{shape[1]}')
    for node in nodes(definition):
        for source in node.depends_on:
            label = {"if": "|yes|", "else": "|no|"}.get(node.branch, "") if source == node.condition else ""
            lines.append(f"  {source} -->{label} {node.name}")
    return "\n".join(lines)


def text(definition: dict[str, Any]) -> str:
    """The graph as lines: each step with its type and what it waits for."""
    found = nodes(definition)
    width = max((len(node.name) for node in found), default=0)
    kinds = max((len(node.type) for node in found), default=0)
    return "\n".join(
        f"{node.name.ljust(width)}  {node.type.ljust(kinds)}  "
        + (f"after {', '.join(node.depends_on)}" if node.depends_on else "first")
        + (f" ({'yes' if node.branch == 'if' else 'no'})" if node.branch else "")
        for node in found
    )


def difference(golden: str, compiled: str) -> list[str]:
    """The lines of a unified diff between two definitions' text; empty when they are equal."""
    return list(
        difflib.unified_diff(golden.splitlines(), compiled.splitlines(), "committed", "compiled", n=3, lineterm="")
    )
