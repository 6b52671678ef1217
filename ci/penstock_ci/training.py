"""One training run: its image, its windows of time, its parameters, its pipeline, its numbers."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock_ci import definition, registry, releases
from penstock_ci.errors import Failure, UserError

if TYPE_CHECKING:
    from penstock_ci.executions import Execution
    from penstock_ci.registry import Version
    from penstock_ci.repository import Repository
    from penstock_ci.target import Target
    from penstock_pipelines.calendar import Windows


STOPPING_SECONDS = 120.0
"""How long to wait for an execution that was asked to stop, before its throw-away pipeline is deleted."""


@dataclass(frozen=True)
class Plan:
    """What a run will do: its windows and the values of its parameters."""

    windows: Windows
    parameters: dict[str, str]

    def window(self) -> dict[str, str]:
        """The windows' days, for `--json`."""
        return {
            "train_from": self.windows.train_from.isoformat(),
            "train_to": self.windows.train_to.isoformat(),
            "evaluate_from": self.windows.evaluate_from.isoformat(),
            "evaluate_to": self.windows.evaluate_to.isoformat(),
        }


def plan(
    target: Target,
    repository: Repository,
    outputs: dict[str, Any],
    *,
    image_uri: str,
    small: bool,
    after_drift: bool,
    register: bool,
) -> Plan:
    """The windows from what has landed, and the parameters that follow.

    Raises:
        DataError: of penstock_pipelines, when too little has landed.
    """
    from penstock_pipelines import calendar, lake, parameters

    configuration = repository.configuration
    pipeline = configuration.pipeline
    if not outputs.get("rawBucket"):
        raise UserError("the platform has no output rawBucket", "bring it up: penstock up --all")
    landed = lake.landed_until(outputs["rawBucket"], pipeline.landing_table, pipeline.start, target.client("s3"))
    months = pipeline.evaluation_months_after_drift if after_drift else pipeline.evaluation_months
    windows = calendar.windows(pipeline.start, landed, months)
    values = parameters.for_execution(
        configuration,
        outputs,
        stack=target.stack,
        image_uri=image_uri,
        git_commit=repository.commit(),
        train_from=windows.train_from,
        train_to=windows.train_to,
        evaluate_from=windows.evaluate_from,
        evaluate_to=windows.evaluate_to,
        register=register,
        sample_fraction=pipeline.sample_fraction_pull_request if small else 1.0,
    )
    return Plan(windows, values)


@contextmanager
def throw_away_pipeline(target: Target, repository: Repository, role_arn: str) -> Iterator[str]:
    """A pipeline of this checkout's definition for one run, deleted afterwards: a pull request changes nothing."""
    compiled = definition.read(repository.root / repository.configuration.pipeline.definition)
    name = f"{target.model_name(repository.name)}-trial-{uuid.uuid4().hex[:8]}"
    client = target.client("sagemaker")
    client.create_pipeline(
        PipelineName=name,
        PipelineDefinition=json.dumps(compiled),
        ClientRequestToken=uuid.uuid4().hex,
        RoleArn=role_arn,
        Tags=[{"Key": "ManagedBy", "Value": "penstock"}, {"Key": "Purpose", "Value": "trial"}],
    )
    try:
        yield name
    finally:
        _delete(target, name)


def _delete(target: Target, pipeline: str) -> None:
    """Delete a pipeline; one whose execution is still stopping, when it has stopped."""
    client = target.client("sagemaker")
    limit = time.monotonic() + STOPPING_SECONDS
    while True:
        try:
            client.delete_pipeline(PipelineName=pipeline, ClientRequestToken=uuid.uuid4().hex)
        except client.exceptions.ConflictException as error:
            if time.monotonic() > limit:
                raise Failure(
                    f"the throw-away pipeline {pipeline} could not be deleted: its execution does not end",
                    f"later: aws sagemaker delete-pipeline --pipeline-name {pipeline}",
                ) from error
            time.sleep(target.poll_seconds)
        else:
            return


def evaluation(target: Target, execution: Execution) -> dict[str, Any]:
    """The execution's evaluation.json, registered or not; empty when it evaluated nothing."""
    if execution.model_package:
        return registry.evaluation(target, registry.by_arn(target, execution.model_package))
    client = target.client("sagemaker")
    for step in reversed(execution.steps):
        if step.job is None or step.job[0] != "ProcessingJob" or "evaluat" not in step.name.lower():
            continue
        outputs = client.describe_processing_job(ProcessingJobName=step.job[1]).get("ProcessingOutputConfig", {})
        for output in outputs.get("Outputs", []):
            uri = f"{output.get('S3Output', {}).get('S3Uri', '').rstrip('/')}/evaluation.json"
            try:
                document: dict[str, Any] = registry.read_json(target, uri)
            except UserError:
                continue
            return document
    return {}


def metrics(target: Target, execution: Execution) -> dict[str, float] | None:
    """The numbers of the execution's evaluation; None when it evaluated nothing."""
    return registry.numbers(evaluation(target, execution)) or None


def comparison(target: Target, evaluated: dict[str, Any], before: Version | None) -> dict[str, Any] | None:
    """The champion as `--json` shows it: {"version", "metrics", "same_rows"}; None when there is none.

    The evaluation compares with the newest approved version on the candidate's own rows. Where it could not, the numbers
    are those of the champion's own evaluation, on other rows: no difference can be read off them.

    Args:
        evaluated: The candidate's evaluation.json.
        before: The champion before the run.
    """
    compared = evaluated.get("champion")
    found = registry.numbers(compared) if isinstance(compared, dict) and compared.get("metrics") else {}
    if isinstance(compared, dict) and compared.get("version") and found:
        return {"version": int(compared["version"]), "metrics": found, "same_rows": True}
    if before is None:
        return None
    return {"version": before.number, "metrics": registry.metrics(target, before), "same_rows": False}


def champion(target: Target, model: str, but: str = "") -> Version | None:
    """The version to beat: the live one, else the newest Approved; never the one with the ARN `but`."""
    found = registry.versions(target, model)
    live = releases.live(target, model)
    for version in found:
        if version.arn == live and version.arn != but:
            return version
    return next((version for version in found if version.approval == "Approved" and version.arn != but), None)


def champion_numbers(target: Target, evaluation: dict[str, Any], rival: Version | None) -> dict[str, float]:
    """The champion's numbers: on the candidate's own evaluation rows where the evaluation has them, else its own."""
    if rival is None:
        return {}
    compared = evaluation.get("champion")
    if isinstance(compared, dict) and compared.get("arn") == rival.arn:
        found = registry.numbers(compared)
        if found:
            return found
    return registry.metrics(target, rival)
