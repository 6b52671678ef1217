"""REST routes beside the JSON control plane: whose request it is, and how a route answers."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.settings import DEFAULT_ACCOUNT, DEFAULT_REGION
from penstock_services.store import Scope

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/[^/]+/([^/]+)/")

RestHandler = Callable[[Context, Request, bytes], Response]


def scope_of(authorization: str) -> Scope:
    """Account and region of a signed request; an access key that is no account id means the default account."""
    found = _CREDENTIAL.search(authorization)
    if found is None:
        return Scope(DEFAULT_ACCOUNT, DEFAULT_REGION)
    key, region = found.groups()
    account = key if re.fullmatch(r"\d{12}", key) else DEFAULT_ACCOUNT
    return Scope(account, region)


def json_answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer of the REST-JSON protocol."""
    content = json.dumps(body, separators=(",", ":")).encode()
    return Response(content, status, {"x-amzn-RequestId": str(uuid.uuid4()), **(headers or {})}, "application/json")


def error_answer(error: ServiceError) -> Response:
    """An error of the REST-JSON protocol: its code in ``x-amzn-ErrorType``, the text in ``Message``/``message``."""
    body = {"__type": error.code, "message": error.message, "Message": error.message, **error.details}
    return json_answer(body, error.status, {"x-amzn-ErrorType": error.code})


def endpoint(handler: RestHandler) -> Callable[[Request], Any]:
    """A Starlette endpoint that runs the blocking ``handler(context, request, body)`` in the thread pool.

    ServiceError becomes AWS's error answer. Path parameters are in ``request.path_params``.
    """

    async def serve(request: Request) -> Response:
        body = await request.body()
        scope = scope_of(request.headers.get("authorization", ""))
        context: Context = request.app.state.context_factory(scope)
        try:
            return await run_in_threadpool(handler, context, request, body)
        except ServiceError as error:
            return error_answer(error)

    return serve
