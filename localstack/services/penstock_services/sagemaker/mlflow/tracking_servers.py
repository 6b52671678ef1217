"""MlflowTrackingServer: Create, Update and Delete by the engine, and what starts, stops and opens a server.

(Amazon SageMaker API reference: CreateMlflowTrackingServer, StartMlflowTrackingServer, StopMlflowTrackingServer,
CreatePresignedMlflowTrackingServerUrl.)
"""

from __future__ import annotations

import threading
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, ContextFactory, check, on_start, operation
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.mlflow.resource import Served, find, refuse_version
from penstock_services.sagemaker.servers import keeping

KIND = "MlflowTrackingServer"
SERVED = Served(KIND, "TrackingServerArn", "TrackingServerStatus", "TrackingServerUrl")


@hook(KIND, "prepare")
def _prepare(_context: Context, record: dict[str, Any]) -> None:
    refuse_version(record)
    record.setdefault("TrackingServerSize", "Small")
    record.setdefault("AutomaticModelRegistration", False)
    record["IsActive"] = "Inactive"


@hook(KIND, "created")
def _created(context: Context, record: dict[str, Any]) -> None:
    SERVED.launch(context, record["TrackingServerName"], record, "Created")


@check("UpdateMlflowTrackingServer")
def _may_update(context: Context, request: dict[str, Any]) -> None:
    _, record = find(context, SERVED, request["TrackingServerName"])
    SERVED.refuse_busy(record)


@hook(KIND, "updated")
def _updated(context: Context, record: dict[str, Any]) -> None:
    """A new place of artifacts means a new start; the rest is only remembered."""
    name = record["TrackingServerName"]
    if SERVED.moved(record):
        SERVED.change(context, name, TrackingServerStatus="Updating")
        SERVED.launch(context, name, record, "Updated")
    elif record["TrackingServerStatus"] != "Stopped":
        SERVED.change(context, name, TrackingServerStatus="Updated")


@hook(KIND, "deleted")
def _deleted(context: Context, record: dict[str, Any]) -> None:
    SERVED.remove(context, record)


@operation("StopMlflowTrackingServer")
def stop(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """End the server; its data stays."""
    name, record = find(context, SERVED, request["TrackingServerName"])
    SERVED.refuse_busy(record)
    if record["TrackingServerStatus"] in ("Stopped", "CreateFailed"):
        message = f"Tracking Server {name} cannot be stopped in status {record['TrackingServerStatus']}."
        raise ServiceError("ConflictException", message)
    SERVED.change(context, name, TrackingServerStatus="Stopping", IsActive="Inactive")

    def end() -> None:
        keeping.stop(record["TrackingServerArn"])
        SERVED.change(context, name, TrackingServerStatus="Stopped")

    threading.Thread(target=end, name="mlflow-stop", daemon=True).start()
    return {"TrackingServerArn": record["TrackingServerArn"]}


@operation("StartMlflowTrackingServer")
def start(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Start a server that was stopped, on the data that it had."""
    name, record = find(context, SERVED, request["TrackingServerName"])
    SERVED.refuse_busy(record)
    if record["TrackingServerStatus"] not in ("Stopped", "StartFailed"):
        message = f"Tracking Server {name} cannot be started in status {record['TrackingServerStatus']}."
        raise ServiceError("ConflictException", message)
    SERVED.change(context, name, TrackingServerStatus="Starting")
    SERVED.launch(context, name, record, "Started")
    return {"TrackingServerArn": record["TrackingServerArn"]}


@operation("CreatePresignedMlflowTrackingServerUrl")
def presigned_url(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """An address that opens MLflow's pages; here everybody on this machine may, so it carries no token."""
    _, record = find(context, SERVED, request["TrackingServerName"])
    return {"AuthorizedUrl": SERVED.url(record)}


@on_start
def _resume(factory: ContextFactory) -> None:
    SERVED.resume(factory)
