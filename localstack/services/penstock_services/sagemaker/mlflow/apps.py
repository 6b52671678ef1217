"""MlflowApp: the newer kind of managed MLflow, without sizes and without Start and Stop.

(Amazon SageMaker API reference: CreateMlflowApp, UpdateMlflowApp, CreatePresignedMlflowAppUrl.)
"""

from __future__ import annotations

from typing import Any

from penstock_services.operations import Context, ContextFactory, check, on_start, operation
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.mlflow.resource import Served, find

KIND = "MlflowApp"
SERVED = Served(KIND, "Arn", "Status", None)


def _key(record: dict[str, Any]) -> str:
    return str(record["Arn"]).rpartition("/")[2]


@hook(KIND, "created")
def _created(context: Context, record: dict[str, Any]) -> None:
    SERVED.launch(context, _key(record), record, "Created")


@check("UpdateMlflowApp")
def _may_update(context: Context, request: dict[str, Any]) -> None:
    _, record = find(context, SERVED, request["Arn"])
    SERVED.refuse_busy(record)


@hook(KIND, "updated")
def _updated(context: Context, record: dict[str, Any]) -> None:
    """A new place of artifacts means a new start; the rest is only remembered."""
    if SERVED.moved(record):
        SERVED.change(context, _key(record), Status="Updating")
        SERVED.launch(context, _key(record), record, "Updated")
    else:
        SERVED.change(context, _key(record), Status="Updated")


@hook(KIND, "deleted")
def _deleted(context: Context, record: dict[str, Any]) -> None:
    SERVED.remove(context, record)


@operation("CreatePresignedMlflowAppUrl")
def presigned_url(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """An address that opens MLflow's pages; here everybody on this machine may, so it carries no token."""
    _, record = find(context, SERVED, request["Arn"])
    return {"AuthorizedUrl": SERVED.url(record)}


@on_start
def _resume(factory: ContextFactory) -> None:
    SERVED.resume(factory)
