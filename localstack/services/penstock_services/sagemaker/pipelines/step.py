"""Steps of a checked definition."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from penstock_services.sagemaker.pipelines.parameters import Parameter
from penstock_services.sagemaker.pipelines.retry_policies import RetryPolicy

Trigger = Literal["Completed", "Failed", "Stopped", "Any"]
TRIGGERS: tuple[Trigger, ...] = ("Completed", "Failed", "Stopped", "Any")


@dataclass(frozen=True)
class Dependency:
    """A step that must have ended before, and how. ``named``: DependsOn names it, and so means the whole of a Condition
    step, with the steps of the branch that was taken; without, its own result is enough."""

    step: str
    trigger: Trigger = "Completed"
    named: bool = False


@dataclass(frozen=True)
class PropertyFile:
    """JSON that a Processing step writes: the output that holds it, and its path below that output."""

    name: str
    output: str
    path: str


@dataclass(frozen=True)
class Branch:
    """Where a nested step stands: within the Condition step ``condition``, among its IfSteps or ElseSteps."""

    condition: str
    taken_if: bool


@dataclass(frozen=True)
class Output:
    """A declared output parameter of a Callback or Lambda step."""

    name: str
    type: str


@dataclass(frozen=True)
class Iteration:
    """Which run of a ForEach step's body a step belongs to; ``item`` is the value that ``ForEach.CurrentItem`` stands for,
    ``siblings`` the names that the other body steps have in this run."""

    parent: str
    index: int
    item: Any
    siblings: dict[str, str]


@dataclass(frozen=True)
class Step:
    """One step. ``body`` are the steps of a ForEach step; ``own`` is the part of the arguments that is evaluated with the
    step itself, not with nested steps; ``extra`` holds what its type has beside the common members."""

    name: str
    type: str
    arguments: dict[str, Any]
    own: Any
    dependencies: tuple[Dependency, ...] = ()
    branch: Branch | None = None
    display_name: str | None = None
    description: str | None = None
    property_files: dict[str, PropertyFile] = field(default_factory=dict)
    cache: dict[str, Any] | None = None
    retries: tuple[RetryPolicy, ...] = ()
    outputs: dict[str, Output] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    body: tuple[Step, ...] = ()
    iteration: Iteration | None = None

    @property
    def needs(self) -> frozenset[str]:
        """The names of the steps that it depends on."""
        return frozenset(each.step for each in self.dependencies)


@dataclass(frozen=True)
class Definition:
    """A checked definition. ``steps`` holds the steps nested in Condition steps too, but not the bodies of ForEach steps,
    in an order in which every step stands behind those that it waits for. ``experiment`` and ``mlflow`` are the members
    PipelineExperimentConfig and MlflowConfig, unresolved."""

    parameters: dict[str, Parameter]
    steps: dict[str, Step]
    experiment: dict[str, Any] | None = None
    mlflow: dict[str, Any] | None = None

    @property
    def all_steps(self) -> dict[str, Step]:
        """The steps, and those of ForEach bodies."""
        bodies = {each.name: each for step in self.steps.values() for each in step.body}
        return {**self.steps, **bodies}
