"""Which logs a name means: a job, a pipeline execution (all its jobs), or an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock_ci import cloudlogs, executions
from penstock_ci.cloudlogs import Source
from penstock_ci.errors import FAILED, UserError, did_you_mean
from penstock_ci.watching import execution_arn

if TYPE_CHECKING:
    from penstock_ci.target import Target

_NEWEST = 20


def find(target: Target, name: str, model: str | None) -> list[tuple[str, Source]]:
    """Labels and sources for a name: `latest`, an ARN, or the name of a job, endpoint or execution.

    Args:
        target: Where to look.
        name: What the user gave.
        model: The model of the repository one stands in, whose executions can be named by their id.

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
        if _job_exists(target, kind, plain):
            return [(plain, cloudlogs.of_job(kind, plain))]
    source = cloudlogs.of_endpoint(plain)
    if cloudlogs.exists(target, source) or _endpoint_exists(target, plain):
        return [(plain, source)]
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


def _of_execution(target: Target, arn: str) -> list[tuple[str, Source]]:
    found = [
        (f"{step.name} ({step.job[1]})", cloudlogs.of_job(*step.job))
        for step in executions.describe(target, arn).steps
        if step.job
    ]
    if not found:
        raise UserError(
            f"the execution {arn.rsplit('/', 1)[-1]} has not run a job yet", "try again in a moment", exit_code=FAILED
        )
    return found


def _job_exists(target: Target, kind: str, name: str) -> bool:
    client = target.client("sagemaker")
    describe = {
        "TrainingJob": client.describe_training_job,
        "ProcessingJob": client.describe_processing_job,
        "TransformJob": client.describe_transform_job,
    }[kind]
    try:
        describe(**{f"{kind}Name": name})
    except client.exceptions.ClientError:
        return False
    return True


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
