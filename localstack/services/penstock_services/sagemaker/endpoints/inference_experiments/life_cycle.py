"""The life of an experiment: it takes its endpoint from configuration to configuration.

Which one the endpoint is to get, and what the experiment is then, stands in the record (``_deploying``); every change of
the endpoint, and a start of the services, takes the experiment on from there. So nothing is lost by a kill: what was
being deployed is deployed again, and an experiment that runs still ends at its EndTime.
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, ContextFactory, contexts_with, on_start
from penstock_services.sagemaker import lifecycle
from penstock_services.sagemaker.endpoints.inference_experiments import request, schedule, variants
from penstock_services.sagemaker.endpoints.inference_experiments.description import ENDED, model_variants
from penstock_services.sagemaker.endpoints.live import IN_PROGRESS, REASON_LENGTH, live
from penstock_services.sagemaker.engine import now
from penstock_services.sagemaker.hooks import hook
from penstock_services.store import Where

Record = dict[str, Any]
KIND = "InferenceExperiment"
ACTIVE = ("Starting", "Running", "Updating", "Stopping")
TURN = threading.RLock()
"""Held by whoever takes an experiment on: requests, the clock, and changes of its endpoint."""

_PROCESS = uuid.uuid4().hex
_RETRY_SECONDS = 0.5
_DEPLOYING = "_deploying"


@hook(KIND, "prepare")
def _prepare(context: Context, record: Record) -> None:
    request.consistent(record)
    record["Schedule"] = schedule.resolved(record.get("Schedule", {}), now())
    request.suited(context, record)
    for other in _others(context, record):
        planned, wanted = other["Schedule"], record["Schedule"]
        if planned["StartTime"] < wanted["EndTime"] and wanted["StartTime"] < planned["EndTime"]:
            message = f"Endpoint {record['EndpointName']} has inference experiment {other['Name']} in that time."
            raise ServiceError("ResourceInUse", message)


@hook(KIND, "created")
def _created(_context: Context, _record: Record) -> None:
    """It waits for its StartTime from the moment in which it is Created."""


@hook(KIND, "settled")
def _settled(context: Context, record: Record) -> None:
    arm(context, record)


def _others(context: Context, record: Record) -> list[Record]:
    """The experiments of the same endpoint that have not ended."""
    rows = context.store.select(context.scope, KIND, [Where("parent", "=", record["EndpointName"])])
    return [row.record for row in rows if row.record["Name"] != record["Name"] and row.record["Status"] not in ENDED]


def change(context: Context, name: str, without: tuple[str, ...] = (), **members: Any) -> Record:
    """Change an experiment's record; answers it as it is then."""

    def apply(record: Record) -> None:
        record.update(members)
        for member in without:
            record.pop(member, None)
        record["LastModifiedTime"] = now()

    return context.store.update(context.scope, KIND, name, apply) or {}


def arm(context: Context, record: Record) -> None:
    """Wait for the next moment of the schedule: the start of what is Created, the end of what is Running."""
    name, times = record["Name"], record["Schedule"]
    if record["Status"] == "Created":
        lifecycle.CLOCK.at(times["StartTime"], lambda: _start_due(context, name, times["StartTime"]))
    elif record["Status"] == "Running":
        lifecycle.CLOCK.at(times["EndTime"], lambda: _end_due(context, name, times["EndTime"]))


def _start_due(context: Context, name: str, due: float) -> None:
    with TURN:
        record = context.store.get(context.scope, KIND, name)
        if record is None or record["Status"] != "Created" or record["Schedule"]["StartTime"] != due:
            return
        if record["Schedule"]["EndTime"] <= time.time():
            end(context, record, "Cancelled", "Its EndTime came before it could start.")
        elif not _ready(context, record):
            lifecycle.CLOCK.at(time.time() + _RETRY_SECONDS, lambda: _start_due(context, name, due))
        else:
            try:
                start(context, record)
            except ServiceError as error:
                end(context, record, "Cancelled", error.message)


def _end_due(context: Context, name: str, due: float) -> None:
    with TURN:
        record = context.store.get(context.scope, KIND, name)
        if record is not None and record["Status"] == "Running" and record["Schedule"]["EndTime"] == due:
            revert(context, record, "Completed")


def _ready(context: Context, record: Record) -> bool:
    """Whether the endpoint can be updated now. It cannot while it comes up again after a start of the services."""
    endpoint = context.store.get(context.scope, "Endpoint", record["EndpointName"])
    if endpoint is None or endpoint["EndpointStatus"] == "Failed":
        return True
    running = live(context.scope, record["EndpointName"])
    return endpoint["EndpointStatus"] not in IN_PROGRESS and running is not None and running.main is not None


def start(context: Context, record: Record) -> None:
    """Begin an experiment that is Created. Raises ServiceError where its endpoint does not allow it."""
    active = [each["Name"] for each in _others(context, record) if each["Status"] in ACTIVE]
    if active:
        message = f"Inference experiment {active[0]} runs on endpoint {record['EndpointName']}."
        raise ServiceError("ConflictException", message)
    before = request.suited(context, record)
    config = variants.named(context, record["Name"], variants.during(before["Body"], record))
    started = {**record["Schedule"], "StartTime": now()}
    deploy(context, change(context, record["Name"], Schedule=started, _before=before), "Starting", config, "Running")


def revert(context: Context, record: Record, then: str, reason: str | None = None) -> None:
    """End an experiment that runs, with its endpoint as it was before (developer guide, "Create a shadow test")."""
    before = record["_before"]
    try:
        config = variants.named(context, record["Name"], before["Body"], (before["Config"],))
    except ServiceError as error:
        end(context, record, "Cancelled", error.message)
        return
    deploy(context, record, "Stopping", config, then, reason)


def deploy(
    context: Context, record: Record, status: str, config: str, then: str, reason: str | None = None, **members: Any
) -> None:
    """Give the endpoint a configuration; meanwhile the experiment is in ``status``, and ``then`` in that one."""
    deploying = {"Config": config, "Then": then, "Reason": reason, "Asked": None}
    change(context, record["Name"], Status=status, **members, _deploying=deploying)
    advance(context, record["Name"])


def advance(context: Context, name: str) -> None:
    """Take the next step towards the configuration that an experiment is to have, if the endpoint allows it now."""
    with TURN:
        record = context.store.get(context.scope, KIND, name)
        if record is None or _DEPLOYING not in record:
            return
        deploying = record[_DEPLOYING]
        endpoint = context.store.get(context.scope, "Endpoint", record["EndpointName"])
        if endpoint is None:
            end(context, record, "Cancelled", f"Endpoint {record['EndpointName']} was deleted.")
        elif endpoint["EndpointStatus"] in IN_PROGRESS:
            return  # a change of the endpoint leads here again
        elif endpoint["EndpointStatus"] == "InService" and endpoint["EndpointConfigName"] == deploying["Config"]:
            _done(context, record)
        elif endpoint["EndpointStatus"] == "Failed" or deploying["Asked"] == _PROCESS:
            _failed(context, record, endpoint.get("FailureReason", "The endpoint was updated otherwise."))
        elif _ready(context, record):
            _ask(context, record)
        else:
            lifecycle.CLOCK.at(time.time() + _RETRY_SECONDS, lambda: advance(context, name))


def _ask(context: Context, record: Record) -> None:
    name, deploying = record["Name"], record[_DEPLOYING]
    change(context, name, _deploying={**deploying, "Asked": _PROCESS})
    try:
        context.call(
            "UpdateEndpoint",
            {"EndpointName": record["EndpointName"], "EndpointConfigName": deploying["Config"]},
        )
    except ServiceError as error:
        if _ready(context, record):
            _failed(context, record, error.message)
            return
        # Somebody else's update came first: ours follows it.
        change(context, name, _deploying={**deploying, "Asked": None})


def _done(context: Context, record: Record) -> None:
    deploying = record[_DEPLOYING]
    if deploying["Then"] in ENDED:
        end(context, record, deploying["Then"], deploying["Reason"])
        return
    running = change(context, record["Name"], (_DEPLOYING,), Status=deploying["Then"], _config=deploying["Config"])
    arm(context, running)


def _failed(context: Context, record: Record, reason: str) -> None:
    """The endpoint did not take the configuration; it serves what it served before, so an update that failed still has
    to take the shadow variant away."""
    if record["Status"] == "Updating" and _ready(context, record):
        revert(context, record, "Cancelled", reason)
    else:
        end(context, record, "Cancelled", reason)


def end(context: Context, record: Record, status: str, reason: str | None) -> None:
    """Have an experiment ended, ``Completed`` or ``Cancelled``; its endpoint stays as it is."""
    moment = now()
    members: Record = {"Status": status, "CompletionTime": moment}
    if reason:
        members["StatusReason"] = " ".join(reason.split())[:REASON_LENGTH]
    if "_before" in record:
        members["Schedule"] = {**record["Schedule"], "EndTime": min(record["Schedule"]["EndTime"], moment)}
    members["ModelVariants"] = model_variants(context, {**record, "Status": status})
    change(context, record["Name"], (_DEPLOYING, "_next"), **members)


@hook("Endpoint", "updated")
def _endpoint_changed(context: Context, endpoint: Record) -> None:
    with TURN:
        for row in context.store.select(context.scope, KIND, [Where("parent", "=", endpoint["EndpointName"])]):
            record = row.record
            if record["Status"] == "Running" and endpoint["EndpointStatus"] not in IN_PROGRESS:
                if endpoint["EndpointStatus"] == "Failed":
                    end(context, record, "Cancelled", endpoint.get("FailureReason", "The endpoint has failed."))
                elif endpoint["EndpointConfigName"] != record["_config"]:
                    given = endpoint["EndpointConfigName"]
                    end(context, record, "Cancelled", f"The endpoint was given another configuration: {given}.")
            else:
                advance(context, row.key)


@hook("Endpoint", "deleted")
def _endpoint_deleted(context: Context, endpoint: Record) -> None:
    with TURN:
        for row in context.store.select(context.scope, KIND, [Where("parent", "=", endpoint["EndpointName"])]):
            if row.record["Status"] not in ENDED:
                end(context, row.record, "Cancelled", f"Endpoint {endpoint['EndpointName']} was deleted.")


@on_start
def _resume(factory: ContextFactory) -> None:
    """Go on with what the last process left."""
    for context in contexts_with(factory, KIND):
        for name, record in context.store.scan(context.scope, KIND):
            arm(context, record)
            advance(context, name)
