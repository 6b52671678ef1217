"""Parameters of a pipeline execution: their names, and the values that one run gets.

The same names are in the compiled definition (`penstock_pipelines.steps`), so that a renamed parameter breaks a test
and not a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from penstock_pipelines.configuration import ModelConfiguration
from penstock_pipelines.errors import ConfigurationError
from penstock_pipelines.tracking import NONE as NO_TRACKING

ParameterType = Literal["String", "Integer", "Float"]

PARAMETERS: dict[str, ParameterType] = {
    "ImageUri": "String",
    "RoleArn": "String",
    "ArtifactBucket": "String",
    "RawBucket": "String",
    "CleanBucket": "String",
    "CuratedBucket": "String",
    "ModelName": "String",
    "TrainFrom": "String",
    "TrainTo": "String",
    "EvaluateFrom": "String",
    "EvaluateTo": "String",
    "Seed": "Integer",
    "SampleFraction": "Float",
    "GateMinimum": "Float",
    "GitCommit": "String",
    "Register": "String",
    "TrackingServer": "String",
}
"""Every parameter and its type. Dates are ISO days, the `To` ones exclusive; Register is "true" or "false".

TrackingServer is the ARN (or address) of the MLflow server that the run is logged to, "none" for none.
"""

TRACKING_OUTPUT = "trackingServerArn"
"""Stack output with the platform's MLflow server, where it has one."""

PLATFORM_OUTPUTS = {
    "RoleArn": "trainingRoleArn",
    "ArtifactBucket": "artifactBucket",
    "RawBucket": "rawBucket",
    "CleanBucket": "cleanBucket",
    "CuratedBucket": "curatedBucket",
}
"""Parameters that come from the platform projects' stack outputs."""


def for_execution(
    configuration: ModelConfiguration,
    platform_outputs: Mapping[str, Any],
    *,
    stack: str,
    image_uri: str,
    git_commit: str,
    train_from: date,
    train_to: date,
    evaluate_from: date,
    evaluate_to: date,
    register: bool,
    sample_fraction: float = 1.0,
) -> dict[str, str]:
    """Values for StartPipelineExecution, all as strings (as the API takes them).

    ConfigurationError names the platform outputs that are missing.
    """
    missing = [name for name in PLATFORM_OUTPUTS.values() if not platform_outputs.get(name)]
    if missing:
        raise ConfigurationError(
            f"The platform lacks the outputs {', '.join(missing)}.", "Bring the platform up: penstock up --all"
        )
    return {
        **{parameter: str(platform_outputs[output]) for parameter, output in PLATFORM_OUTPUTS.items()},
        "ImageUri": image_uri,
        "ModelName": configuration.name_in(stack),
        "TrainFrom": train_from.isoformat(),
        "TrainTo": train_to.isoformat(),
        "EvaluateFrom": evaluate_from.isoformat(),
        "EvaluateTo": evaluate_to.isoformat(),
        "Seed": str(configuration.pipeline.seed),
        "SampleFraction": repr(sample_fraction),
        "GateMinimum": repr(configuration.gate.minimum),
        "GitCommit": git_commit,
        "Register": "true" if register else "false",
        "TrackingServer": configuration.tracking.server or str(platform_outputs.get(TRACKING_OUTPUT) or NO_TRACKING),
    }
