"""Which logs a name means: a job, a tuning job or a pipeline execution (all their jobs), or an endpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock_ci import cloudlogs, executions
from penstock_ci.cloudlogs import Source
from penstock_ci.errors import FAILED, UserError, did_you_mean
from penstock_ci.watching import execution_arn

if TYPE_CHECKING:
    from penstock_ci.target import Target

_NEWEST = 20
_TUNING = "HyperParameterTuningJob"
_RUNNING = ("InProgress", "Stopping", "STARTING", "INPROGRESS", "STOPPING")


@dataclass(frozen=True)
class Logs:
    """What a name means: its sources by label, as they are at the moment, and whether more lines may come."""

    sources: Callable[[], list[tuple[str, Source]]]
    running: Callable[[], bool]


def find(target: Target, name: str, model: str | None) -> Logs:
    """The logs of a name: `latest`, an ARN, or the name of a job, endpoint or execution.

    Args:
        target: Where to look.
        name: What the user gave.
        model: The name, on the stack, of the model of the repository one stands in: its executions can be named by their id.

    Raises:
        UserError: nothing is called so.
    """
    if name == "latest" or ":pipeline/" in name:
        if name == "latest" and model is None:
            raise UserError(
                "no model repository is here, so there is no latest execution",
                "name a job, an execution's ARN or an endpoint",
            )
        return _of_execution(target, execution_arn(target, model or "", name))
    plain = name.rsplit("/", 1)[-1]
    for kind in cloudlogs.JOB_GROUPS:
        if _status(target, kind, plain) is not None:
            return _of_job(target, kind, plain)
    if _status(target, _TUNING, plain) is not None:
        return Logs(lambda: _trials(target, plain), lambda: _status(target, _TUNING, plain) in _RUNNING)
    source = cloudlogs.of_endpoint(plain)
    if cloudlogs.exists(target, source) or _endpoint_exists(target, plain):
        return Logs(lambda: [(plain, source)], lambda: True)
    if model is not None:
        try:
            return _of_execution(target, execution_arn(target, model, plain))
        except UserError:
            pass
    known = _recent(target)
    listed = f"newest: {', '.join(known[:5])}" if known else "nothing has run yet: penstock train"
    raise UserError(
        f"no job, execution or endpoint is called '{name}'{did_you_mean(name, known)}", listed, exit_code=FAILED
    )


def _of_job(target: Target, kind: str, name: str) -> Logs:
    source = (name, cloudlogs.of_job(kind, name))
    return Logs(lambda: [source], lambda: _status(target, kind, name) in _RUNNING)


def _of_execution(target: Target, arn: str) -> Logs:
    def sources() -> list[tuple[str, Source]]:
        steps = executions.describe(target, arn).steps
        return [(f"{step.name} ({step.job[1]})", cloudlogs.of_job(*step.job)) for step in steps if step.job]

    return Logs(sources, lambda: executions.describe(target, arn).status in executions.RUNNING)


def _trials(target: Target, name: str) -> list[tuple[str, Source]]:
    """The training jobs of a tuning job."""
    client = target.client("sagemaker")
    pages = client.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName=name
    )
    names = [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]
    return [(each, cloudlogs.of_job("TrainingJob", each)) for each in names]


def _status(target: Target, kind: str, name: str) -> str | None:
    """A job's status; None when there is no such job (or the target knows no such kind)."""
    client = target.client("sagemaker")
    describe = {
        "TrainingJob": client.describe_training_job,
        "ProcessingJob": client.describe_processing_job,
        "TransformJob": client.describe_transform_job,
        "CompilationJob": client.describe_compilation_job,
        _TUNING: client.describe_hyper_parameter_tuning_job,
    }[kind]
    try:
        return str(describe(**{f"{kind}Name": name})[f"{kind}Status"])
    except client.exceptions.ClientError:
        return None


def _endpoint_exists(target: Target, name: str) -> bool:
    client = target.client("sagemaker")
    try:
        client.describe_endpoint(EndpointName=name)
    except client.exceptions.ClientError:
        return False
    return True


def _recent(target: Target) -> list[str]:
    client = target.client("sagemaker")
    order = {"SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": _NEWEST}
    jobs = [job["TrainingJobName"] for job in client.list_training_jobs(**order)["TrainingJobSummaries"]]
    jobs += [job["ProcessingJobName"] for job in client.list_processing_jobs(**order)["ProcessingJobSummaries"]]
    return jobs + [endpoint["EndpointName"] for endpoint in client.list_endpoints()["Endpoints"]]
