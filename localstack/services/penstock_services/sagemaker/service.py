"""The control plane: one operation from request to answer."""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import CHECKS, OPERATIONS, Context
from penstock_services.sagemaker import engine, hooks, tokens
from penstock_services.sagemaker.kinds import Kind, kinds
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.overlay import REFUSED
from penstock_services.sagemaker.validation import validate


def serve(context: Context, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Validate and answer one SageMaker operation; raises ServiceError as AWS would answer."""
    model = load("sagemaker")
    if operation not in model.operations:
        raise ServiceError("UnknownOperationException", f"SageMaker has no operation {operation!r}.")
    if not served(operation):
        raise _refusal(operation)
    cleaned = validate(model, model.input_shape(operation), request)
    return tokens.once(context, operation, cleaned, lambda: _answer(context, operation, cleaned))


def quick(operation: str) -> bool:
    """Whether the answer only reads a few records, so that it need not leave the event loop."""
    verb, _ = kinds().by_operation.get(operation, ("", None))
    return verb in ("Describe", "List") and operation not in OPERATIONS and operation not in CHECKS


def served(operation: str) -> bool:
    """Whether the operation is answered: by a handler of its own, or by the engine for a kind that is only a record or
    that a module really runs."""
    if operation in OPERATIONS:
        return True
    verb, kind = kinds().by_operation.get(operation, ("", None))
    if kind is None:
        return False
    if kind.overlay.answers == "record":
        return verb not in ("Stop", "Start")
    # Where nothing can be created, the other operations say truly that there is none.
    return verb not in ("Stop", "Start") if creatable(kind) else verb != "Create"


def creatable(kind: Kind) -> bool:
    """Whether resources of the kind can be made: they are records, or a module runs them."""
    runs = hooks.hooked(kind.name, "created") or f"Create{kind.name}" in OPERATIONS
    return kind.overlay.answers == "record" or runs


def reason(operation: str) -> str:
    """Why an operation is refused; empty where it is only not there yet."""
    _, kind = kinds().by_operation.get(operation, ("", None))
    if kind is not None:
        return f"on AWS it {kind.overlay.why}" if kind.overlay.why else ""
    return next((why for word, why in REFUSED.items() if word in operation), "")


def _refusal(operation: str) -> ServiceError:
    because = reason(operation)
    message = (
        f"{operation} is not implemented by Penstock's local SageMaker{f' ({because})' if because else ''}. It is "
        "refused rather than answered without doing what AWS does; `penstock cloud coverage` lists what is there."
    )
    return ServiceError("NotImplementedException", message, 501)


def _answer(context: Context, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    for function in CHECKS.get(operation, []):
        function(context, request)
    handler = OPERATIONS.get(operation)
    if handler is not None:
        return handler(context, request)
    return engine.serve(context, operation, request)
