"""What CreateProcessingJob refuses: what AWS refuses, and by name what would not run here as on AWS."""

from __future__ import annotations

import posixpath
from typing import Any

from penstock_services.errors import ServiceError

Record = dict[str, Any]
_ROOT = "/opt/ml/processing"
_INSTANCE_LIMIT = 20


def count(cluster: Record) -> int:
    """How many instances a ClusterConfig asks for (with InstancePreferences: those of the first, or for all)."""
    preferred = cluster.get("InstancePreferences") or [{}]
    number: int = preferred[0].get("InstanceCount") or cluster.get("InstanceCount") or 1
    return number


def instance_type(cluster: Record) -> str:
    """The instance type that a ClusterConfig asks for."""
    preferred = cluster.get("InstancePreferences") or [{}]
    kind: str = cluster.get("InstanceType") or preferred[0].get("InstanceType") or ""
    return kind


def refuse(request: Record) -> None:
    """Raise ServiceError for a request that is not to be taken."""
    cluster = request["ProcessingResources"]["ClusterConfig"]
    if not instance_type(cluster):
        message = "ClusterConfig needs InstanceType and InstanceCount, or InstancePreferences."
        raise _invalid(message)
    if count(cluster) > _INSTANCE_LIMIT:
        message = (
            f"The account-level service limit '{instance_type(cluster)} for processing job usage' is {_INSTANCE_LIMIT} "
            f"Instances, with current utilization of 0 Instances and a request delta of {count(cluster)} Instances."
        )
        raise ServiceError("ResourceLimitExceeded", message)
    _unique("InputName", request.get("ProcessingInputs", []))
    for given in request.get("ProcessingInputs", []):
        _input(given)
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    _unique("OutputName", outputs)
    for output in outputs:
        _output(output)


def _unique(member: str, entries: list[Record]) -> None:
    names = [entry[member] for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        message = f"{member} must be unique; given more than once: {', '.join(twice)}."
        raise _invalid(message)


def _input(given: Record) -> None:
    name = given["InputName"]
    source, dataset = given.get("S3Input"), given.get("DatasetDefinition")
    if (source is None) == (dataset is None):
        message = f"Exactly one of S3Input and DatasetDefinition must be given for input {name}."
        raise _invalid(message)
    if dataset is not None:
        which = next((each for each in dataset if each.endswith("DatasetDefinition")), "DatasetDefinition")
        raise _not_here(f"an input by {which} (input {name}): its query has no local service that really answers it")
    if given.get("AppManaged") or source is None:
        return
    if source.get("S3InputMode") == "Pipe":
        raise _not_here(f"S3InputMode Pipe (input {name})")
    _path(source.get("LocalPath"), name)


def _output(output: Record) -> None:
    name = output["OutputName"]
    if "FeatureStoreOutput" in output:
        # API reference, ProcessingOutput: "This processing output type is only supported when AppManaged is specified."
        if not output.get("AppManaged"):
            message = f"FeatureStoreOutput of output {name} is only supported when AppManaged is true."
            raise _invalid(message)
        return
    if "S3Output" not in output:
        message = f"Either S3Output or FeatureStoreOutput must be given for output {name}."
        raise _invalid(message)
    if not output.get("AppManaged"):
        _path(output["S3Output"].get("LocalPath"), name)


def _path(path: str | None, name: str) -> None:
    normal = posixpath.normpath(path or "")
    if not (normal == _ROOT or normal.startswith(_ROOT + "/")):
        message = f"LocalPath of {name!r} must be below {_ROOT}, not {path!r}."
        raise _invalid(message)


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def _not_here(what: str) -> ServiceError:
    return _invalid(f"Penstock's local SageMaker does not run {what}.")
