"""What the ``Get`` of an expression refers to, parsed: parameters, execution variables, properties of steps, items.

In a path ``.name`` and ``['name']`` go into an object, or to the item of a list whose name member has that value; ``[0]``
goes to an item by index.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]

EXECUTION_VARIABLES = frozenset(
    {
        "PipelineName",
        "PipelineArn",
        "PipelineExecutionId",
        "PipelineExecutionArn",
        "StartDateTime",
        "CurrentDateTime",
        "TrainingJobName",
        "ProcessingJobName",
    }
)
EXPERIMENT_MEMBERS = ("ExperimentName", "TrialName")
_STEP = re.compile(r"Steps\.([A-Za-z0-9_-]+)(.*)", re.DOTALL)
_ITERATION_OUTPUT = re.compile(r"IterationOutput\.([A-Za-z0-9_-]+)(.+)", re.DOTALL)
CURRENT_ITEM = "ForEach.CurrentItem"
_PROPERTY_FILE = re.compile(r"\.PropertyFiles\.([^.\[\]]+)")
_TOKEN = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")


class ExpressionError(ValueError):
    """An expression that has no value: what it is, and why."""


@dataclass(frozen=True)
class ParameterReference:
    """``Parameters.<name>``."""

    name: str


@dataclass(frozen=True)
class ExecutionReference:
    """``Execution.<name>``."""

    name: str


@dataclass(frozen=True)
class PropertyReference:
    """``Steps.<step>.<path>``."""

    step: str
    path: Path


@dataclass(frozen=True)
class PropertyFileReference:
    """``Steps.<step>.PropertyFiles.<name>``."""

    step: str
    name: str


@dataclass(frozen=True)
class ExperimentReference:
    """``PipelineExperimentConfig.<name>``."""

    name: str


@dataclass(frozen=True)
class CurrentItemReference:
    """``ForEach.CurrentItem.<path>``."""

    path: Path


@dataclass(frozen=True)
class IterationOutputReference:
    """``IterationOutput.<body step>.<path>``."""

    step: str
    path: Path


Reference = (
    ParameterReference
    | ExecutionReference
    | PropertyReference
    | PropertyFileReference
    | ExperimentReference
    | CurrentItemReference
    | IterationOutputReference
)


def path_text(path: Path) -> str:
    """A path as it is written."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if re.fullmatch(r"[\w-]+", part) else f"['{part}']"
    return text.removeprefix(".")


def parse_path(text: str) -> Path:
    """A path such as ``a.b[0]['c']`` in its parts; a leading ``$`` is allowed."""
    text = text.removeprefix("$").removeprefix(".") if text.startswith("$") else text
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            message = f"the path {text!r} is not valid at {text[position:]!r}"
            raise ExpressionError(message)
        name, index, single, double = found.groups()
        parts.append(int(index) if index is not None else name or (single if single is not None else double))
        position = found.end()
    return tuple(parts)


def parse_reference(text: Any) -> Reference:
    """The operand of ``Get``."""
    if isinstance(text, str):
        kind, _, rest = text.partition(".")
        if kind == "Parameters" and rest:
            return ParameterReference(rest)
        if kind == "Execution" and rest in EXECUTION_VARIABLES:
            return ExecutionReference(rest)
        if kind == "Execution":
            message = f"{text!r} is no execution variable; there are {', '.join(sorted(EXECUTION_VARIABLES))}"
            raise ExpressionError(message)
        if kind == "PipelineExperimentConfig" and rest in EXPERIMENT_MEMBERS:
            return ExperimentReference(rest)
        if text == CURRENT_ITEM or text.startswith((f"{CURRENT_ITEM}.", f"{CURRENT_ITEM}[")):
            return CurrentItemReference(parse_path(text.removeprefix(CURRENT_ITEM).removeprefix(".")))
        output = _ITERATION_OUTPUT.fullmatch(text)
        if output is not None:
            return IterationOutputReference(output.group(1), parse_path(output.group(2).removeprefix(".")))
        found = _STEP.fullmatch(text)
        if found is not None:
            step, path = found.groups()
            file = _PROPERTY_FILE.fullmatch(path)
            if file is not None:
                return PropertyFileReference(step, file.group(1))
            return PropertyReference(step, parse_path(path.removeprefix(".")))
    message = f"{text!r} is no reference; expected Parameters.<name>, Execution.<name> or Steps.<name>.<path>"
    raise ExpressionError(message)
