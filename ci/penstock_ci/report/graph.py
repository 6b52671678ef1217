"""A compiled pipeline definition as a graph laid out in layers, and as SVG."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 148, 46, 56, 26, 8
REFERENCE = re.compile(r'"Get": ?"Steps\.([A-Za-z0-9-]+)')


@dataclass(frozen=True)
class Edge:
    """From one step to a later one; `label` tells the branch of a condition."""

    start: str
    end: str
    label: str = ""


def steps(definition: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str | None, str]]:
    """Every step with the condition that holds it and the branch it is in, the branches' steps too."""

    def walk(
        members: list[dict[str, Any]], condition: str | None, branch: str
    ) -> Iterator[tuple[Any, str | None, str]]:
        for step in members:
            yield step, condition, branch
            if step["Type"] == "Condition":
                yield from walk(step["Arguments"].get("IfSteps", []), step["Name"], "yes")
                yield from walk(step["Arguments"].get("ElseSteps", []), step["Name"], "no")

    return walk(definition.get("Steps", []), None, "")


def own_arguments(step: dict[str, Any]) -> str:
    """A step's arguments as text, without the steps that a condition holds."""
    arguments = step.get("Arguments", {})
    if step["Type"] == "Condition":
        arguments = {name: value for name, value in arguments.items() if name not in {"IfSteps", "ElseSteps"}}
    return json.dumps(arguments)


def edges(definition: dict[str, Any]) -> list[Edge]:
    """What must be done before what: by reference, by DependsOn, by a condition's branches; without the implied ones."""
    found: set[Edge] = set()
    names = {step["Name"] for step, _, _ in steps(definition)}
    for step, condition, branch in steps(definition):
        if condition:
            found.add(Edge(condition, step["Name"], branch))
            continue
        before = set(REFERENCE.findall(own_arguments(step)))
        before |= {item if isinstance(item, str) else item["Step"] for item in step.get("DependsOn", [])}
        found |= {Edge(name, step["Name"]) for name in before & names}
    return [edge for edge in sorted(found, key=lambda e: (e.start, e.end)) if edge.label or not implied(edge, found)]


def implied(edge: Edge, among: set[Edge]) -> bool:
    """Whether a longer way leads from the edge's start to its end."""
    frontier = [other.end for other in among if other.start == edge.start and other.end != edge.end]
    seen: set[str] = set()
    while frontier:
        name = frontier.pop()
        if name == edge.end:
            return True
        if name not in seen:
            seen.add(name)
            frontier += [other.end for other in among if other.start == name]
    return False


def layers(names: list[str], among: list[Edge]) -> list[list[str]]:
    """The names in columns, each as far left as what it waits for allows."""
    depth = dict.fromkeys(names, 0)
    for _ in names:
        for edge in among:
            depth[edge.end] = max(depth[edge.end], depth[edge.start] + 1)
    return [[name for name in names if depth[name] == column] for column in range(max(depth.values(), default=-1) + 1)]


def to_svg(definition: dict[str, Any]) -> str:
    """The graph as one SVG element that takes its colours from the page."""
    kinds = {step["Name"]: step["Type"] for step, _, _ in steps(definition)}
    connections = edges(definition)
    columns = layers(list(kinds), connections)
    tallest = max((len(column) for column in columns), default=0)
    width = 2 * MARGIN + len(columns) * WIDTH + (len(columns) - 1) * GAP_X
    height = 2 * MARGIN + tallest * HEIGHT + (tallest - 1) * GAP_Y
    place: dict[str, tuple[float, float]] = {}
    for x, column in enumerate(columns):
        top = (height - (len(column) * HEIGHT + (len(column) - 1) * GAP_Y)) / 2
        for y, name in enumerate(column):
            place[name] = (MARGIN + x * (WIDTH + GAP_X), top + y * (HEIGHT + GAP_Y))
    parts = [
        f'<svg class="graph" viewBox="0 0 {width} {height}" style="max-width:{width}px" role="img"'
        ' aria-label="The steps of the pipeline and what they wait for">',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" class="tip"/></marker></defs>',
    ]
    for edge in connections:
        (x1, y1), (x2, y2) = place[edge.start], place[edge.end]
        x1, y1, y2 = x1 + WIDTH, y1 + HEIGHT / 2, y2 + HEIGHT / 2
        middle = (x1 + x2) / 2
        parts.append(
            f'<path class="edge" d="M{x1} {y1} C{middle} {y1} {middle} {y2} {x2 - 2} {y2}" marker-end="url(#arrow)"/>'
        )
        if edge.label:
            parts.append(f'<text class="branch" x="{middle}" y="{(y1 + y2) / 2 - 5}">{escape(edge.label)}</text>')
    for name, (left, top) in place.items():
        parts.append(
            f'<g class="step {escape(kinds[name].lower())}"><rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" rx="8"/>'
            f'<text class="name" x="{left + WIDTH / 2}" y="{top + 20}">{escape(name)}</text>'
            f'<text class="kind" x="{left + WIDTH / 2}" y="{top + 36}">{escape(kinds[name])}</text></g>'
        )
    return "".join([*parts, "</svg>"])
