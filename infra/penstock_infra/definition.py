"""The compiled pipeline definition: a committed file, completed with what only the platform knows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from penstock_infra.errors import ConfigurationError

type Definition = dict[str, Any]


def read(path: Path) -> Definition:
    """The definition in a file. Raises ConfigurationError when it is missing or not a pipeline definition."""
    try:
        content: Any = json.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: not there; write it with `penstock pipeline compile`") from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("Steps"), list):
        raise ConfigurationError(
            f"{path}: not a pipeline definition (no Steps); `penstock pipeline compile` writes one"
        )
    return content


def with_defaults(definition: Definition, defaults: Mapping[str, str]) -> Definition:
    """A copy whose parameters named in `defaults` have these default values; other parameters stay as they are.

    A name that the definition does not declare is left out: a pipeline need not take all that the platform offers.
    """
    parameters = [
        {**parameter, "DefaultValue": defaults[parameter["Name"]]} if parameter.get("Name") in defaults else parameter
        for parameter in definition.get("Parameters", [])
    ]
    return {**definition, "Parameters": parameters}


def with_network(definition: Definition, subnet_ids: Sequence[str], security_group_id: str) -> Definition:
    """A copy whose jobs and models run in these subnets with this security group; the same one without subnets.

    A step that names a network of its own keeps it.
    """
    if not subnet_ids:
        return definition
    network: Definition = {"SecurityGroupIds": [security_group_id], "Subnets": list(subnet_ids)}
    return {**definition, "Steps": [_step_inside(step, network) for step in definition["Steps"]]}


def _step_inside(step: Definition, network: Definition) -> Definition:
    """The step with the network where requests of its type have it (SageMaker API reference: CreateTrainingJob, ...)."""
    arguments = step.get("Arguments") or {}
    match step.get("Type"):
        case "Training" | "Model":
            return {**step, "Arguments": {"VpcConfig": network, **arguments}}
        case "Processing" | "ClarifyCheck" | "QualityCheck":
            given = {"VpcConfig": network, **(arguments.get("NetworkConfig") or {})}
            return {**step, "Arguments": {**arguments, "NetworkConfig": given}}
        case "Tuning":
            job = {"VpcConfig": network, **(arguments.get("TrainingJobDefinition") or {})}
            return {**step, "Arguments": {**arguments, "TrainingJobDefinition": job}}
        case "Condition":
            branches = {
                branch: [_step_inside(inner, network) for inner in arguments.get(branch) or []]
                for branch in ("IfSteps", "ElseSteps")
            }
            return {**step, "Arguments": {**arguments, **branches}}
        case _:
            return step


def render(definition: Definition) -> str:
    """The definition as SageMaker takes it; equal definitions give equal text."""
    return json.dumps(definition, separators=(",", ":"), sort_keys=True)
