"""What CreateTrainingJob refuses: what AWS refuses beyond the model's validation, and by name what would not run here."""

from __future__ import annotations

import posixpath
import sys

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, check
from penstock_services.sagemaker.jobs.base import Record

_FOLDERS = (
    ("CheckpointConfig", "LocalPath"),
    ("TensorBoardOutputConfig", "LocalPath"),
    ("DebugHookConfig", "LocalPath"),
)
# They would start a processing job for each rule, from images of AWS's that nobody else can have.
_RULES = ("DebugRuleConfigurations", "ProfilerRuleConfigurations")


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def _not_here(what: str) -> ServiceError:
    return _invalid(f"Penstock's local SageMaker does not run {what}.")


@check("CreateTrainingJob")
def _runnable(_context: Context, request: Record) -> None:
    algorithm = request.get("AlgorithmSpecification")
    for member in ("ServerlessJobConfig", "ModelPackageConfig"):
        if member in request:
            raise _not_here(f"a training job with {member} (serverless customization)")
    if algorithm is None:
        raise _not_here("a training job without AlgorithmSpecification (serverless customization)")
    if ("AlgorithmName" in algorithm) == ("TrainingImage" in algorithm):
        raise _invalid(
            "Either AlgorithmSpecification.TrainingImage or AlgorithmSpecification.AlgorithmName must be given."
        )
    for member in _RULES:
        if request.get(member):
            raise _not_here(f"Debugger's rules ({member})")
    for member, place in _FOLDERS:
        path = request.get(member, {}).get(place)
        if path is not None and not posixpath.normpath(path).startswith("/opt/ml/"):
            raise _not_here(f"{member}.{place} outside of /opt/ml, such as {path!r}")
    groups = _resources(request)
    _times(request)
    _channels(request, algorithm["TrainingInputMode"], groups)


def _resources(request: Record) -> set[str]:
    """Check ResourceConfig; the names of its instance groups."""
    resources = request.get("ResourceConfig", {})
    groups = resources.get("InstanceGroups") or []
    if groups and ("InstanceType" in resources or "InstanceCount" in resources):
        raise _invalid("ResourceConfig takes either InstanceGroups or InstanceType and InstanceCount, not both.")
    names = [group["InstanceGroupName"] for group in groups]
    if len(names) != len(set(names)):
        raise _invalid("Instance group names must be unique within ResourceConfig.InstanceGroups.")
    count = sum(group["InstanceCount"] for group in groups) or resources.get("InstanceCount", 1)
    if count < 1:
        raise _invalid("ResourceConfig.InstanceCount must be at least 1.")
    if count > 1 and sys.platform != "linux":
        raise _not_here("training on more than one instance on this system")
    return set(names)


def _times(request: Record) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html"""
    stopping = request.get("StoppingCondition", {})
    wait, run = stopping.get("MaxWaitTimeInSeconds"), stopping.get("MaxRuntimeInSeconds", 86400)
    if not request.get("EnableManagedSpotTraining"):
        if wait is not None:
            raise _invalid("MaxWaitTimeInSeconds is only allowed when EnableManagedSpotTraining is true.")
        return
    if wait is None or wait < run:
        message = (
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds."
        )
        raise _invalid(message)


def _channels(request: Record, default_mode: str, groups: set[str]) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Channel.html"""
    names = set()
    for channel in request.get("InputDataConfig", []):
        name = channel["ChannelName"]
        if name in names:
            raise _invalid(f"Channel name {name} is there twice.")
        names.add(name)
        if name in (".", ".."):
            raise _invalid(f"{name!r} cannot be the name of a channel.")
        source = channel["DataSource"].get("S3DataSource")
        if source is None:
            kinds = ", ".join(channel["DataSource"]) or "no source"
            raise _not_here(f"a channel that is not on S3 ({kinds})")
        if source["S3DataType"] == "Converse":
            raise _not_here("S3DataType Converse")
        mode = channel.get("InputMode", default_mode)
        if source["S3DataType"] == "AugmentedManifestFile" and mode != "Pipe":
            raise _invalid("S3DataType AugmentedManifestFile can only be used if the channel's input mode is Pipe.")
        if source["S3DataType"] == "AugmentedManifestFile" and not source.get("AttributeNames"):
            raise _invalid("AttributeNames must be given for S3DataType AugmentedManifestFile.")
        unknown = set(source.get("InstanceGroupNames", [])) - groups
        if unknown:
            raise _invalid(
                f"Channel {name} names instance groups that ResourceConfig does not have: {sorted(unknown)}."
            )
        if channel.get("RecordWrapperType") == "RecordIO" and mode != "Pipe":
            raise _invalid("RecordWrapperType RecordIO can only be used if the channel's input mode is Pipe.")
