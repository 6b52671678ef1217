"""What botocore's model cannot say about the kinds that are served: ARN types, life cycles and error texts.

The texts are AWS's, for clients that match on them (the Terraform and Pulumi providers do): ``{arn}`` and ``{name}`` are
filled in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Answers = Literal["real", "record"]


@dataclass(frozen=True)
class Problem:
    """An error's code and text."""

    code: str
    text: str


@dataclass(frozen=True)
class Overlay:
    """One kind. ``initial`` and ``settled`` are its status at Create and after the next step (None: no status, or set
    by what really runs); ``deleting`` the status while a Delete takes a step (None: gone at once).
    ``stated`` are members that AWS sets at Create and the request does not carry."""

    arn_type: str
    missing: Problem
    exists: Problem
    initial: str | None = None
    settled: str | None = None
    deleting: str | None = None
    answers: Answers = "record"
    stated: dict[str, Any] = field(default_factory=dict)


def _not_found(text: str) -> Problem:
    return Problem("ResourceNotFound", text)


def _invalid(text: str) -> Problem:
    return Problem("ValidationException", text)


def _in_use(text: str) -> Problem:
    return Problem("ResourceInUse", text)


OVERLAYS: dict[str, Overlay] = {
    "Model": Overlay(
        "model",
        missing=_invalid('Could not find model "{arn}".'),
        exists=_invalid('Cannot create already existing model "{arn}".'),
    ),
    "EndpointConfig": Overlay(
        "endpoint-config",
        missing=_invalid('Could not find endpoint configuration "{arn}".'),
        exists=_invalid('Cannot create already existing endpoint configuration "{arn}".'),
    ),
    "Endpoint": Overlay(
        "endpoint",
        missing=_invalid('Could not find endpoint "{arn}".'),
        exists=_invalid('Cannot create already existing endpoint "{arn}".'),
        initial="Creating",
        answers="real",
    ),
    "FeatureGroup": Overlay(
        "feature-group",
        missing=_not_found("Resource Not Found: Amazon SageMaker can't find a FeatureGroup with name {name}"),
        exists=_in_use(
            "Resource Already Exists: FeatureGroup with name {name} already exists. Choose a different name.\n"
            "Or delete the existing FeatureGroup and try again."
        ),
        initial="Creating",
        settled="Created",
        deleting="Deleting",
        answers="real",
    ),
    "ModelPackageGroup": Overlay(
        "model-package-group",
        missing=_invalid("ModelPackageGroup {arn} does not exist."),
        exists=_invalid("Model Package Group already exists: {arn}"),
        initial="Pending",
        settled="Completed",
        stated={"CreatedBy": {}},
    ),
    "Pipeline": Overlay(
        "pipeline",
        missing=_not_found("Pipeline '{arn}' does not exist."),
        exists=_invalid(
            "Pipeline names must be unique within an AWS account and region. Pipeline with name ({name}) already exists."
        ),
        initial="Active",
    ),
    "TrainingJob": Overlay(
        "training-job",
        missing=_invalid("Requested resource not found."),
        exists=_in_use(
            "Training job names must be unique within an AWS account and region, and a training job with this name "
            "already exists ({arn})"
        ),
        initial="InProgress",
        answers="real",
    ),
    "ProcessingJob": Overlay(
        "processing-job",
        missing=_invalid("Could not find requested job with name: {name}"),
        exists=_in_use(
            "Processing job names must be unique within an AWS account and region, and a processing job with this name "
            "already exists ({arn})"
        ),
        initial="InProgress",
        answers="real",
    ),
    "CodeRepository": Overlay(
        "code-repository",
        missing=_invalid('Cannot find CodeRepository: "{arn}"'),
        exists=_invalid("CodeRepository already exists: {arn}"),
    ),
    "NotebookInstanceLifecycleConfig": Overlay(
        "notebook-instance-lifecycle-config",
        missing=_invalid("Unable to describe Notebook Instance Lifecycle Config '{arn}'. Details: RecordNotFound"),
        exists=_invalid(
            "Unable to create Notebook Instance Lifecycle Config {arn}. (Details: Notebook Instance Lifecycle Config "
            "already exists.)"
        ),
    ),
    "AppImageConfig": Overlay(
        "app-image-config",
        missing=_not_found("AppImageConfig with arn {arn} does not exist."),
        exists=_in_use("AppImageConfig with arn {arn} already exists."),
    ),
    "StudioLifecycleConfig": Overlay(
        "studio-lifecycle-config",
        missing=_not_found("StudioLifecycleConfig with name {name} does not exist."),
        exists=_in_use("StudioLifecycleConfig with name {name} already exists."),
    ),
    "Experiment": Overlay(
        "experiment",
        missing=_not_found("Experiment '{name}' does not exist."),
        exists=_invalid("Experiment names must be unique within an AWS account. Experiment '{name}' already exists."),
    ),
}
