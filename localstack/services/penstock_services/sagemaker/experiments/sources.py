"""What a trial component says of its job: parameters, inputs, outputs, and the words of its status."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from penstock_services.sagemaker.experiments.components import LIMITS

Record = dict[str, Any]
_KEY_LENGTH, _ARTIFACT_KEY_LENGTH, _TEXT_LENGTH, _MESSAGE_LENGTH = 320, 128, 2500, 1024
SUFFIXES = {
    "TrainingJob": "-aws-training-job",
    "ProcessingJob": "-aws-processing-job",
    "TransformJob": "-aws-transform-job",
}


@dataclass(frozen=True)
class Source:
    """What is known of a job. ``start`` and ``end`` are the members with its times; ``message`` words its status."""

    parameters: Record
    inputs: Record
    outputs: Record
    start: str
    end: str
    message: Callable[[Record], str]


def _parameters(image: str | None, resources: Record, given: Iterable[tuple[str, str]] = ()) -> Record:
    """Parameters as AWS names them, then the job's own; a text that is a number is one."""
    found: Record = {}
    if image:
        found["SageMaker.ImageUri"] = {"StringValue": image}
    for member in ("InstanceCount", "InstanceType", "VolumeSizeInGB"):
        if member in resources:
            value = resources[member]
            found[f"SageMaker.{member}"] = {"StringValue": value} if isinstance(value, str) else {"NumberValue": value}
    for name, text in given:
        if 0 < len(name) <= _KEY_LENGTH and len(text) <= _TEXT_LENGTH:
            number = _number(text)
            found[name] = {"StringValue": text} if number is None else {"NumberValue": number}
    return dict(list(found.items())[: LIMITS["Parameters"]])


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and text.strip() == text and "_" not in text else None


def _artifacts(given: Iterable[tuple[str, str | None, str | None]]) -> Record:
    """Artifacts by name, from (name, place, media type)."""
    found = {
        name: {"Value": place, **({"MediaType": media} if media else {})}
        for name, place, media in given
        if place and 0 < len(name) <= _ARTIFACT_KEY_LENGTH
    }
    return dict(list(found.items())[: LIMITS["InputArtifacts"]])


def _training(job: Record) -> Source:
    algorithm = job.get("AlgorithmSpecification", {})
    resources = job.get("ResourceConfig", {})
    inputs = [
        (channel["ChannelName"], _s3(channel), channel.get("ContentType")) for channel in job.get("InputDataConfig", [])
    ]
    outputs = [("SageMaker.ModelArtifact", job.get("ModelArtifacts", {}).get("S3ModelArtifacts"), None)]
    return Source(
        _parameters(algorithm.get("TrainingImage"), resources, job.get("HyperParameters", {}).items()),
        _artifacts(inputs),
        _artifacts(outputs),
        "TrainingStartTime",
        "TrainingEndTime",
        _training_message,
    )


def _s3(channel: Record) -> str | None:
    place: str | None = channel.get("DataSource", {}).get("S3DataSource", {}).get("S3Uri")
    return place


def _training_message(job: Record) -> str:
    text = (
        f"Status: {job['TrainingJobStatus']}, secondary status: {job.get('SecondaryStatus', '')}, "
        f"failure reason: {job.get('FailureReason', '')}."
    )
    return text[:_MESSAGE_LENGTH]


def _processing(job: Record) -> Source:
    inputs = [
        (each["InputName"], each.get("S3Input", {}).get("S3Uri"), None) for each in job.get("ProcessingInputs", [])
    ]
    outputs = [
        (each["OutputName"], each.get("S3Output", {}).get("S3Uri"), None)
        for each in job.get("ProcessingOutputConfig", {}).get("Outputs", [])
    ]
    return Source(
        _parameters(
            job.get("AppSpecification", {}).get("ImageUri"), job.get("ProcessingResources", {}).get("ClusterConfig", {})
        ),
        _artifacts(inputs),
        _artifacts(outputs),
        "ProcessingStartTime",
        "ProcessingEndTime",
        _processing_message,
    )


def _processing_message(job: Record) -> str:
    text = (
        f"Status: {job['ProcessingJobStatus']}, exit message: {job.get('ExitMessage', 'null')}, "
        f"failure reason: {job.get('FailureReason', 'null')}"
    )
    return text[:_MESSAGE_LENGTH]


def _transform(job: Record) -> Source:
    given = job.get("TransformInput", {})
    output = job.get("TransformOutput", {})
    return Source(
        _parameters(None, job.get("TransformResources", {})),
        _artifacts([("SageMaker.TransformInput", _s3(given), given.get("ContentType"))]),
        _artifacts([("SageMaker.TransformOutput", output.get("S3OutputPath"), output.get("Accept"))]),
        "TransformStartTime",
        "TransformEndTime",
        lambda job: f"Status: {job['TransformJobStatus']}, failure reason: {job.get('FailureReason', 'null')}"[
            :_MESSAGE_LENGTH
        ],
    )


SOURCES: dict[str, Callable[[Record], Source]] = {
    "TrainingJob": _training,
    "ProcessingJob": _processing,
    "TransformJob": _transform,
}
