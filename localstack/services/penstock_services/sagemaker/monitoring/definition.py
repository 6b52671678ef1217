"""What a schedule runs, whether its job definition stands in it or is a resource of one of four kinds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.engine import find

Record = dict[str, Any]
DATA_QUALITY, MODEL_QUALITY = "DataQuality", "ModelQuality"
MODEL_BIAS, MODEL_EXPLAINABILITY = "ModelBias", "ModelExplainability"


@dataclass(frozen=True)
class Definition:
    """One monitoring job. ``kind`` is a MonitoringType; ``source`` the EndpointInput or BatchTransformInput."""

    kind: str
    application: Record
    source: Record
    output: Record
    resources: Record
    role: str
    baseline: Record = field(default_factory=dict)
    ground_truth: str | None = None
    network: Record | None = None
    stopping: Record | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def endpoint(self) -> str | None:
        """The monitored endpoint; None for the data of batch transform jobs."""
        name: str | None = self.source.get("EndpointName")
        return name

    @property
    def needs_truth(self) -> bool:
        """Whether a merge job joins ground truth first."""
        return self.ground_truth is not None

    @property
    def by_clarify(self) -> bool:
        """Whether the analysis is SageMaker Clarify's."""
        return self.kind in (MODEL_BIAS, MODEL_EXPLAINABILITY)


def monitoring_type(config: Record) -> str:
    """The MonitoringType of a MonitoringScheduleConfig; a definition that stands in it is one of data quality."""
    kind: str = config.get("MonitoringType", DATA_QUALITY)
    return kind


def of(context: Context, config: Record) -> Definition:
    """The definition of a MonitoringScheduleConfig. Raises ServiceError for one that is not there or not complete."""
    name, inline = config.get("MonitoringJobDefinitionName"), config.get("MonitoringJobDefinition")
    if (name is None) == (inline is None):
        message = "Exactly one of MonitoringJobDefinition and MonitoringJobDefinitionName must be given."
        raise _invalid(message)
    if inline is not None:
        return _inline(inline)
    if "MonitoringType" not in config:
        message = "MonitoringType must be given with MonitoringJobDefinitionName."
        raise _invalid(message)
    kind = config["MonitoringType"]
    _, record = find(context, f"{kind}JobDefinition", str(name))
    given = record[f"{kind}JobInput"]
    return Definition(
        kind=kind,
        application=record[f"{kind}AppSpecification"],
        source=_source(given),
        output=record[f"{kind}JobOutputConfig"],
        resources=record["JobResources"],
        role=record["RoleArn"],
        baseline=record.get(f"{kind}BaselineConfig", {}),
        ground_truth=given.get("GroundTruthS3Input", {}).get("S3Uri"),
        network=record.get("NetworkConfig"),
        stopping=record.get("StoppingCondition"),
        environment=record[f"{kind}AppSpecification"].get("Environment", {}),
    )


def _inline(inline: Record) -> Definition:
    return Definition(
        kind=DATA_QUALITY,
        application=inline["MonitoringAppSpecification"],
        source=_source(inline["MonitoringInputs"][0]),
        output=inline["MonitoringOutputConfig"],
        resources=inline["MonitoringResources"],
        role=inline["RoleArn"],
        baseline=inline.get("BaselineConfig", {}),
        network=inline.get("NetworkConfig"),
        stopping=inline.get("StoppingCondition"),
        environment=inline.get("Environment", {}),
    )


def _source(given: Record) -> Record:
    """Developer guide: "You can specify either a batch transform input or an endpoint input, but not both"."""
    found: list[Record] = [given[each] for each in ("EndpointInput", "BatchTransformInput") if each in given]
    if len(found) != 1:
        message = "Exactly one of EndpointInput and BatchTransformInput must be given."
        raise _invalid(message)
    return found[0]


def refuse(definition: Definition) -> None:
    """Raise ServiceError for what would not run here as on AWS."""
    if definition.endpoint is None and definition.needs_truth:
        raise _not_here("ground truth for the data of batch transform jobs")
    if definition.source.get("S3InputMode") == "Pipe":
        raise _not_here("S3InputMode Pipe")


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def _not_here(what: str) -> ServiceError:
    return _invalid(f"Penstock's local SageMaker does not run monitoring jobs with {what}.")
