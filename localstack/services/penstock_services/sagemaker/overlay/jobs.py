"""Processing, transform and compilation jobs."""

from __future__ import annotations

from penstock_services.sagemaker.overlay.entry import Overlay, in_use, invalid

KINDS: dict[str, Overlay] = {
    "ProcessingJob": Overlay(
        "processing-job",
        missing=invalid("Could not find requested job with name: {name}"),
        exists=in_use(
            "Processing job names must be unique within an AWS account and region, and a processing job with this name "
            "already exists ({arn})"
        ),
        initial="InProgress",
        answers="real",
        why="runs a container",
    ),
    "TransformJob": Overlay(
        "transform-job",
        missing=invalid("Could not find requested job with name: {name}"),
        exists=in_use(
            "Transform job names must be unique within an AWS account and region, and a transform job with this name "
            "already exists ({arn})"
        ),
        initial="InProgress",
        answers="real",
        why="runs a model's container over a data set",
    ),
    "CompilationJob": Overlay(
        "compilation-job",
        missing=invalid("Could not find requested job with name: {name}"),
        exists=in_use(
            "Compilation job names must be unique within an AWS account and region, and a compilation job with this "
            "name already exists ({arn})"
        ),
        initial="STARTING",
        answers="real",
        summary={
            "CompilationTargetDevice": "OutputConfig.TargetDevice",
            "CompilationTargetPlatformOs": "OutputConfig.TargetPlatform.Os",
            "CompilationTargetPlatformArch": "OutputConfig.TargetPlatform.Arch",
            "CompilationTargetPlatformAccelerator": "OutputConfig.TargetPlatform.Accelerator",
        },
        why="compiles a model",
    ),
}
