"""App: JupyterLab (and the older JupyterServer, the same program) in Studio; the other types are refused by name.

A deleted app is shown for a day, as ``Deleted``, and its name can be used again at once. (Amazon SageMaker API reference:
CreateApp, DescribeApp, DeleteApp.)
"""

from __future__ import annotations

import threading
import time
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, ContextFactory, check, on_start, operation
from penstock_services.sagemaker import engine, lifecycle
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.notebooks import resource
from penstock_services.sagemaker.notebooks.jupyterlab import JupyterLab
from penstock_services.sagemaker.notebooks.owners import Owner, apps_of, owner_of
from penstock_services.sagemaker.notebooks.resource import Served
from penstock_services.sagemaker.notebooks.scripts import Script
from penstock_services.sagemaker.servers import keeping
from penstock_services.sagemaker.servers.keeping import StartFailedError

Record = dict[str, Any]
KIND = "App"
SERVED = Served(KIND, "AppArn", "Status")
TYPES = ("JupyterLab", "JupyterServer")
SHOWN_SECONDS = 24 * 3600.0
"""How long a deleted app is still described ("CreationTime" of DescribeApp in the API reference)."""

_LOG_GROUP = "/aws/sagemaker/studio"
_HOOK = "LifecycleConfigOnStart"
_GONE = ("Deleted", "Failed")


@check("CreateApp")
def _may_create(context: Context, request: Record) -> None:
    if request["AppType"] not in TYPES:
        raise _refused(f"AppType {request['AppType']}", "only JupyterLab and JupyterServer")
    domain, _ = engine.find(context, "Domain", request["DomainId"])
    owner = owner_of(context, {**request, "DomainId": domain})
    if owner.record["Status"] == "Deleting":
        raise ServiceError("ResourceInUse", f"{owner.kind} {owner.name} is being deleted.")
    made_for = owner.record.get("SpaceSettings", {}).get("AppType", request["AppType"])
    if made_for != request["AppType"]:
        message = f"Space {owner.name} is for apps of type {made_for}, not {request['AppType']}."
        raise ServiceError("ValidationException", message)
    _refuse_resources(context, _specification(context, owner, request))
    key = SERVED.key({**request, "DomainId": domain})
    for app in apps_of(context, domain, **{owner.member: owner.name}):
        if app["Status"] not in _GONE and SERVED.key(app) != key:
            message = f"{owner.kind} {owner.name} already runs App {app['AppArn']}; delete that first."
            raise ServiceError("ResourceInUse", message)
    known = context.store.get(context.scope, KIND, key)
    if known is not None and known["Status"] in _GONE:
        context.store.delete(context.scope, KIND, key)


def _refused(what: str, runs: str) -> ServiceError:
    message = f"CreateApp with {what}: Penstock's local SageMaker runs {runs}."
    return ServiceError("NotImplementedException", message, 501)


def _specification(context: Context, owner: Owner, request: Record) -> Record:
    """The ResourceSpec of an app: its own before its owner's before the domain's."""
    merged: Record = {}
    for settings in owner.settings(context, request["AppType"]):
        merged |= settings.get("DefaultResourceSpec", {})
    merged |= request.get("ResourceSpec", {})
    return merged


def _refuse_resources(context: Context, specification: Record) -> None:
    if "TrainingPlanArn" in specification:
        raise _refused("TrainingPlanArn", "nothing on reserved capacity")
    for member in ("SageMakerImageArn", "SageMakerImageVersionArn"):
        if f":{context.scope.account}:" in specification.get(member, ""):
            raise _refused(f"{member} of an image of one's own", "the kit's JupyterLab in place of AWS's images only")
    if "LifecycleConfigArn" in specification:
        engine.find(context, "StudioLifecycleConfig", specification["LifecycleConfigArn"])


@hook(KIND, "prepare")
def _prepare(context: Context, record: Record) -> None:
    owner = owner_of(context, record)
    specification = _specification(context, owner, record)
    if specification:
        record["ResourceSpec"] = specification
    for settings in owner.settings(context, record["AppType"]):
        if "BuiltInLifecycleConfigArn" in settings:
            record["BuiltInLifecycleConfigArn"] = settings["BuiltInLifecycleConfigArn"]
    record["_Secret"] = resource.new_secret()


@hook(KIND, "created")
def _launch(context: Context, record: Record) -> None:
    """Start the server in the background."""
    owner = owner_of(context, record)
    stream = "/".join([record["DomainId"], owner.name, record["AppType"], record["AppName"]])

    program = JupyterLab(
        context,
        owner.folder(context),
        "",
        {
            "AppType": record["AppType"],
            "DomainId": record["DomainId"],
            owner.member: owner.name,
            "ResourceArn": record["AppArn"],
            "ResourceName": record["AppName"],
        },
        lambda: _scripts(context, record, stream),
        lambda _script: None,
        _LOG_GROUP,
        stream,
        record["_Secret"],
    )
    SERVED.start(context, record, program)


def _scripts(context: Context, record: Record, stream: str) -> list[Script]:
    """The built-in configuration's before the app's own."""
    arns = (record.get("BuiltInLifecycleConfigArn"), record.get("ResourceSpec", {}).get("LifecycleConfigArn"))
    found = []
    for arn in arns:
        if arn:
            try:
                _, script = engine.find(context, "StudioLifecycleConfig", arn)
            except ServiceError as error:
                raise StartFailedError(error.message) from None
            content = script["StudioLifecycleConfigContent"]
            found.append(Script(_HOOK, content, arn, _LOG_GROUP, f"{stream}/{_HOOK}"))
    return found


@operation("DeleteApp")
def delete(context: Context, request: Record) -> Record:
    """End the server; the files of its space or user stay."""
    kind = kinds().by_name[KIND]
    key, _ = engine.requested(context, kind, request)

    def apply(record: Record) -> None:
        if record["Status"] == "Deleted":
            raise ServiceError("ValidationException", f"App {record['AppArn']} has already been deleted.")
        record["Status"] = "Deleting"

    record = context.store.update(context.scope, KIND, key, apply)
    if record is not None:
        threading.Thread(target=_end, args=[context, record], name="app-delete", daemon=True).start()
    return {}


def _end(context: Context, record: Record) -> None:
    keeping.stop(record["AppArn"])
    step = {"At": time.time() + SHOWN_SECONDS, "Delete": True}
    SERVED.change(context, record, "Deleting", "Deleted", _next=step)
    lifecycle.plan(context, kinds().by_name[KIND], SERVED.key(record), {"_next": step})


@on_start
def _resume(factory: ContextFactory) -> None:
    SERVED.resume(factory, "Deleting", _end, _launch)
