"""The runtime: ``POST /endpoints/{name}/invocations``."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.rest import error_answer, scope_of
from penstock_services.sagemaker.endpoints.components.component import Component
from penstock_services.sagemaker.endpoints.components.routing import choose as choose_copy
from penstock_services.sagemaker.endpoints.components.routing import named
from penstock_services.sagemaker.endpoints.counting import count
from penstock_services.sagemaker.endpoints.live import Live, live
from penstock_services.sagemaker.endpoints.routing import Route, choose, invalid
from penstock_services.sagemaker.endpoints.serving.server import Instance
from penstock_services.sagemaker.endpoints.shadow import copy

_LOG = logging.getLogger(__name__)
_SECONDS = 60.0
_PATIENCE = 30.0
_LIMIT = 25 * 1024 * 1024
_SERVERLESS_LIMIT = 4 * 1024 * 1024
TARGET_VARIANT = "x-amzn-sagemaker-target-variant"
COMPONENT = "x-amzn-sagemaker-inference-component"
INFERENCE_ID = "x-amzn-sagemaker-inference-id"
CUSTOM = "x-amzn-sagemaker-custom-attributes"
_REFUSED_HEADERS = (
    "x-amzn-sagemaker-target-model",
    "x-amzn-sagemaker-session-id",
    "x-amzn-sagemaker-target-container-hostname",
    "x-amzn-sagemaker-enable-explanations",
)
_client: httpx.AsyncClient | None = None


def _http() -> httpx.AsyncClient:
    global _client
    if _client is None:
        limits = httpx.Limits(max_connections=256, max_keepalive_connections=64, keepalive_expiry=4.0)
        _client = httpx.AsyncClient(timeout=_SECONDS, limits=limits, trust_env=False)
    return _client


async def invoke(request: Request) -> Response:
    """InvokeEndpoint."""
    body = await request.body()
    context: Context = request.app.state.context_factory(scope_of(request.headers.get("authorization", "")))
    try:
        return await _answer(context, request.path_params["name"], request.headers, body)
    except ServiceError as error:
        return error_answer(error)


def found(context: Context, name: str) -> Live:
    """The endpoint that a request names. Raises ServiceError where it cannot take requests."""
    endpoint = live(context.scope, name)
    record = context.store.get(context.scope, "Endpoint", name) if endpoint is not None else None
    if endpoint is None or record is None or record["EndpointStatus"] in ("Creating", "Failed", "Deleting"):
        raise invalid(f"Endpoint {name} of account {context.scope.account} not found.")
    return endpoint


async def _answer(context: Context, name: str, headers: Mapping[str, str], body: bytes) -> Response:
    for refused in _REFUSED_HEADERS:
        if refused in headers:
            raise ServiceError("NotImplementedException", f"{refused} is not implemented by the local cloud.", 501)
    endpoint = found(context, name)
    component = named(endpoint, headers.get(COMPONENT), headers.get(TARGET_VARIANT))
    plan = endpoint.main.fleet.plan if endpoint.main is not None else None
    if plan is not None and plan.asynchronous is not None:
        raise invalid(f"Endpoint {name} is asynchronous; use InvokeEndpointAsync.")
    serverless = plan is not None and any(each.serverless for each in plan.variants)
    limit = _SERVERLESS_LIMIT if serverless else _LIMIT
    if len(body) > limit:
        raise invalid(f"The request body has {len(body)} bytes; the limit is {limit}.")
    with endpoint.admitted():
        route, answer = await _served(context, endpoint, component, headers, body)
    received_type = answer.headers.get("content-type", "application/octet-stream")
    if route.side.capture is not None:
        route.side.capture.add(
            route.variant.plan.name,
            body,
            _type(headers),
            answer.content,
            received_type,
            headers.get(INFERENCE_ID),
        )
    out = {
        "x-amzn-RequestId": str(uuid.uuid4()),
        "x-Amzn-Invoked-Production-Variant": route.variant.plan.name,
        "Content-Type": received_type,
    }
    if CUSTOM in answer.headers:
        out["X-Amzn-SageMaker-Custom-Attributes"] = answer.headers[CUSTOM]
    return Response(answer.content, 200, out)


def _type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "application/octet-stream")


async def _served(
    context: Context, endpoint: Live, component: Component | None, headers: Mapping[str, str], body: bytes
) -> tuple[Route, httpx.Response]:
    """The container's answer, counted. A request that did not reach a server is sent to another, or to the restarted
    one. Raises ServiceError (ModelError) for what is no success."""
    began = time.perf_counter()
    deadline = time.monotonic() + _PATIENCE
    sent = passed_on(headers, _type(headers), headers.get("accept", "*/*"))
    copied = False
    closed = 0
    while True:
        route = await _choose(endpoint, component, headers.get(TARGET_VARIANT), deadline)
        if not copied:
            copied = True
            copy(context, endpoint, route, _http(), sent, body)
        instance = route.instance
        status, text = 0, "the connection to the container failed"
        model = time.perf_counter()
        with instance.serving():
            try:
                answer = await _http().post(f"{instance.url}/invocations", content=body, headers=sent)
            except httpx.ConnectError:
                instance.suspect()
                if time.monotonic() <= deadline:
                    continue
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
                # A connection that the server closed while it was idle is no fault, so once more; a server that died
                # over the request, or closes the connection again, is.
                closed += 1
                if closed == 1 and await run_in_threadpool(instance.alive, 0.1):
                    continue
                text = f"the container closed the connection: {error}"
            except httpx.TimeoutException:
                text = "Your invocation timed out while waiting for a response from container primary."
            else:
                status, text = answer.status_code, ""
        seconds = time.perf_counter() - model
        count(context, endpoint.name, route, status, seconds, time.perf_counter() - began)
        if not 200 <= status < 300:
            raise model_error(context, instance, status, text or answer.text)
        return route, answer


async def _choose(endpoint: Live, component: Component | None, wanted: str | None, deadline: float) -> Route:
    """A way for the request; waits while an instance is being restarted, or started for it."""
    while True:
        route = choose(endpoint, wanted) if component is None else choose_copy(component)
        if route is not None:
            return route
        if time.monotonic() > deadline:
            message = f"No healthy instance of endpoint {endpoint.name} answered for {_PATIENCE:.0f} seconds."
            raise ServiceError("ServiceUnavailable", message, 503)
        await asyncio.sleep(0.05)


def passed_on(headers: Mapping[str, str], content_type: str, accept: str) -> dict[str, str]:
    """The headers that reach the container."""
    kept = {name: headers[name] for name in (CUSTOM, INFERENCE_ID) if name in headers}
    return {"Content-Type": content_type, "Accept": accept, **kept}


def model_error(context: Context, instance: Instance, status: int, text: str) -> ServiceError:
    """ModelError, with what the container said and where its log is; status 0 where it did not answer."""
    stream = f"{instance.log.group}:log-stream:{instance.log.stream}"
    arn = f"arn:aws:logs:{context.scope.region}:{context.scope.account}:log-group:{stream}"
    side = "server" if status >= 500 or status == 0 else "client"
    message = f'Received {side} error ({status}) from primary with message "{text}". See the log stream {arn}.'
    details: dict[str, object] = {"OriginalStatusCode": status, "OriginalMessage": text, "LogStreamArn": arn}
    return ServiceError("ModelError", message, 424, details)
