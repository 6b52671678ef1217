"""What is searched: the records of a resource type, each as its member of SearchRecord."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker import tags
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.model import load

Record = dict[str, Any]


@dataclass(frozen=True)
class Searched:
    """A resource type: its member of SearchRecord (None: the API has none), and the kind of its records."""

    member: str | None
    kind: str


RESOURCES: dict[str, Searched] = {
    "TrainingJob": Searched("TrainingJob", "TrainingJob"),
    "Experiment": Searched("Experiment", "Experiment"),
    "ExperimentTrial": Searched("Trial", "Trial"),
    "ExperimentTrialComponent": Searched("TrialComponent", "TrialComponent"),
    "Endpoint": Searched("Endpoint", "Endpoint"),
    "Model": Searched("Model", "Model"),
    "ModelPackage": Searched("ModelPackage", "ModelPackage"),
    "ModelPackageGroup": Searched("ModelPackageGroup", "ModelPackageGroup"),
    "Pipeline": Searched("Pipeline", "Pipeline"),
    "PipelineExecution": Searched("PipelineExecution", "PipelineExecution"),
    "PipelineVersion": Searched("PipelineVersion", "PipelineVersion"),
    "FeatureGroup": Searched("FeatureGroup", "FeatureGroup"),
    "FeatureMetadata": Searched("FeatureMetadata", "FeatureGroup"),
    "Image": Searched(None, "Image"),
    "ImageVersion": Searched(None, "ImageVersion"),
    "Project": Searched("Project", "Project"),
    "HyperParameterTuningJob": Searched("HyperParameterTuningJob", "HyperParameterTuningJob"),
    "ModelCard": Searched("ModelCard", "ModelCard"),
    "Job": Searched("Job", "Job"),
    "HubContent": Searched("HubContent", "HubContent"),
}

Enrich = Callable[[Context, Record], Record]
_ENRICHED: dict[str, list[Enrich]] = {}


def searched(resource: str) -> Callable[[Enrich], Enrich]:
    """Add members to the records of a resource type that are searched: ``function(context, record)`` gives them."""

    def register(function: Enrich) -> Enrich:
        _ENRICHED.setdefault(resource, []).append(function)
        return function

    return register


def shape_of(resource: str) -> str:
    """The shape by which the resource's properties are known."""
    model = load("sagemaker")
    entry = RESOURCES[resource]
    if entry.member is None:
        return str(model.output_shape(f"Describe{entry.kind}"))
    shape = str(model.members("SearchRecord")[entry.member]["shape"])
    return str(model.members(shape)["Model"]["shape"]) if resource == "Model" else shape


def records(context: Context, resource: str) -> Iterator[tuple[int, Record]]:
    """Number (by age) and properties of every record of the resource type."""
    entry = RESOURCES[resource]
    for row in context.store.select(context.scope, entry.kind, descending=False):
        if resource == "FeatureMetadata":
            for index, record in enumerate(_features(context, row.record)):
                yield row.id * 10_000 + index, record
            continue
        yield row.id * 10_000, _complete(context, resource, entry.kind, row.record)


def _complete(context: Context, resource: str, kind_name: str, record: Record) -> Record:
    kind = kinds().by_name.get(kind_name)
    found = {member: value for member, value in record.items() if not member.startswith("_")}
    arn = record.get(kind.arn_member) if kind else None
    if arn is not None:
        stated = tags.of(context, arn)
        found["Tags"] = [{"Key": key, "Value": value} for key, value in stated.items()]
    for enrich in _ENRICHED.get(resource, []):
        found.update(enrich(context, record))
    return found


def _features(context: Context, group: Record) -> Iterator[Record]:
    """The features of a group, each with its metadata."""
    for definition in group.get("FeatureDefinitions", []):
        request = {"FeatureGroupName": group["FeatureGroupName"], "FeatureName": definition["FeatureName"]}
        try:
            yield context.call("DescribeFeatureMetadata", request)
        except ServiceError:
            continue


def result(resource: str, record: Record) -> Record:
    """A record as an item of Search's answer."""
    entry = RESOURCES[resource]
    if entry.member is None:
        return {}
    model = load("sagemaker")
    shape = model.members("SearchRecord")[entry.member]["shape"]
    return {entry.member: model.project(shape, {"Model": record} if resource == "Model" else record)}
