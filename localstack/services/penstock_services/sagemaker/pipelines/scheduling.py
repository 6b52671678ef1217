"""Which steps of an execution may start: from the steps, in an order that respects them, and what has become of each.

Nothing here runs or keeps anything, so that the rules can be tested by themselves. A step is *ready* when each of its
dependencies has ended as its trigger asks and, if it is nested, its Condition step has decided for its branch; it is
*skipped* when that cannot happen any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from penstock_services.sagemaker.pipelines.state import ENDED, FAILED, STOPPED, SUCCEEDED, StepState
from penstock_services.sagemaker.pipelines.step import Dependency, Step
from penstock_services.sagemaker.pipelines.step_kinds import CONDITION, FOR_EACH

PENDING: Final = "pending"
READY: Final = "ready"
SKIPPED: Final = "skipped"
_TRIGGERED = {
    "Completed": frozenset({SUCCEEDED}),
    "Failed": frozenset({FAILED}),
    "Stopped": frozenset({STOPPED}),
    "Any": frozenset({SUCCEEDED, FAILED, STOPPED}),
}


class Standings:
    """How every step stands: its final status, or pending, ready or skipped. ``steps`` must be in an order in which a
    step stands behind those that it waits for; names that are not among them count as fulfilled."""

    def __init__(self, steps: Mapping[str, Step], states: Mapping[str, StepState]) -> None:
        self._steps = steps
        self._states = states
        self._nested: dict[str, list[Step]] = {}
        self.of: dict[str, str] = {}
        for step in steps.values():
            if step.branch is not None:
                self._nested.setdefault(step.branch.condition, []).append(step)
        for step in steps.values():
            self.of[step.name] = self._standing(step)

    def ready(self) -> list[Step]:
        """The steps that may start."""
        return [step for step in self._steps.values() if self.of[step.name] == READY]

    def handled(self, name: str) -> bool:
        """Whether a step has run because the step of that name failed or was stopped."""
        for step in self._steps.values():
            if step.name not in self._states:
                continue
            for dependency in step.dependencies:
                if dependency.trigger == "Completed":
                    continue
                if dependency.step == name or (dependency.named and self._within(name, dependency.step)):
                    return True
        return False

    def _standing(self, step: Step) -> str:
        state = self._states.get(step.name)
        if state is not None:
            return state.status if state.status in ENDED else PENDING
        found = [self._dependency(step, each) for each in step.dependencies]
        if step.branch is not None:
            found.append(self._branch(step.branch.condition, taken_if=step.branch.taken_if))
        if SKIPPED in found:
            return SKIPPED
        return PENDING if PENDING in found else READY

    def _branch(self, condition: str, *, taken_if: bool) -> str:
        if condition not in self._steps:
            return READY
        standing = self.of[condition]
        if standing in (PENDING, READY):
            return PENDING
        taken = standing == SUCCEEDED and self._states[condition].outcome == taken_if
        return READY if taken else SKIPPED

    def _dependency(self, step: Step, dependency: Dependency) -> str:
        needed = dependency.step
        if needed not in self._steps:
            return READY
        if self._within(step.name, needed):
            return READY  # the Condition step that it is nested in has decided for it
        whole = dependency.named and self._steps[needed].type == CONDITION
        standing = self._whole(needed) if whole else self.of[needed]
        if standing in (PENDING, READY):
            return PENDING
        return READY if standing in _TRIGGERED[dependency.trigger] else SKIPPED

    def _whole(self, condition: str) -> str:
        """A Condition step together with the steps of the branch that it has taken."""
        standing = self.of[condition]
        if standing != SUCCEEDED:
            return standing
        outcome = self._states[condition].outcome
        parts = [
            self._whole(each.name) if each.type == CONDITION else self.of[each.name]
            for each in self._nested.get(condition, [])
            if each.branch is not None and each.branch.taken_if == outcome
        ]
        for status in (PENDING, READY, FAILED, STOPPED, SKIPPED):
            if status in parts:
                return PENDING if status == READY else status
        return SUCCEEDED

    def _within(self, name: str, condition: str) -> bool:
        """Whether a step is nested in a Condition step, at any depth."""
        step = self._steps.get(name)
        while step is not None and step.branch is not None:
            if step.branch.condition == condition:
                return True
            step = self._steps.get(step.branch.condition)
        return False


def startable(
    standings: Standings, steps: Mapping[str, Step], states: Mapping[str, StepState], limit: int
) -> list[Step]:
    """The ready steps for which there is a place: at most ``limit`` run at the same time, of a ForEach step's at most its
    MaxConcurrency. A ForEach step itself takes no place."""
    running = [state for state in states.values() if state.status not in ENDED]
    places = limit - sum(state.type != FOR_EACH for state in running)
    concurrent = Counter(state.parent for state in running if state.parent is not None)
    found: list[Step] = []
    for step in standings.ready():
        if step.iteration is not None:
            parent = step.iteration.parent
            if states[parent].status in ENDED or concurrent[parent] >= steps[parent].arguments["MaxConcurrency"]:
                continue
        if step.type != FOR_EACH:
            if places <= 0:
                continue
            places -= 1
        if step.iteration is not None:
            concurrent[step.iteration.parent] += 1
        found.append(step)
    return found


def unhandled(standings: Standings, states: Iterable[StepState]) -> tuple[list[StepState], bool]:
    """The steps that failed or were stopped without another step that ran because of it, and whether there were others
    that another step did answer for. Iterations of a ForEach step count with that step."""
    left, answered = [], False
    for state in states:
        if state.status not in (FAILED, STOPPED) or state.parent is not None:
            continue
        if standings.handled(state.name):
            answered = True
        else:
            left.append(state)
    return left, answered
