"""Explicit operations: those that the regular engine cannot serve, and the context in which every operation runs.

A module registers a handler by ``@operation("StartPipelineExecution")``; it wins over the regular engine. The request
has been validated against the botocore model before the handler sees it, and the answer has the members of the model's
output shape, timestamps as seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from penstock_services.clients import Clients
from penstock_services.settings import DEFAULT_ACCOUNT, DEFAULT_REGION, Settings
from penstock_services.store import Scope, Store

Call = Callable[[str, dict[str, Any]], dict[str, Any]]


@dataclass
class Context:
    """What a handler works with, for one account and region.

    ``call(operation, request)`` runs another SageMaker operation in this process, validated like a request from
    outside, in the same scope; it raises ServiceError as that operation would answer. ``invocation`` is the id that an
    SDK gives to a call and all its retries; empty where there is none.
    """

    scope: Scope
    store: Store
    settings: Settings
    clients: Clients
    call: Call
    invocation: str = ""

    def client(self, service: str) -> Any:
        """The boto3 client of another service, in this scope."""
        return self.clients.client(service, self.scope)


Handler = Callable[[Context, dict[str, Any]], dict[str, Any]]
Check = Callable[[Context, dict[str, Any]], None]
ContextFactory = Callable[[Scope], Context]
Hook = Callable[[ContextFactory], None]

OPERATIONS: dict[str, Handler] = {}
ANSWERS: dict[str, str] = {}
CHECKS: dict[str, list[Check]] = {}
START_HOOKS: list[Hook] = []
STOP_HOOKS: list[Hook] = []


def operation(name: str, answers: Literal["real", "record"] = "real") -> Callable[[Handler], Handler]:
    """Register the handler of one operation.

    ``answers`` says what coverage calls it where it is no verb of a kind (whose overlay says it): "record" where it
    only writes or reads metadata on AWS too.
    """

    def register(handler: Handler) -> Handler:
        if name in OPERATIONS:
            message = f"operation {name} has two handlers"
            raise ValueError(message)
        OPERATIONS[name] = handler
        ANSWERS[name] = answers
        return handler

    return register


def check(*names: str) -> Callable[[Check], Check]:
    """Register a further check of the request of ``names``: run after the model's validation and before the
    handler or the engine; it raises ServiceError to refuse."""

    def register(function: Check) -> Check:
        for name in names:
            CHECKS.setdefault(name, []).append(function)
        return function

    return register


def on_start(function: Hook) -> Hook:
    """Run ``function(context_factory)`` when the process starts, before requests are served: for example to fail what
    was running when the last process was killed. It must not wait for the gateway."""
    START_HOOKS.append(function)
    return function


def on_stop(function: Hook) -> Hook:
    """Run ``function(context_factory)`` at a graceful stop, after the last request: for example to flush buffers.

    The hooks run in the reverse order of their registration, so that what others build on stops after them.
    """
    STOP_HOOKS.append(function)
    return function


def contexts_with(factory: ContextFactory, kind: str) -> list[Context]:
    """A context for every account and region that holds records of ``kind``: what a start hook walks over."""
    anywhere = factory(Scope(DEFAULT_ACCOUNT, DEFAULT_REGION))
    return [factory(scope) for scope in anywhere.store.scopes(kind)]
