"""Model packages, their groups, model cards and algorithms."""

from __future__ import annotations

from penstock_services.sagemaker.overlay.entry import Overlay, conflict, invalid, not_found

KINDS: dict[str, Overlay] = {
    "ModelPackageGroup": Overlay(
        "model-package-group",
        missing=invalid("ModelPackageGroup {arn} does not exist."),
        exists=invalid("Model Package Group already exists: {arn}"),
        initial="Pending",
        settled="Completed",
        stated={"CreatedBy": {}},
        why="a name under which versions are counted",
    ),
    "ModelPackage": Overlay(
        "model-package",
        missing=invalid("ModelPackage {arn} does not exist."),
        exists=conflict("Model package already exists: {arn}"),
        keys=("ModelPackageName",),
        settled="Completed",
        why="a registry entry",
    ),
    "ModelCard": Overlay(
        "model-card",
        missing=not_found("Model card {name} does not exist."),
        exists=conflict("Model card {name} already exists. Choose a different name."),
        stated={"CreatedBy": {}, "ModelCardVersion": 1},
        why="a document",
    ),
    "ModelCardExportJob": Overlay(
        "model-card",
        missing=not_found("Model card export job {arn} does not exist."),
        exists=conflict("Model card export job {arn} already exists."),
        tail=lambda record: f"{record['ModelCardName']}/export-job/{record['ModelCardExportJobName']}",
        parents=(("ModelCardName", "ModelCard"),),
        initial="InProgress",
        answers="real",
        why="writes a document to S3",
    ),
    "Algorithm": Overlay(
        "algorithm",
        missing=invalid("Algorithm {arn} does not exist."),
        exists=invalid("An algorithm with the name {name} already exists."),
        initial="Pending",
        settled="Completed",
        stated={"AlgorithmStatusDetails": {"ValidationStatuses": []}},
        why="names training and inference images; its validation would run jobs and is refused",
    ),
}
