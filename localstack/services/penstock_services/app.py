"""The ASGI application: the control plane at ``POST /``, REST routes beside it, and our own two paths."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import logging
import uuid
from collections.abc import AsyncIterator
from typing import Any

from anyio import to_thread
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from penstock_services.clients import Clients
from penstock_services.errors import ServiceError
from penstock_services.execution import sandbox
from penstock_services.operations import START_HOOKS, STOP_HOOKS, Context, ContextFactory
from penstock_services.rest import error_answer, scope_of
from penstock_services.sagemaker import index, service
from penstock_services.sagemaker.coverage import coverage
from penstock_services.settings import Settings
from penstock_services.store import Scope, Store

_LOG = logging.getLogger(__name__)
_TARGET = "SageMaker."
_THREADS = 64
# Modules whose import registers operations, hooks and routes. A route table is a module's attribute ``routes``.
_PARTS = (
    "penstock_services.sagemaker.tags",
    "penstock_services.sagemaker.lifecycle",
    "penstock_services.sagemaker.feature_groups",
    "penstock_services.sagemaker.account",
    "penstock_services.sagemaker.unserved_parts",
    "penstock_services.sagemaker.image_versions",
    "penstock_services.sagemaker.studio_scripts",
    "penstock_services.sagemaker.pipeline_records",
    "penstock_services.sagemaker.model_events",
    "penstock_services.sagemaker.registry",
    "penstock_services.sagemaker.model_cards",
    "penstock_services.sagemaker.feature_metadata",
    "penstock_services.sagemaker.jobs",
    "penstock_services.sagemaker.endpoints",
    "penstock_services.sagemaker.monitoring",
    "penstock_services.sagemaker.experiments",
    "penstock_services.sagemaker.lineage",
    "penstock_services.sagemaker.pipelines",
    "penstock_services.featurestore",
    "penstock_services.sagemaker.mlflow",
    "penstock_services.sagemaker.notebooks",
    "penstock_services.sagemaker.search",
)


def load_parts() -> list[Route]:
    """Import every part and collect the REST routes."""
    routes: list[Route] = []
    for name in _PARTS:
        try:
            part = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            _LOG.warning("part %s is not there", name)
            continue
        found = getattr(part, "routes", [])
        routes.extend(getattr(found, "ROUTES", []) if not isinstance(found, list) else found)
    return routes


def context_factory(settings: Settings, store: Store, clients: Clients) -> ContextFactory:
    """Contexts over one store and one set of clients."""

    def make(scope: Scope) -> Context:
        inside = Context(scope, store, settings, clients, lambda name, request: service.serve(inside, name, request))
        # A call from inside is no retry of the request that led to it: it carries no invocation.
        return dataclasses.replace(inside)

    return make


async def _control_plane(request: Request) -> Response:
    """AWS JSON 1.1: the operation is in ``X-Amz-Target``."""
    body = await request.body()
    target = request.headers.get("x-amz-target", "")
    if not target.startswith(_TARGET):
        return _json_error(ServiceError("UnknownOperationException", f"no operation of SageMaker: {target!r}", 404))
    context = request.app.state.context_factory(scope_of(request.headers.get("authorization", "")))
    try:
        try:
            asked = json.loads(body or b"{}")
        except ValueError:
            raise ServiceError("SerializationException", "The request body is not JSON.") from None
        context.invocation = request.headers.get("amz-sdk-invocation-id", "")
        operation = target.removeprefix(_TARGET)
        if service.quick(operation):
            answer = service.serve(context, operation, asked)
        else:
            answer = await run_in_threadpool(service.serve, context, operation, asked)
    except ServiceError as error:
        return _json_error(error)
    except Exception:  # noqa: BLE001 (the client gets AWS's InternalFailure, the log the cause)
        _LOG.exception("%s failed", target)
        return _json_error(ServiceError("InternalFailure", f"{target} failed inside; see services.log.", 500))
    return _json_answer(answer, 200)


def _json_error(error: ServiceError) -> Response:
    return _json_answer({"__type": error.code, "message": error.message, **error.details}, error.status)


def _json_answer(body: Any, status: int) -> Response:
    content = json.dumps(body, separators=(",", ":")).encode()
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    return Response(content, status, headers, "application/x-amz-json-1.1")


async def _health(_request: Request) -> Response:
    """Readiness, and how jobs are kept apart: "root", "user" (namespaces) or "none" (the fallback)."""
    return JSONResponse({"status": "running", "sandbox": sandbox.mode()})


async def _refused(request: Request) -> Response:
    message = (
        f"{request.method} {request.url.path} is not implemented by Penstock's local cloud. "
        "`penstock cloud coverage` lists what is there."
    )
    return error_answer(ServiceError("NotImplementedException", message, 501))


def make(settings: Settings) -> Starlette:
    """The application over the state folder; start hooks run before the first request, stop hooks after the last."""
    rest = load_parts()
    store = Store(settings.state_dir / "sagemaker" / "records.sqlite", index.columns)
    factory = context_factory(settings, store, Clients(settings))

    async def _coverage(_request: Request) -> Response:
        return JSONResponse(coverage(route.name for route in rest))

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = _THREADS
        await run_in_threadpool(sandbox.mode)
        for hook in START_HOOKS:
            await run_in_threadpool(hook, factory)
        yield
        for hook in reversed(STOP_HOOKS):
            try:
                await run_in_threadpool(hook, factory)
            except Exception:  # noqa: BLE001 (the other hooks must run)
                _LOG.exception("a stop hook failed")
        store.close()

    app = Starlette(
        lifespan=lifespan,
        routes=[
            Route("/", _control_plane, methods=["POST"]),
            Route("/_penstock/health", _health),
            Route("/_penstock/coverage", _coverage),
            *rest,
            Route("/{path:path}", _refused, methods=["GET", "PUT", "POST", "PATCH", "DELETE"]),
        ],
    )
    app.state.context_factory = factory
    return app
