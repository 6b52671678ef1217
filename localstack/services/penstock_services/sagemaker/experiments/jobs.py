"""The trial component that stands for a job, and the trial that the job's ExperimentConfig names.

On AWS a trial component ``<job>-aws-training-job`` (``-aws-processing-job``, ``-aws-transform-job``) comes with every
job and follows it
(https://docs.aws.amazon.com/sagemaker/latest/dg/lineage-tracking-auto-creation.html). It is only metadata: nothing
here may keep a job from being created or make it fail.
"""

from __future__ import annotations

import contextlib
import logging
import math
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, check
from penstock_services.sagemaker import engine, hooks
from penstock_services.sagemaker.engine import find, now
from penstock_services.sagemaker.experiments import components, metrics, sources, trials
from penstock_services.sagemaker.kinds import kinds

_LOG = logging.getLogger(__name__)
Record = dict[str, Any]
_NAME_LENGTH = 120
ENDED = ("Completed", "Failed", "Stopped")


@check(*(f"Create{kind}" for kind in sources.SUFFIXES))
def _config_exists(context: Context, request: Record) -> None:
    """ExperimentConfig names "an existing experiment", "an existing trial" and the name of an experiment's run."""
    config = request.get("ExperimentConfig", {})
    for member, kind in (("ExperimentName", "Experiment"), ("TrialName", "Trial"), ("RunName", "TrialComponent")):
        if member in config:
            find(context, kind, config[member])
    if "ExperimentName" in config and "TrialName" in config:
        trials.agree(context, config["ExperimentName"], config["TrialName"])


def component_name(kind: str, job: str) -> str:
    """The name of the trial component of a job."""
    suffix = sources.SUFFIXES[kind]
    return f"{job[: _NAME_LENGTH - len(suffix)]}{suffix}"


def component_of(context: Context, kind: str, job: Record) -> tuple[str, Record]:
    """Key and record of the trial component of a job, made now if it is not there."""
    described = kinds().by_name[kind]
    name = component_name(kind, job[described.name_member])
    try:
        return find(context, components.KIND, name)
    except ServiceError:
        pass
    config = job.get("ExperimentConfig", {})
    what = sources.SOURCES[kind](job)
    request = {
        "TrialComponentName": name,
        "DisplayName": config.get("TrialComponentDisplayName", name),
        "Status": {"PrimaryStatus": "InProgress"},
        "Parameters": what.parameters,
        "InputArtifacts": what.inputs,
    }
    kept = {member: value for member, value in request.items() if value}
    source = {"SourceArn": job[described.arn_member], "SourceType": f"SageMaker{kind}"}
    with contextlib.suppress(ServiceError):
        # Two threads may follow the same job; the second finds its component made.
        engine.create(context, kinds().by_name[components.KIND], "CreateTrialComponent", kept, Source=source)
    return find(context, components.KIND, name)


def begin(context: Context, kind: str, job: Record) -> None:
    """Make the job's trial component and put it where the job's ExperimentConfig says."""
    _, component = component_of(context, kind, job)
    config = job.get("ExperimentConfig", {})
    trial = config.get("TrialName")
    if trial is None and "ExperimentName" in config:
        # "If not specified, a new trial is created."
        name = component["TrialComponentName"]
        trial = f"{name[: _NAME_LENGTH - len('-trial')]}-trial"
        trials.associate(context, experiment=config["ExperimentName"], trial=trial)
    members = [component["TrialComponentName"]]
    if "RunName" in config:
        members.append(config["RunName"])
        _add_source(context, config["RunName"], component["Source"])
    for member in members if trial else []:
        trials.join(context, member, trial)


def _add_source(context: Context, run: str, source: Record) -> None:
    """A run (a trial component of its own) has the job as one of its sources."""

    def change(record: Record) -> None:
        if source not in record.setdefault("Sources", []):
            record["Sources"].append(source)
        record["LastModifiedTime"] = now()

    key, _ = find(context, components.KIND, run)
    context.store.update(context.scope, components.KIND, key, change)


def follow(context: Context, kind: str, job: Record) -> None:
    """Write the end of a job into its trial component."""
    status = job.get(f"{kind}Status")
    if status not in ENDED:
        return
    key, component = component_of(context, kind, job)
    what = sources.SOURCES[kind](job)
    changes: Record = {"Status": {"PrimaryStatus": status, "Message": what.message(job)}}
    for member, here in (("StartTime", what.start), ("EndTime", what.end)):
        if here in job:
            changes[member] = job[here]
    if status == "Completed":
        changes["OutputArtifacts"] = what.outputs

    def change(record: Record) -> None:
        components.apply(record, changes)

    context.store.update(context.scope, components.KIND, key, change)
    metrics.put_final(context, component, job[kinds().by_name[kind].arn_member], _final(job))


def _final(job: Record) -> list[Record]:
    return [value for value in job.get("FinalMetricDataList", []) if math.isfinite(value["Value"])]


def _hook(kind: str) -> None:
    def created(context: Context, job: Record) -> None:
        try:
            begin(context, kind, job)
        except Exception:  # noqa: BLE001 (metadata: the job goes on without it)
            _LOG.exception("the trial component of %s", job.get(f"{kind}Name"))

    def updated(context: Context, job: Record) -> None:
        try:
            follow(context, kind, job)
        except Exception:  # noqa: BLE001 (metadata: the job goes on without it)
            _LOG.exception("the trial component of %s", job.get(f"{kind}Name"))

    hooks.hook(kind, "created")(created)
    hooks.hook(kind, "updated")(updated)


for _kind in sources.SUFFIXES:
    _hook(_kind)
