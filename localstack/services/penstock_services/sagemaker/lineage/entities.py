"""The entities of the lineage graph: what an ARN stands for, and making those that AWS makes by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.engine import find
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.overlay.experiments import artifact_id

Record = dict[str, Any]
_KINDS = ("Artifact", "Context", "Action", "TrialComponent", "Experiment")
_NAME_LENGTH = 120
_PREFIX = "SageMaker"


@dataclass(frozen=True)
class Entity:
    """One vertex. ``kind`` is its LineageType ("Artifact", "TrialComponent"...), ``key`` the store's key, ``type`` the
    type of its own ("DataSet", "ModelDeployment"; of a job's trial component "TrainingJob")."""

    arn: str
    kind: str
    key: str
    record: Record

    @property
    def type(self) -> str:
        """As QueryLineage shows it."""
        return self.listed_type.removeprefix(_PREFIX)

    @property
    def listed_type(self) -> str:
        """As ListAssociations shows it: a job's trial component is "SageMakerTrainingJob"."""
        if self.kind == "TrialComponent":
            source: str = self.record.get("Source", {}).get("SourceType", "SageMakerExperimentTrialComponent")
            return source
        if self.kind == "Experiment":
            return self.kind
        own: str = self.record[f"{self.kind}Type"]
        return own

    @property
    def name(self) -> str | None:
        """Its name; artifacts that AWS makes have none."""
        return self.record.get(kinds().by_name[self.kind].name_member if self.kind != "Artifact" else "ArtifactName")


def entity(context: Context, arn: str) -> Entity:
    """What has that ARN. Raises ServiceError (ResourceNotFound) where there is nothing."""
    arn_type = arn.split(":", 5)[-1].partition("/")[0]
    for kind in _KINDS:
        if kinds().by_name[kind].overlay.arn_type == arn_type:
            key, record = find(context, kind, arn)
            return Entity(arn, kind, key, record)
    raise ServiceError("ValidationException", f"{arn} is not the ARN of a lineage entity.")


def known(context: Context, arn: str) -> Entity | None:
    """The same, or None where there is nothing."""
    try:
        return entity(context, arn)
    except ServiceError:
        return None


def artifact(context: Context, source_uri: str, artifact_type: str, properties: Record | None = None) -> str:
    """The ARN of the artifact of a URI. "SageMaker reuses any existing entities rather than creating new ones.\""""
    key = artifact_id(source_uri)
    found = context.store.get(context.scope, "Artifact", key)
    if found is None:
        request: Record = {"Source": {"SourceUri": source_uri, "SourceTypes": []}, "ArtifactType": artifact_type}
        if properties:
            request["Properties"] = properties
        found = _made(context, "Artifact", key, request)
    arn: str = found["ArtifactArn"]
    return arn


def named(context: Context, kind: str, name: str, source: Record, own_type: str, more: Record | None = None) -> str:
    """The ARN of the context or action of that name, made with that source and type if it is not there."""
    short = name if len(name) <= _NAME_LENGTH else f"{name[: _NAME_LENGTH - 33]}-{artifact_id(name)}"
    try:
        _, found = find(context, kind, short)
    except ServiceError:
        request = {f"{kind}Name": short, "Source": source, f"{kind}Type": own_type, **(more or {})}
        found = _made(context, kind, short, request)
    arn: str = found[f"{kind}Arn"]
    return arn


def _made(context: Context, kind: str, key: str, request: Record) -> Record:
    """The record of an entity, made now unless another thread was faster."""
    try:
        context.call(f"Create{kind}", request)
    except ServiceError:
        if context.store.get(context.scope, kind, key) is None:
            raise
    return find(context, kind, key)[1]
