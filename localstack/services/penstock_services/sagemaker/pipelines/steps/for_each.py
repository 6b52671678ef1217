"""ForEach steps: their body's steps run once for every item, as steps named ``<body step>-<index>``."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from penstock_services.operations import Context
from penstock_services.sagemaker.pipelines.expressions import resolve
from penstock_services.sagemaker.pipelines.references import ExpressionError
from penstock_services.sagemaker.pipelines.state import FAILED, STOPPED, SUCCEEDED
from penstock_services.sagemaker.pipelines.step import Dependency, Iteration, Step
from penstock_services.sagemaker.pipelines.steps.base import Begun, Ended, Run, StepError
from penstock_services.sagemaker.pipelines.values import ExecutionValues

_MAX_ITEMS = 100


class ForEachStep:
    """Resolves its items and hands out the steps to run; the execution ends it by ``result`` after the last of them."""

    def begin(self, run: Run) -> Begun:
        """Expand the body."""
        items = _items(resolve(run.step.arguments["IterableItems"], run.values))
        steps = tuple(each for index, item in enumerate(items) for each in _iteration(run.step, index, item))
        return Begun({"ForEach": {"InputItemCount": len(items)}}, handle=run.step.name, expanded=steps)

    def poll(self, _context: Context, _handle: str) -> Ended | None:
        """The execution knows when its steps have ended."""
        return None

    def stop(self, _context: Context, _handle: str) -> None:
        """The execution stops its steps."""


def _items(found: Any) -> list[Any]:
    """The items, out of a list or of a text that is a JSON list."""
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except ValueError:
            found = None
    if not isinstance(found, list):
        message = "ClientError: IterableItems must be a JSON list"
        raise StepError(message)
    if len(found) > _MAX_ITEMS:
        message = f"ClientError: IterableItems has {len(found)} items; {_MAX_ITEMS} is the most"
        raise StepError(message)
    return found


def _iteration(step: Step, index: int, item: Any) -> list[Step]:
    siblings = {each.name: f"{each.name}-{index}" for each in step.body}
    iteration = Iteration(step.name, index, item, siblings)
    return [
        dataclasses.replace(
            each,
            name=siblings[each.name],
            dependencies=tuple(
                Dependency(siblings.get(needed.step, needed.step), needed.trigger, needed.named)
                for needed in each.dependencies
            ),
            iteration=iteration,
        )
        for each in _in_order(step.body)
    ]


def _in_order(body: tuple[Step, ...]) -> list[Step]:
    """The body's steps, each behind those that it waits for."""
    waiting, order = {each.name: each for each in body}, []
    while waiting:
        free = [each for each in waiting.values() if not each.needs & waiting.keys()]
        order += free
        for each in free:
            del waiting[each.name]
    return order


def text_of_item(item: Any) -> str:
    """An item as IterationContext has it."""
    return item if isinstance(item, str) else json.dumps(item)


def result(step: Step, expanded: Mapping[str, Step], values: ExecutionValues) -> Ended:
    """How a ForEach step has ended, when each of its expanded steps has ended or cannot start any more."""
    states = {name: values.states[name] for name in expanded if name in values.states}
    counted = Counter(state.status for state in states.values())
    count = 1 + max((each.iteration.index for each in expanded.values() if each.iteration is not None), default=-1)
    status = FAILED if counted[FAILED] else STOPPED if counted[STOPPED] or len(states) < len(expanded) else SUCCEEDED
    summary: dict[str, Any] = {
        "Status": status,
        "InputItemCount": count,
        "TotalStepCount": len(expanded),
        "SucceededStepCount": counted[SUCCEEDED],
        "FailedStepCount": counted[FAILED],
        "StoppedStepCount": counted[STOPPED],
    }
    outputs: list[dict[str, Any]] = [{} for _ in range(count)]
    for name, each in expanded.items():
        state = states.get(name)
        if each.iteration is not None and state is not None and state.status == SUCCEEDED:
            outputs[each.iteration.index][_body_name(each)] = state.properties
    properties = {**summary, "IterationOutputs": outputs}
    selector = step.arguments.get("Selector")
    if selector is not None and status == SUCCEEDED:
        try:
            body_step, index = _select(selector, outputs, values)
        except ExpressionError as error:
            return Ended("Failed", properties, f"ClientError: Selector: {error}", metadata={"ForEach": summary})
        properties["Selected"] = outputs[index][body_step]
        summary["Selector"] = {"StepName": body_step, "Index": index}
    failure = None
    if status != SUCCEEDED:
        failure = f"ClientError: {counted[FAILED]} of {len(expanded)} steps of the iterations failed"
    return Ended(_ENDINGS[status], properties, failure, metadata={"ForEach": summary})


_ENDINGS: dict[str, Any] = {SUCCEEDED: "Succeeded", FAILED: "Failed", STOPPED: "Stopped"}


def _body_name(step: Step) -> str:
    """The name that an expanded step has in the body."""
    if step.iteration is None:
        return step.name
    return next(name for name, own in step.iteration.siblings.items() if own == step.name)


def _select(selector: dict[str, Any], outputs: list[dict[str, Any]], values: ExecutionValues) -> tuple[str, int]:
    """Body step and index of the iteration whose field is the greatest or least; the first of equal ones."""
    body_step = str(selector["Field"]["Get"]).split(".")[1]
    found: list[tuple[float, int]] = []
    for index, output in enumerate(outputs):
        value = resolve(selector["Field"], dataclasses.replace(values, outputs=output))
        try:
            found.append((float(value), index))
        except (TypeError, ValueError):
            message = f"{selector['Field']['Get']} is {value!r} in iteration {index}, which is no number"
            raise ExpressionError(message) from None
    if not found:
        message = "there is no iteration to pick"
        raise ExpressionError(message)
    sign = -1 if selector["Pick"] == "MaxBy" else 1
    return body_step, min(found, key=lambda each: (sign * each[0], each[1]))[1]
