"""MLflow's clients whose tracking URI is an ARN: handed on to the server that the ARN names.

AWS's plug-in for MLflow (sagemaker-mlflow) sends to one address for all servers of a region, names the server in a
header and signs. That address is SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT where it is set: the gateway, here.
"""

from __future__ import annotations

import asyncio

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock_services.errors import ServiceError
from penstock_services.rest import error_answer
from penstock_services.sagemaker.servers import keeping

ARN_HEADERS = ("x-mlflow-sm-tracking-server-arn", "x-sm-mlflow-app-arn")
WAIT_SECONDS = 60.0
"""How long a request waits for a server that is just starting."""

_DROPPED = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "keep-alive", "authorization", "accept-encoding"}
)
_client: httpx.AsyncClient | None = None


async def _serve(request: Request) -> Response:
    arn = next((request.headers[name] for name in ARN_HEADERS if name in request.headers), None)
    if arn is None:
        message = f"{request.method} {request.url.path} is not implemented by Penstock's local cloud."
        return error_answer(ServiceError("NotImplementedException", message, 501))
    server = keeping.of(arn)
    if server is None or not await run_in_threadpool(server.ready.wait, WAIT_SECONDS):
        return error_answer(ServiceError("ResourceNotFoundException", f"No active MLflow server {arn}.", 404))
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _DROPPED}
    try:
        answer = await _clients().request(
            request.method,
            server.url + request.url.path,
            params=request.url.query,
            headers=headers,
            content=await request.body(),
        )
    except (httpx.HTTPError, asyncio.CancelledError) as error:
        return error_answer(ServiceError("ServiceUnavailable", f"MLflow did not answer: {error}", 503))
    kept = {name: value for name, value in answer.headers.items() if name.lower() == "content-type"}
    return Response(answer.content, answer.status_code, kept)


def _clients() -> httpx.AsyncClient:
    global _client
    if _client is None:
        _client = httpx.AsyncClient(timeout=120, trust_env=False)
    return _client


_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
ROUTES = [
    Route(path, _serve, methods=_METHODS, name="Mlflow")
    for path in ("/api/{path:path}", "/ajax-api/{path:path}", "/graphql", "/get-artifact", "/health", "/version")
]
