"""Idempotency tokens (ClientToken, ClientRequestToken): a repeated request gets the answer of the first.

Source: the descriptions of these members in the API reference. A token is remembered for eight hours, as long as
what it made is there.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, ContextFactory, contexts_with, on_start
from penstock_services.sagemaker.index import index
from penstock_services.sagemaker.kinds import key_of, kinds
from penstock_services.sagemaker.model import load
from penstock_services.store import Columns, Where

Record = dict[str, Any]
KIND = "ClientToken"
_REPEATABLE = ("Create", "Start", "Retry", "Send")
_SECONDS = 8 * 3600.0
_locks: dict[tuple[Any, str], list[Any]] = {}
_guard = threading.Lock()

index(KIND, lambda record: Columns(created=record["At"]))


def once(context: Context, operation: str, request: Record, answer: Callable[[], Record]) -> Record:
    """``answer()``, or what it answered before to the same token; raises ServiceError for a token of another request."""
    token = _token(operation, request)
    if token is None:
        return answer()
    with _alone(context, token):
        known = context.store.get(context.scope, KIND, token)
        if known is not None and _still_true(context, operation, known):
            if known["Request"] != request:
                message = "The ClientRequestToken was used before with other parameters."
                raise ServiceError("ValidationException", message)
            said: Record = known["Answer"]
            return said
        answered = answer()
        context.store.put(context.scope, KIND, token, {"Request": request, "Answer": answered, "At": time.time()})
        return answered


@contextlib.contextmanager
def _alone(context: Context, token: str) -> Iterator[None]:
    """One request of a token at a time; those of other tokens do not wait."""
    key = (context.scope, token)
    with _guard:
        entry = _locks.setdefault(key, [threading.RLock(), 0])
        entry[1] += 1
    try:
        with entry[0]:
            yield
    finally:
        with _guard:
            entry[1] -= 1
            if not entry[1]:
                del _locks[key]


def _token(operation: str, request: Record) -> str | None:
    """The store's key of the request's idempotency token, for operations that make or start something."""
    member = load("sagemaker").token_member(operation)
    if member is None or member not in request or not operation.startswith(_REPEATABLE):
        return None
    return f"{operation}:{request[member]}"


def _still_true(context: Context, operation: str, known: Record) -> bool:
    """Whether a remembered answer may be repeated: not too old, and what it made is still there."""
    if time.time() - known["At"] > _SECONDS:
        return False
    verb, kind = kinds().by_operation.get(operation, ("", None))
    arn = known["Answer"].get(kind.arn_member) if kind else None
    if verb != "Create" or kind is None or arn is None:
        return True
    key = key_of(context.scope, kind, arn)
    return key is not None and context.store.get(context.scope, kind.name, key) is not None


@on_start
def _forget(factory: ContextFactory) -> None:
    """Tokens that are too old to be repeated."""
    for context in contexts_with(factory, KIND):
        for row in context.store.select(context.scope, KIND, [Where("created", "<=", time.time() - _SECONDS)]):
            context.store.delete(context.scope, KIND, row.key)
