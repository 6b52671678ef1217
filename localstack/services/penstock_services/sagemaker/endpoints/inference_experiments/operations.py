"""Describe, Update, Start, Stop and Delete of inference experiments.

Source: the API reference of these operations, which gives ConflictException for what the status does not allow.
"""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, operation
from penstock_services.sagemaker import engine, lifecycle
from penstock_services.sagemaker.endpoints.inference_experiments import (
    description,
    life_cycle,
    request,
    schedule,
    variants,
)
from penstock_services.sagemaker.endpoints.inference_experiments.description import ENDED
from penstock_services.sagemaker.endpoints.inference_experiments.life_cycle import KIND, TURN, change
from penstock_services.sagemaker.kinds import kinds

Record = dict[str, Any]


@operation("DescribeInferenceExperiment")
def _describe(context: Context, asked: Record) -> Record:
    _, record = engine.find(context, KIND, asked["Name"])
    return {
        **engine.describe(kinds().by_name[KIND], record),
        "Arn": record["InferenceExperimentArn"],
        "EndpointMetadata": description.endpoint_metadata(context, record),
        "ModelVariants": description.model_variants(context, record),
    }


@operation("UpdateInferenceExperiment")
def _update(context: Context, asked: Record) -> Record:
    with TURN:
        record = _found(context, asked, ("Created", "Running"), "updated")
        status, moment = record["Status"], engine.now()
        new = request.changed(record, asked)
        times = asked.get("Schedule", {})
        if status == "Created":
            new["Schedule"] = schedule.resolved({**record["Schedule"], **times}, moment)
            request.suited(context, new)
        else:
            new["Schedule"] = schedule.extended(record["Schedule"], times, moment)
        members: Record = {
            member: new[member]
            for member in ("ShadowModeConfig", "ModelVariants", "DataStorageConfig", "Schedule")
            if member in new
        }
        if "Description" in asked:
            members["Description"] = asked["Description"]
        if status == "Running" and new["ShadowModeConfig"] != record["ShadowModeConfig"]:
            config = variants.named(context, record["Name"], variants.during(record["_before"]["Body"], new))
            life_cycle.deploy(context, record, "Updating", config, status, **members)
        else:
            step = lifecycle.step(context, Set={"Status": status})
            record = change(context, record["Name"], Status="Updating", _next=step, **members)
            lifecycle.plan(context, kinds().by_name[KIND], record["Name"], record)
    return {"InferenceExperimentArn": record["InferenceExperimentArn"]}


@operation("StartInferenceExperiment")
def _start(context: Context, asked: Record) -> Record:
    with TURN:
        record = _found(context, asked, ("Created",), "started")
        life_cycle.start(context, record)
    return {"InferenceExperimentArn": record["InferenceExperimentArn"]}


@operation("StopInferenceExperiment")
def _stop(context: Context, asked: Record) -> Record:
    """Without DesiredState it is Cancelled, as the API reference calls one that was stopped before its end."""
    with TURN:
        record = _found(context, asked, ("Created", "Running"), "stopped")
        actions = request.actions(record, asked)
        desired = asked.get("DesiredModelVariants", [])
        then, reason = asked.get("DesiredState", "Cancelled"), asked.get("Reason")
        if record["Status"] == "Created":
            if "Promote" in actions.values() or desired:
                message = f"Inference experiment {record['Name']} has not started: no variant of it is deployed."
                raise ServiceError("ConflictException", message)
            life_cycle.end(context, record, then, reason)
        else:
            before = record["_before"]
            body = variants.after(before["Body"], record, actions, desired)
            config = variants.named(context, record["Name"], body, (before["Config"], record["_config"]))
            life_cycle.deploy(context, record, "Stopping", config, then, reason)
    return {"InferenceExperimentArn": record["InferenceExperimentArn"]}


@operation("DeleteInferenceExperiment")
def _delete(context: Context, asked: Record) -> Record:
    with TURN:
        record = _found(context, asked, ("Created", *ENDED), "deleted")
        return engine.delete(context, kinds().by_name[KIND], "DeleteInferenceExperiment", record["Name"], record)


def _found(context: Context, asked: Record, statuses: tuple[str, ...], verb: str) -> Record:
    """The experiment that a request names; raises ServiceError where it is in none of these statuses."""
    _, record = engine.find(context, KIND, asked["Name"])
    if record["Status"] not in statuses:
        message = f"Inference experiment {record['Name']} is in status {record['Status']} and cannot be {verb}."
        raise ServiceError("ConflictException", message)
    return record
