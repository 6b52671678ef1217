"""The answer to an operation that would have to do what is not done here."""

from __future__ import annotations

from typing import Any

from localstack.aws.api import CommonServiceException


def refusing(service: str, why: str) -> Any:
    """A handler that refuses its operation by name and says why."""

    def refuse(context: Any, request: Any) -> Any:  # noqa: ARG001 - a handler's signature
        message = f"{context.operation.name} is not implemented by Penstock's local {service}: {why}"
        raise CommonServiceException("NotImplementedException", message, status_code=501, sender_fault=True)

    return refuse
