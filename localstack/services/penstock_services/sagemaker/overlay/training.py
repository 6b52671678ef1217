"""Feature groups, training, tuning, Autopilot and pipelines."""

from __future__ import annotations

from dataclasses import replace

from penstock_services.sagemaker.overlay.entry import Overlay, in_use, invalid, not_found

_AUTOML = Overlay(
    "automl-job",
    missing=not_found("Could not find requested job with name: {name}"),
    exists=in_use(
        "AutoML job names must be unique within an AWS account and region, and an AutoML job with this name already "
        "exists ({arn})"
    ),
    initial="InProgress",
    answers="real",
    any_case=True,
    why="runs Autopilot",
)

KINDS: dict[str, Overlay] = {
    "AutoMLJob": _AUTOML,
    # Its records are AutoMLJob's, with their status.
    "AutoMLJobV2": replace(_AUTOML, initial=None),
    "FeatureGroup": Overlay(
        "feature-group",
        missing=not_found("Resource Not Found: Amazon SageMaker can't find a FeatureGroup with name {name}"),
        exists=in_use(
            "Resource Already Exists: FeatureGroup with name {name} already exists. Choose a different name.\n"
            "Or delete the existing FeatureGroup and try again."
        ),
        initial="Creating",
        settled="Created",
        deleting="Deleting",
        answers="real",
        why="stores records, online and offline",
    ),
    "Pipeline": Overlay(
        "pipeline",
        missing=not_found("Pipeline '{arn}' does not exist."),
        exists=invalid(
            "Pipeline names must be unique within an AWS account and region. Pipeline with name ({name}) already exists."
        ),
        initial="Active",
        summary={"LastExecutionTime": "LastRunTime"},
        why="a definition; its executions run",
    ),
    "TrainingJob": Overlay(
        "training-job",
        missing=invalid("Requested resource not found."),
        exists=in_use(
            "Training job names must be unique within an AWS account and region, and a training job with this name "
            "already exists ({arn})"
        ),
        initial="InProgress",
        answers="real",
        summary={"TrainingPlanArn": "ResourceConfig.TrainingPlanArn"},
        why="runs a container",
    ),
    "HyperParameterTuningJob": Overlay(
        "hyper-parameter-tuning-job",
        missing=not_found("Amazon SageMaker can't find a tuning job with the name {name}."),
        exists=in_use(
            "Hyperparameter tuning job names must be unique within an AWS account and region, and a tuning job with "
            "this name already exists ({arn})"
        ),
        initial="InProgress",
        answers="real",
        summary={
            "Strategy": "HyperParameterTuningJobConfig.Strategy",
            "ResourceLimits": "HyperParameterTuningJobConfig.ResourceLimits",
        },
        why="runs training jobs",
    ),
}
