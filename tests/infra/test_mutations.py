"""For every component, each encryption, tag and IAM property is mutated once, and turns a named check red.

The checks are the policies (in production, where most is asked) and, for what they cannot know, the component's own
tests, which are run again on the mutated program.
"""

from __future__ import annotations

import copy
import importlib.util
import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import is_hypothesis_test
from tests.infra import test_components as contract
from tests.infra import test_statements as written
from tests.infra.conftest import Run
from tests.infra.mutating import Mutation, mutations

from penstock_infra.placement import Placement
from penstock_policy import Environment, Resource, Settings, check

PRODUCTION = Settings(environment=Environment.PRODUCTION)
BORNE: dict[tuple[str, str], str] = {}
"""Mutations that nothing turns red, by component and label, each with the reason."""


def findings(run: Run) -> set[str]:
    """What production's policies say of a program."""
    judged = [
        Resource(type=item.type, name=item.name, urn=item.urn, inputs=item.inputs, protect=item.protect)
        for item in run.resources
        if item.custom
    ]
    return {f"policy {finding.policy}: {finding.name}: {finding.message}" for finding in check(judged, PRODUCTION)}


@dataclass(frozen=True)
class OwnTest:
    """A test with its parameters that is green, and what its programs registered (or raised), in the order of its calls."""

    name: str
    function: Callable[..., object]
    parameters: Mapping[str, Any]
    outcomes: tuple[Run | Exception, ...] = ()

    def makes(self, component: str) -> bool:
        """Whether one of its programs makes the component."""
        type_ = contract.COMPONENTS[component].TYPE
        runs = [outcome for outcome in self.outcomes if isinstance(outcome, Run)]
        return any(item.type == type_ for run in runs for item in run.resources)

    def on(self, run_program: Any, placement: Placement) -> None:
        """Run it with something for `run_program`."""
        given = {"run_program": run_program, "placement": placement, **self.parameters}
        self.function(**{key: given[key] for key in inspect.signature(self.function).parameters})

    def on_mutated(self, mutation: Mutation, placement: Placement) -> None:
        """Run it on the same programs, mutated."""
        outcomes = iter(self.outcomes)

        def replayed(*arguments: Any, **options: Any) -> Run:
            outcome = next(outcomes)
            if isinstance(outcome, Exception):
                raise outcome
            return mutation.applied(outcome)

        self.on(replayed, placement)


_TRIED: dict[tuple[str, str], OwnTest | None] = {}


def own_tests(component: str, run_program: Any, placement: Placement) -> Iterator[OwnTest]:
    """A component's tests that need no more than a run and a placement; one that is red by itself proves nothing."""
    for module in _modules():
        if component not in getattr(module, "EXAMPLES", {}):
            continue
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if not name.startswith("test_") or function.__module__ != module.__name__ or is_hypothesis_test(function):
                continue
            wanted = set(inspect.signature(function).parameters)
            for parameters in _parameters(function):
                known = {"run_program", "placement", *parameters}
                if {"run_program"} <= wanted <= known and parameters.get("name", component) == component:
                    key = (f"{module.__name__}.{name}", repr(parameters))
                    if key not in _TRIED:
                        _TRIED[key] = _green(OwnTest(key[0], function, parameters), run_program, placement)
                    if (test := _TRIED[key]) is not None and test.makes(component):
                        yield test


def _green(test: OwnTest, run_program: Any, placement: Placement) -> OwnTest | None:
    """The test with its programs' outcomes; None when it is red without any mutation, which its own run tells."""
    outcomes: list[Run | Exception] = []

    def kept(*arguments: Any, **options: Any) -> Run:
        try:
            run: Run = run_program(*arguments, **options)
        except Exception as error:
            outcomes.append(error)
            raise
        outcomes.append(run)
        return run

    try:
        test.on(kept, placement)
    except Exception:  # noqa: BLE001 - whatever it is
        return None
    return replace(test, outcomes=tuple(outcomes))


@cache
def _modules() -> tuple[ModuleType, ...]:
    found: list[ModuleType] = []
    for path in sorted((Path(__file__).parent / "components").glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"own_{path.stem}", path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found.append(module)
    return (*found, contract, written)


def _parameters(function: Callable[..., object]) -> Iterator[dict[str, Any]]:
    """The combinations of a test's parametrize marks."""
    marks = [mark for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize"]
    choices: list[list[dict[str, Any]]] = []
    for mark in marks:
        names, values = mark.args[0], mark.args[1]
        keys = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
        rows = [getattr(value, "values", value) if not isinstance(value, dict) else value for value in values]
        choices.append(
            [dict(zip(keys, row if len(keys) > 1 else [row], strict=True)) for row in rows if not callable(row)]
        )
    for combination in itertools.product(*choices):
        yield {key: value for part in combination for key, value in part.items()}


def red_test(component: str, mutation: Mutation, run_program: Any, placement: Placement) -> str:
    """The name of the component's own test that turns red; empty when none does."""

    for test in own_tests(component, run_program, placement):
        try:
            test.on_mutated(mutation, placement)
        except Exception as failure:  # noqa: BLE001 - red is red
            return f"{test.name}: {failure!r:.60}"
    return ""


@pytest.mark.parametrize("name", sorted(contract.EXAMPLES))
def test_each_property_is_missed(name: str, run_program: Any, placement: Placement) -> None:
    program = run_program(lambda: contract.make(name, placement))
    clean = findings(program)
    surviving = [
        str(mutation)
        for mutation in mutations(program)
        if not findings(mutation.applied(program)) - clean
        and not red_test(name, mutation, run_program, placement)
        and (name, mutation.label) not in BORNE
    ]
    assert surviving == []


def test_mutations_that_are_borne_exist(run_program: Any, placement: Placement) -> None:
    for name, label in BORNE:
        program = run_program(lambda name=name: contract.make(name, placement))
        assert label in {mutation.label for mutation in mutations(program)}, f"{name}: {label} is no mutation any more"


def test_a_mutation_is_one_change_and_leaves_the_program_alone(run_program: Any, placement: Placement) -> None:
    program = run_program(lambda: contract.make("TrainingRole", placement))
    before = copy.deepcopy(program.resources)
    found = list(mutations(program))
    assert {"tags.Owner empty", "permissionsBoundary away"} <= {mutation.label for mutation in found}
    assert {"Action *", "Resource *", "Principal *"} <= {" ".join(mutation.label.split()[-2:]) for mutation in found}
    for mutation in found:
        mutated = mutation.applied(program).resources
        changed = [new for new, old in zip(mutated, program.resources, strict=True) if new.inputs != old.inputs]
        assert len(changed) == 1, str(mutation)
    assert program.resources == before
