"""The control plane: one operation from request to answer."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import CHECKS, OPERATIONS, Context
from penstock_services.sagemaker import engine
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.validation import validate

_LOG = logging.getLogger(__name__)
_TOKENS = "ClientToken"
_REPEATABLE = ("Create", "Start", "Retry", "Send")
_TOKEN_SECONDS = 8 * 3600.0
_token_lock = threading.RLock()


def serve(context: Context, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Validate and answer one SageMaker operation; raises ServiceError as AWS would answer."""
    model = load("sagemaker")
    if operation not in model.operations:
        raise ServiceError("UnknownOperationException", f"SageMaker has no operation {operation!r}.")
    handler = OPERATIONS.get(operation)
    if handler is None and operation not in kinds().by_operation:
        message = (
            f"{operation} is not implemented by Penstock's local SageMaker. It is refused rather than answered without "
            "doing what AWS does; `penstock cloud coverage` lists what is there."
        )
        raise ServiceError("NotImplementedException", message, 501)
    cleaned = validate(model, model.input_shape(operation), request)
    token = _token(operation, cleaned)
    if token is None:
        return _answer(context, operation, cleaned)
    with _token_lock:
        known = context.store.get(context.scope, _TOKENS, token)
        if known is not None and _still_true(context, operation, known):
            if known["Request"] != cleaned:
                message = "The ClientRequestToken was used before with other parameters."
                raise ServiceError("ValidationException", message)
            answer: dict[str, Any] = known["Answer"]
            return answer
        answer = _answer(context, operation, cleaned)
        entry = {"Request": cleaned, "Answer": answer, "At": time.time()}
        context.store.put(context.scope, _TOKENS, token, entry)
        return answer


def _answer(context: Context, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    for function in CHECKS.get(operation, []):
        function(context, request)
    handler = OPERATIONS.get(operation)
    if handler is not None:
        return handler(context, request)
    return engine.serve(context, operation, request)


def _token(operation: str, request: dict[str, Any]) -> str | None:
    """The store's key of the request's idempotency token, for operations that make or start something."""
    member = load("sagemaker").token_member(operation)
    if member is None or member not in request or not operation.startswith(_REPEATABLE):
        return None
    return f"{operation}:{request[member]}"


def _still_true(context: Context, operation: str, known: dict[str, Any]) -> bool:
    """Whether a remembered answer may be repeated: not too old, and what it made is still there."""
    if time.time() - known["At"] > _TOKEN_SECONDS:
        return False
    verb, kind = kinds().by_operation.get(operation, ("", None))
    if verb != "Create" or kind is None:
        return True
    return context.store.get(context.scope, kind.name, known["Request"][kind.name_member]) is not None
