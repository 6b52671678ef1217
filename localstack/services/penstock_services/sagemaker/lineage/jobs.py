"""The lineage of jobs: images and data contribute to a job's trial component, which produces data and models.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/lineage-tracking-auto-creation.html, "Tracking Entities for
SageMaker AI Jobs"; "S3 artifacts are tracked based on the S3 URI values provided to the Create API".
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from penstock_services.operations import Context, ContextFactory, contexts_with, on_start
from penstock_services.sagemaker.experiments import jobs as components
from penstock_services.sagemaker.experiments.jobs import ENDED
from penstock_services.sagemaker.experiments.sources import SUFFIXES
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.lineage.associations import link
from penstock_services.sagemaker.lineage.entities import artifact
from penstock_services.sagemaker.lineage.models import containers_of
from penstock_services.sagemaker.lineage.packages import package_arn
from penstock_services.sagemaker.lineage.recording import recorded

_LOG = logging.getLogger(__name__)
Record = dict[str, Any]
_DUE = "LineageDue"
Things = Iterator[tuple[str | None, str]]


def _training_inputs(_context: Context, job: Record) -> Things:
    yield job.get("AlgorithmSpecification", {}).get("TrainingImage"), "Image"
    for channel in job.get("InputDataConfig", []):
        yield channel.get("DataSource", {}).get("S3DataSource", {}).get("S3Uri"), "DataSet"


def _training_outputs(job: Record) -> Things:
    yield job.get("ModelArtifacts", {}).get("S3ModelArtifacts"), "Model"
    yield job.get("CheckpointConfig", {}).get("S3Uri"), "Checkpoint"


def _processing_inputs(_context: Context, job: Record) -> Things:
    yield job.get("AppSpecification", {}).get("ImageUri"), "Image"
    for given in job.get("ProcessingInputs", []):
        yield given.get("S3Input", {}).get("S3Uri"), "DataSet"


def _processing_outputs(job: Record) -> Things:
    for output in job.get("ProcessingOutputConfig", {}).get("Outputs", []):
        yield output.get("S3Output", {}).get("S3Uri"), "DataSet"


def _transform_inputs(context: Context, job: Record) -> Things:
    for container in containers_of(context, job.get("ModelName")):
        yield container.image, "Image"
        yield container.data, "Model"
        yield container.package and package_arn(context, container.package), "Model"
    yield job.get("TransformInput", {}).get("DataSource", {}).get("S3DataSource", {}).get("S3Uri"), "DataSet"


def _transform_outputs(job: Record) -> Things:
    yield job.get("TransformOutput", {}).get("S3OutputPath"), "DataSet"


_SIDES: dict[str, tuple[Callable[[Context, Record], Things], Callable[[Record], Things]]] = {
    "TrainingJob": (_training_inputs, _training_outputs),
    "ProcessingJob": (_processing_inputs, _processing_outputs),
    "TransformJob": (_transform_inputs, _transform_outputs),
}


def began(context: Context, kind: str, job: Record) -> None:
    """Record what a job was given."""
    _, component = components.component_of(context, kind, job)
    for uri, artifact_type in _SIDES[kind][0](context, job):
        if uri:
            link(context, artifact(context, uri, artifact_type), component["TrialComponentArn"], "ContributedTo")


def ended(context: Context, kind: str, job: Record) -> None:
    """Record what a job has left, once it is completed."""
    if job.get(f"{kind}Status") != "Completed":
        return
    _, component = components.component_of(context, kind, job)
    for uri, artifact_type in _SIDES[kind][1](job):
        if uri:
            link(context, component["TrialComponentArn"], artifact(context, uri, artifact_type), "Produced")


def _record(kind: str) -> None:
    """Attach to the moments of a kind of job. From before it is stored until its end is recorded, a job is noted as due:
    what a killed process could not record, the next one does."""

    def expect(context: Context, job: Record) -> None:
        context.store.put(context.scope, _DUE, _due_key(kind, job), {"Kind": kind})

    def follow(context: Context, job: Record) -> None:
        if job.get(f"{kind}Status") in ENDED:
            ended(context, kind, job)
            context.store.delete(context.scope, _DUE, _due_key(kind, job))

    recorded(kind, "prepare")(expect)
    recorded(kind, "created")(lambda context, job: began(context, kind, job))
    recorded(kind, "updated")(follow)


def _due_key(kind: str, job: Record) -> str:
    return f"{kind}/{job[kinds().by_name[kind].name_member]}"


for _kind in SUFFIXES:
    _record(_kind)


@on_start
def _catch_up(factory: ContextFactory) -> None:
    """Record what the last process could not."""
    for context in contexts_with(factory, _DUE):
        for key, due in context.store.scan(context.scope, _DUE):
            kind, _, name = key.partition("/")
            job = context.store.get(context.scope, due["Kind"], name)
            try:
                if job is not None:
                    components.begin(context, kind, job)
                    began(context, kind, job)
                    components.follow(context, kind, job)
                    ended(context, kind, job)
            except Exception:  # noqa: BLE001 (metadata: the process starts without it)
                _LOG.exception("the lineage of %s", key)
            if job is None or job.get(f"{kind}Status") in ENDED:
                context.store.delete(context.scope, _DUE, key)
