"""Experiments and lineage: metadata about what ran."""

from __future__ import annotations

import hashlib
from typing import Any

from penstock_services.sagemaker.overlay.entry import Children, Overlay, invalid, not_found


def _artifact(record: dict[str, Any]) -> str:
    """An artifact's id: a hash of its SourceUri, since "there can be only one artifact with a unique SourceUri"
    (https://docs.aws.amazon.com/sagemaker/latest/dg/lineage-tracking-entities.html)."""
    if "ArtifactArn" in record:
        return str(record["ArtifactArn"]).rpartition("/")[2]
    return artifact_id(record["Source"]["SourceUri"])


def artifact_id(source_uri: str) -> str:
    """The id, and so the store's key, of the artifact of that SourceUri."""
    return hashlib.md5(source_uri.encode(), usedforsecurity=False).hexdigest()


KINDS: dict[str, Overlay] = {
    "Experiment": Overlay(
        "experiment",
        any_case=True,
        missing=not_found("Experiment '{name}' does not exist."),
        exists=invalid("Experiment names must be unique within an AWS account. Experiment '{name}' already exists."),
        children=(
            Children("Trial", "ExperimentName", invalid("Experiment '{name}' can't be deleted: it still has trials.")),
        ),
        stated={"CreatedBy": {}},
        summary={"ExperimentSource": "Source"},
        why="metadata",
    ),
    "Trial": Overlay(
        "experiment-trial",
        any_case=True,
        missing=not_found("Trial '{name}' does not exist."),
        exists=invalid("Trial names must be unique within an AWS account. Trial '{name}' already exists."),
        parents=(("ExperimentName", "Experiment"),),
        stated={"CreatedBy": {}},
        summary={"TrialSource": "Source"},
        why="metadata",
    ),
    "TrialComponent": Overlay(
        "experiment-trial-component",
        any_case=True,
        missing=not_found("Trial component '{name}' does not exist."),
        exists=invalid(
            "Trial component names must be unique within an AWS account. Trial component '{name}' already exists."
        ),
        stated={"CreatedBy": {}},
        summary={"TrialComponentSource": "Source"},
        why="metadata",
    ),
    "Action": Overlay(
        "action",
        missing=not_found("Action '{name}' does not exist."),
        exists=invalid("Action names must be unique within an AWS account. Action '{name}' already exists."),
        stated={"CreatedBy": {}},
        why="metadata",
    ),
    "Artifact": Overlay(
        "artifact",
        missing=not_found("Artifact '{name}' does not exist."),
        exists=invalid("Artifact '{arn}' already exists."),
        tail=_artifact,
        stated={"CreatedBy": {}},
        why="metadata",
    ),
    "Context": Overlay(
        "context",
        missing=not_found("Context '{name}' does not exist."),
        exists=invalid("Context names must be unique within an AWS account. Context '{name}' already exists."),
        stated={"CreatedBy": {}},
        why="metadata",
    ),
}
