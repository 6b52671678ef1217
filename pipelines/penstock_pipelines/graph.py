"""A pipeline's steps as a graph: for people as Mermaid, for programs as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock_pipelines import definition
from penstock_pipelines.definition import Definition, Step

SHAPES = {"Condition": ("{", "}"), "Fail": ("[[", "]]"), "Training": ("([", "])"), "RegisterModel": ("[(", ")]")}


def edges(pipeline: Definition) -> Iterator[tuple[str, str, str]]:
    """(from, to, label) of every dependency; a condition's branches are labelled yes and no.

    Edges that follow from others are left out: TrainingSet reads what Ingest wrote, but also waits for Features, which
    waits for Ingest.
    """
    for step in pipeline.steps.values():
        if step.branch:
            yield step.branch[0], step.name, "yes" if step.branch[1] == "if" else "no"
            continue
        for other in step.depends_on:
            further = {name for rest in step.depends_on if rest != other for name in pipeline.upstream(rest)}
            if other not in further:
                yield other, step.name, ""


def as_data(pipeline: Definition) -> dict[str, Any]:
    """{"steps": [{name, type, description, depends_on, branch}], "edges": [{from, to, label}]}."""
    return {
        "steps": [
            {
                "name": step.name,
                "type": step.type,
                "description": step.body.get("Description", ""),
                "depends_on": list(step.depends_on),
                "branch": list(step.branch) if step.branch else None,
            }
            for step in pipeline.steps.values()
        ],
        "edges": [{"from": one, "to": other, "label": label} for one, other, label in edges(pipeline)],
    }


def as_mermaid(pipeline: Definition) -> str:
    """A Mermaid flowchart."""
    lines = ["flowchart TD"]
    lines += [f"    {step.name}{_shape(step)}" for step in pipeline.steps.values()]
    for one, other, label in edges(pipeline):
        arrow = f"-->|{label}|" if label else "-->"
        lines.append(f"    {one} {arrow} {other}")
    return "\n".join(lines) + "\n"


def of_file(path: Path) -> Definition:
    """The definition in a file."""
    return definition.read(path)


def _shape(step: Step) -> str:
    opening, closing = SHAPES.get(step.type, ("[", "]"))
    return f'{opening}"{step.name}"{closing}'
