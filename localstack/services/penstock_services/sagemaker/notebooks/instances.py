"""NotebookInstance: Create, Describe, List and Delete by the engine, and what starts, stops and opens its server.

(Amazon SageMaker API reference: CreateNotebookInstance, UpdateNotebookInstance, StartNotebookInstance,
StopNotebookInstance, DeleteNotebookInstance, CreatePresignedNotebookInstanceUrl.)
"""

from __future__ import annotations

import threading
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, ContextFactory, check, on_start, operation
from penstock_services.sagemaker import engine
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.notebooks import resource
from penstock_services.sagemaker.notebooks.jupyterlab import JupyterLab
from penstock_services.sagemaker.notebooks.resource import Served
from penstock_services.sagemaker.notebooks.scripts import Script
from penstock_services.sagemaker.servers import keeping
from penstock_services.sagemaker.servers.keeping import StartFailedError

Record = dict[str, Any]
KIND = "NotebookInstance"
VOLUME = "SageMaker"
"""The folder in the home that is on the volume, and so outlasts a stop."""

_CONFIGURATION = "NotebookInstanceLifecycleConfig"
_LOG_GROUP = "/aws/sagemaker/NotebookInstances"
_STATUS = "NotebookInstanceStatus"
SERVED = Served(KIND, "NotebookInstanceArn", _STATUS)
_DEFAULTS = {
    "DirectInternetAccess": "Enabled",
    "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "1"},
    "IpAddressType": "ipv4",
    "PlatformIdentifier": "notebook-al2023-v1",
    "RootAccess": "Enabled",
    "VolumeSizeInGB": 5,
}
_DISASSOCIATED = {
    "DisassociateLifecycleConfig": "NotebookInstanceLifecycleConfigName",
    "DisassociateAcceleratorTypes": "AcceleratorTypes",
    "DisassociateDefaultCodeRepository": "DefaultCodeRepository",
    "DisassociateAdditionalCodeRepositories": "AdditionalCodeRepositories",
}


@hook(KIND, "prepare")
def _prepare(context: Context, record: Record) -> None:
    if "NotebookInstanceLifecycleConfigName" in record:
        engine.find(context, _CONFIGURATION, record["NotebookInstanceLifecycleConfigName"])
    for member, value in _DEFAULTS.items():
        record.setdefault(member, value)
    record["_Secret"] = resource.new_secret()


@hook(KIND, "created")
def _launch(context: Context, record: Record) -> None:
    """Start the server in the background."""
    name, arn = record["NotebookInstanceName"], record["NotebookInstanceArn"]

    def ran(_script: Script) -> None:
        # OnCreate, where there is one, is the first: it has run, whatever becomes of this start.
        SERVED.change(context, record, "Pending", "Pending", _Created=True)

    program = JupyterLab(
        context,
        resource.folder(context, name, record),
        VOLUME,
        {"ResourceArn": arn, "ResourceName": name},
        lambda: _scripts(context, name),
        ran,
        _LOG_GROUP,
        f"{name}/jupyter.log",
        record["_Secret"],
    )
    SERVED.start(context, record, program, lambda port: {"Url": f"127.0.0.1:{port}", "_Created": True})


def _scripts(context: Context, name: str) -> list[Script]:
    """Those of the life-cycle configuration: OnCreate as part of the creation only, OnStart always."""
    record = context.store.get(context.scope, KIND, name) or {}
    if "NotebookInstanceLifecycleConfigName" not in record:
        return []
    try:
        _, found = engine.find(context, _CONFIGURATION, record["NotebookInstanceLifecycleConfigName"])
    except ServiceError as error:
        raise StartFailedError(error.message) from None
    arn = found["NotebookInstanceLifecycleConfigArn"]
    return [
        Script(f"LifecycleConfig{moment}", each["Content"], arn, _LOG_GROUP, f"{name}/LifecycleConfig{moment}")
        for moment in ("OnCreate", "OnStart")
        for each in found.get(moment, [])
        if each.get("Content") and not (moment == "OnCreate" and record.get("_Created"))
    ]


def _move(context: Context, request: Record, allowed: tuple[str, ...], after: str) -> Record:
    """Take the step that an operation asks for, and answer the record. Raises ServiceError from another status."""
    name, _ = engine.find(context, KIND, request["NotebookInstanceName"])

    def apply(record: Record) -> None:
        _refuse(record, allowed, after)
        record.pop("FailureReason", None)
        record[_STATUS] = after
        record["LastModifiedTime"] = engine.now()

    return context.store.update(context.scope, KIND, name, apply) or {}


def _refuse(record: Record, allowed: tuple[str, ...], after: str) -> None:
    if record[_STATUS] not in allowed:
        message = (
            f"Status ({record[_STATUS]}) not in ([{', '.join(allowed)}]). Unable to transition to ({after}) for "
            f"Notebook Instance ({record['NotebookInstanceArn']})."
        )
        raise ServiceError("ValidationException", message)


@operation("StartNotebookInstance")
def start(context: Context, request: Record) -> Record:
    """Start a server on the files that it had."""
    _launch(context, _move(context, request, ("Stopped", "Failed"), "Pending"))
    return {}


@operation("StopNotebookInstance")
def stop(context: Context, request: Record) -> Record:
    """End the server; what is on the volume stays."""
    record = _move(context, request, ("InService",), "Stopping")

    def end() -> None:
        keeping.stop(record["NotebookInstanceArn"])
        _stopped(context, record)

    threading.Thread(target=end, name="notebook-stop", daemon=True).start()
    return {}


@operation("UpdateNotebookInstance")
def update(context: Context, request: Record) -> Record:
    """Change what is stopped; how it is run changes with the next start."""
    name, record = engine.find(context, KIND, request["NotebookInstanceName"])
    if "LifecycleConfigName" in request:
        engine.find(context, _CONFIGURATION, request["LifecycleConfigName"])
    if request.get("VolumeSizeInGB", record["VolumeSizeInGB"]) < record["VolumeSizeInGB"]:
        message = f"The volume of {record['NotebookInstanceArn']} cannot be made smaller than it is."
        raise ServiceError("ValidationException", message)
    gone = [member for flag, member in _DISASSOCIATED.items() if request.get(flag)]
    kept = {member: value for member, value in request.items() if member not in _DISASSOCIATED}

    def apply(stored: Record) -> None:
        _refuse(stored, ("Stopped",), "Updating")
        for member in gone:
            stored.pop(member, None)

    context.store.update(context.scope, KIND, name, apply)
    return engine.update(context, kinds().by_name[KIND], "UpdateNotebookInstance", name, kept)


@check("DeleteNotebookInstance")
def _may_delete(context: Context, request: Record) -> None:
    _, record = engine.find(context, KIND, request["NotebookInstanceName"])
    _refuse(record, ("Stopped", "Failed"), "Deleting")


@hook(KIND, "deleted")
def _deleted(context: Context, record: Record) -> None:
    resource.remove(record["NotebookInstanceArn"], resource.folder(context, record["NotebookInstanceName"], record))


@operation("CreatePresignedNotebookInstanceUrl")
def presigned_url(context: Context, request: Record) -> Record:
    """A URL that opens JupyterLab; it is good for five minutes."""
    _, record = engine.find(context, KIND, request["NotebookInstanceName"])
    url = resource.authorized_url(record, record["NotebookInstanceArn"], request)
    if url is None or record[_STATUS] != "InService":
        message = (
            f"Notebook Instance ({record['NotebookInstanceArn']}) has no server that answers: its status is "
            f"{record[_STATUS]}."
        )
        raise ServiceError("ValidationException", message)
    return {"AuthorizedUrl": url}


def _stopped(context: Context, record: Record) -> None:
    SERVED.change(context, record, "Stopping", "Stopped")


@on_start
def _resume(factory: ContextFactory) -> None:
    SERVED.resume(factory, "Stopping", _stopped, _launch)
