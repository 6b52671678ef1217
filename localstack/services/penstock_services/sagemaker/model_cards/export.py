"""Export jobs of model cards: they write a version of a card to S3 as PDF.

Source: the API reference of CreateModelCardExportJob; the PDF is ``<S3OutputPath>/<card>/<job>.pdf``.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.errors import ServiceError
from penstock_services.execution.transfer import TransferError, split
from penstock_services.operations import Context, ContextFactory, contexts_with, on_start
from penstock_services.sagemaker import events
from penstock_services.sagemaker.engine import now
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.model_cards import document
from penstock_services.sagemaker.model_cards.cards import version_of
from penstock_services.store import Where

_LOG = logging.getLogger(__name__)
Record = dict[str, Any]
KIND = "ModelCardExportJob"
EVENT = "SageMaker Model Card Export Job State Change"
_REASON_LENGTH = 1024


@hook(KIND, "prepare")
def _prepare(context: Context, record: Record) -> None:
    version = version_of(context, record["ModelCardName"], record.get("ModelCardVersion"))
    record["ModelCardVersion"] = version["ModelCardVersion"]
    try:
        split(record["OutputConfig"]["S3OutputPath"])
    except TransferError as error:
        raise ServiceError("ValidationException", f"{error}.") from None


@hook(KIND, "created")
def _start(context: Context, record: Record) -> None:
    _announce(context, record)
    threading.Thread(target=_run, args=(context, record), name="model-card-export", daemon=True).start()


def _run(context: Context, record: Record) -> None:
    path: str = record["OutputConfig"]["S3OutputPath"]
    place = f"{path.rstrip('/')}/{record['ModelCardName']}/{record['ModelCardExportJobName']}.pdf"
    try:
        card = version_of(context, record["ModelCardName"], record["ModelCardVersion"])
        bucket, key = split(place)
        body = document.render(card)
        context.client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/pdf")
    except (BotoCoreError, ClientError, ServiceError) as error:
        _end(context, record, "Failed", FailureReason=f"ClientError: {error}"[:_REASON_LENGTH])
    except Exception as error:  # noqa: BLE001 (becomes the FailureReason)
        _LOG.exception("export of %s", record["ModelCardName"])
        _end(context, record, "Failed", FailureReason=f"InternalServerError: {error}"[:_REASON_LENGTH])
    else:
        _end(context, record, "Completed", ExportArtifacts={"S3ExportArtifacts": place})


def _end(context: Context, record: Record, status: str, **members: Any) -> None:
    def change(found: Record) -> None:
        found.update(members)
        found["Status"] = status
        found["LastModifiedAt"] = now()

    kind = kinds().by_name[KIND]
    updated = context.store.update(context.scope, KIND, kind.tail(record), change)
    if updated is not None:
        _announce(context, updated)


def _announce(context: Context, record: Record) -> None:
    """AWS lists this event without an example: its detail is the job's description."""
    described = kinds().by_name[KIND].described
    detail = {member: value for member, value in record.items() if member in described}
    for member in ("CreatedAt", "LastModifiedAt"):
        detail[member] = int(detail[member] * 1000)
    events.emit(context, EVENT, [record["ModelCardExportJobArn"]], detail)


@on_start
def _fail_unfinished(factory: ContextFactory) -> None:
    """Exports that the last process left are Failed."""
    for context in contexts_with(factory, KIND):
        for row in context.store.select(context.scope, KIND, [Where("status", "=", "InProgress")]):
            reason = "InternalServerError: the local cloud stopped while this job was running"
            _end(context, row.record, "Failed", FailureReason=reason)
