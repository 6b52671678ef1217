"""The runtime: ``POST /endpoints/{name}/invocations``."""

from __future__ import annotations

import asyncio
import logging
import random
import time
import uuid
from collections.abc import Mapping

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.rest import error_answer, scope_of
from penstock_services.sagemaker.endpoints.deployment import Live, live
from penstock_services.sagemaker.endpoints.metrics import METRICS
from penstock_services.sagemaker.endpoints.server import Fleet, Instance, Variant

_LOG = logging.getLogger(__name__)
_SECONDS = 60.0
_PATIENCE = 30.0
_LIMIT = 25 * 1024 * 1024
_TARGET_VARIANT = "x-amzn-sagemaker-target-variant"
_INFERENCE_ID = "x-amzn-sagemaker-inference-id"
_CUSTOM = "x-amzn-sagemaker-custom-attributes"
_REFUSED_HEADERS = (
    "x-amzn-sagemaker-target-model",
    "x-amzn-sagemaker-inference-component",
    "x-amzn-sagemaker-session-id",
)
_client: httpx.AsyncClient | None = None


def _http() -> httpx.AsyncClient:
    global _client
    if _client is None:
        limits = httpx.Limits(max_connections=256, max_keepalive_connections=64, keepalive_expiry=4.0)
        _client = httpx.AsyncClient(timeout=_SECONDS, limits=limits, trust_env=False)
    return _client


async def _invoke(request: Request) -> Response:
    body = await request.body()
    context: Context = request.app.state.context_factory(scope_of(request.headers.get("authorization", "")))
    try:
        return await _answer(context, request.path_params["name"], request.headers, body)
    except ServiceError as error:
        return error_answer(error)


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationError", message)


async def _answer(context: Context, name: str, headers: Mapping[str, str], body: bytes) -> Response:
    for refused in _REFUSED_HEADERS:
        if refused in headers:
            raise ServiceError("NotImplementedException", f"{refused} is not implemented by the local cloud.", 501)
    if len(body) > _LIMIT:
        raise _invalid(f"The request body has {len(body)} bytes; the limit is {_LIMIT}.")
    endpoint = live(context.scope, name)
    record = context.store.get(context.scope, "Endpoint", name) if endpoint is not None else None
    if endpoint is None or record is None or record["EndpointStatus"] in ("Creating", "Failed", "Deleting"):
        raise _invalid(f"Endpoint {name} of account {context.scope.account} not found.")
    began = time.perf_counter()
    sent_type = headers.get("content-type", "application/octet-stream")
    variant, instance, answer, seconds = await _served(context, name, endpoint, headers, sent_type, body)
    _count(context, name, variant.plan.name, answer.status_code, seconds, time.perf_counter() - began)
    if not 200 <= answer.status_code < 300:
        raise _model_error(context, name, instance, answer.status_code, answer.text)
    received_type = answer.headers.get("content-type", "application/octet-stream")
    if endpoint.capture is not None:
        endpoint.capture.add(
            variant.plan.name, body, sent_type, answer.content, received_type, headers.get(_INFERENCE_ID)
        )
    out = {
        "x-amzn-RequestId": str(uuid.uuid4()),
        "x-Amzn-Invoked-Production-Variant": variant.plan.name,
        "Content-Type": received_type,
    }
    if _CUSTOM in answer.headers:
        out["X-Amzn-SageMaker-Custom-Attributes"] = answer.headers[_CUSTOM]
    return Response(answer.content, 200, out)


async def _served(
    context: Context, name: str, endpoint: Live, headers: Mapping[str, str], content_type: str, body: bytes
) -> tuple[Variant, Instance, httpx.Response, float]:
    """The container's answer. A request that did not reach a server is sent to another, or to the restarted one."""
    deadline = time.monotonic() + _PATIENCE
    closed = 0
    while True:
        variant, instance = await _choose(endpoint, headers.get(_TARGET_VARIANT), deadline)
        instance.in_flight += 1
        try:
            answer, seconds = await _pass_on(instance, headers, content_type, body)
        except httpx.ConnectError:
            instance.suspect()
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            # A connection that the server closed while it was idle is no fault, so once more; a server that died over
            # the request, or closes the connection again, is.
            closed += 1
            if closed > 1 or not await run_in_threadpool(instance.alive, 0.1):
                text = f"the container closed the connection: {error}"
                raise _model_error(context, name, instance, 0, text) from None
        except httpx.TimeoutException:
            text = "Your invocation timed out while waiting for a response from container primary."
            raise _model_error(context, name, instance, 0, text) from None
        else:
            return variant, instance, answer, seconds
        finally:
            instance.in_flight -= 1
        if time.monotonic() > deadline:
            raise _model_error(context, name, instance, 0, "the connection to the container failed")


async def _choose(endpoint: Live, wanted: str | None, deadline: float) -> tuple[Variant, Instance]:
    """A variant by weight, or the one asked for, and a healthy instance of it; waits while one is being restarted."""
    while True:
        if endpoint.fleet is not None:
            variant = _variant(endpoint.fleet, wanted, endpoint.name)
            instance = variant.choose()
            if instance is not None:
                return variant, instance
        if time.monotonic() > deadline:
            message = f"No healthy instance of endpoint {endpoint.name} answered for {_PATIENCE:.0f} seconds."
            raise ServiceError("ServiceUnavailable", message, 503)
        await asyncio.sleep(0.05)


def _variant(fleet: Fleet, wanted: str | None, name: str) -> Variant:
    if wanted is not None:
        if wanted not in fleet.variants:
            raise _invalid(f"Variant {wanted} not found for endpoint {name}.")
        return fleet.variants[wanted]
    variants = list(fleet.variants.values())
    weights = [variant.weight for variant in variants]
    if sum(weights) <= 0:
        raise _invalid(f"All variants of endpoint {name} have weight 0.")
    return random.choices(variants, weights)[0]  # noqa: S311 (traffic, no secret)


async def _pass_on(
    instance: Instance, headers: Mapping[str, str], content_type: str, body: bytes
) -> tuple[httpx.Response, float]:
    sent = {"Content-Type": content_type, "Accept": headers.get("accept", "*/*")}
    for name in (_CUSTOM, _INFERENCE_ID):
        if name in headers:
            sent[name] = headers[name]
    began = time.perf_counter()
    answer = await _http().post(f"{instance.url}/invocations", content=body, headers=sent)
    return answer, time.perf_counter() - began


def _model_error(context: Context, name: str, instance: Instance, status: int, text: str) -> ServiceError:
    stream = f"/aws/sagemaker/Endpoints/{name}:log-stream:{instance.log.stream}"
    arn = f"arn:aws:logs:{context.scope.region}:{context.scope.account}:log-group:{stream}"
    side = "server" if status >= 500 or status == 0 else "client"
    message = f'Received {side} error ({status}) from primary with message "{text}". See the log stream {arn}.'
    details: dict[str, object] = {"OriginalStatusCode": status, "OriginalMessage": text, "LogStreamArn": arn}
    return ServiceError("ModelError", message, 424, details)


def _count(context: Context, name: str, variant: str, status: int, model: float, total: float) -> None:
    METRICS.add(context, name, variant, "Invocations", 1, "Count")
    METRICS.add(context, name, variant, "ModelLatency", model * 1e6, "Microseconds")
    METRICS.add(context, name, variant, "OverheadLatency", max(0.0, total - model) * 1e6, "Microseconds")
    METRICS.add(context, name, variant, "Invocation4XXErrors", 1 if 400 <= status < 500 else 0, "Count")
    METRICS.add(context, name, variant, "Invocation5XXErrors", 1 if status >= 500 else 0, "Count")


routes = [Route("/endpoints/{name}/invocations", _invoke, methods=["POST"], name="InvokeEndpoint")]
