"""The HTTP side of the receiver: the few endpoints of GitHub that Penstock's workflows and approval rules use.

Answers have GitHub's forms and status codes, so that only `GITHUB_API_URL` differs between here and github.com. It
listens on loopback only and answers nobody without the state folder's token.
"""

from __future__ import annotations

import contextlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from penstock_ci.errors import UserError
from penstock_ci.github.dispatcher import Dispatcher
from penstock_ci.github.state import GitHubState

DOCUMENTATION = "https://docs.github.com/rest"
HEALTH = "/_penstock/health"
LARGEST_BODY = 1024 * 1024
MOST_CLIENT_PAYLOAD_KEYS = 10
LARGEST_COMMENT = 65536


class RefusalError(Exception):
    """An answer other than success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def refusal(status: int, message: str) -> JSONResponse:
    """An error as GitHub writes it."""
    return JSONResponse({"message": message, "documentation_url": DOCUMENTATION, "status": str(status)}, status)


class TokenRequired:
    """Refuses every request that does not carry the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == HEALTH or self._carries_token(scope):
            await self._app(scope, receive, send)
            return
        await refusal(401, "Bad credentials")(scope, receive, send)

    def _carries_token(self, scope: Scope) -> bool:
        for name, value in scope["headers"]:
            if name == b"authorization":
                kind, _, token = value.partition(b" ")
                return kind.lower() in {b"bearer", b"token"} and hmac.compare_digest(token.strip(), self._token)
        return False


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if len(raw) > LARGEST_BODY:
        raise RefusalError(413, "Payload too large")
    try:
        document = json.loads(raw or b"{}")
    except ValueError:
        raise RefusalError(400, "Problems parsing JSON") from None
    if not isinstance(document, dict):
        raise RefusalError(400, "Body should be a JSON object")
    return document


def _text(document: dict[str, Any], member: str) -> str:
    value = document.get(member)
    if not isinstance(value, str) or not value:
        raise RefusalError(422, f'Invalid request.\n\n"{member}" wasn\'t supplied.')
    return value


class Receiver:
    """The endpoints, over a state folder and a dispatcher."""

    def __init__(self, state: GitHubState, dispatcher: Dispatcher) -> None:
        self.state = state
        self.dispatcher = dispatcher

    def application(self) -> Starlette:
        """The ASGI application."""
        repository = "/repos/{owner}/{name}"
        routes = [
            Route(HEALTH, self.health),
            Route(repository, self.repository),
            Route(f"{repository}/dispatches", self.dispatches, methods=["POST"]),
            Route(f"{repository}/actions/workflows/{{file}}/dispatches", self.workflow_dispatch, methods=["POST"]),
            Route(f"{repository}/actions/runs", self.runs),
            Route(f"{repository}/actions/runs/{{id:int}}", self.run),
            Route(f"{repository}/pulls", self.pulls, methods=["GET", "POST"]),
            Route(f"{repository}/pulls/{{number:int}}", self.pull),
            Route(f"{repository}/issues/comments/{{id:int}}", self.comment, methods=["GET", "PATCH", "DELETE"]),
            Route(f"{repository}/issues/{{number:int}}/comments", self.comments, methods=["GET", "POST"]),
        ]

        @contextlib.asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[None]:
            del app
            yield
            await run_in_threadpool(self.dispatcher.close)

        async def refused(request: Request, error: Exception) -> Response:
            del request
            assert isinstance(error, RefusalError)
            return refusal(error.status, error.message)

        async def user_error(request: Request, error: Exception) -> Response:
            del request
            assert isinstance(error, UserError)
            return refusal(422, f"{error.message}; {error.fix}")

        async def absent(request: Request, error: Exception) -> Response:
            del request, error
            return refusal(404, "Not Found")

        return Starlette(
            routes=routes,
            middleware=[Middleware(TokenRequired, token=self.state.token)],
            lifespan=lifespan,
            exception_handlers={RefusalError: refused, UserError: user_error, 404: absent},
        )

    def _name(self, request: Request) -> str:
        """The repository of the path, under the name it is registered by."""
        wanted = f"{request.path_params['owner']}/{request.path_params['name']}"
        for known in self.state.repositories():
            if known.lower() == wanted.lower():
                return known
        raise RefusalError(404, "Not Found")

    async def health(self, request: Request) -> Response:
        """Ready."""
        del request
        return JSONResponse({"status": "ok"})

    async def repository(self, request: Request) -> Response:
        """The repository."""
        name = self._name(request)
        owner, _, short = name.partition("/")
        return JSONResponse({"full_name": name, "name": short, "owner": {"login": owner}, "default_branch": "main"})

    async def dispatches(self, request: Request) -> Response:
        """repository_dispatch."""
        name = self._name(request)
        body = await _body(request)
        event_type = _text(body, "event_type")
        client_payload = body.get("client_payload", {})
        if not isinstance(client_payload, dict):
            raise RefusalError(422, "Invalid request.\n\nFor 'properties/client_payload', the value is not an object.")
        if len(event_type) > 100:
            raise RefusalError(422, "event_type is too long (maximum is 100 characters)")
        if len(client_payload) > MOST_CLIENT_PAYLOAD_KEYS:
            raise RefusalError(422, "No more than 10 properties are allowed; client_payload has too many")
        payload = {"action": event_type, "branch": "main", "client_payload": client_payload}
        await run_in_threadpool(self.dispatcher.dispatch, name, "repository_dispatch", payload)
        return Response(status_code=204)

    async def workflow_dispatch(self, request: Request) -> Response:
        """workflow_dispatch of one workflow file."""
        name = self._name(request)
        body = await _body(request)
        branch = _text(body, "ref").removeprefix("refs/heads/")
        inputs = body.get("inputs") or {}
        payload = {"ref": f"refs/heads/{branch}", "inputs": inputs, "workflow": request.path_params["file"]}
        started = await run_in_threadpool(
            lambda: self.dispatcher.dispatch(
                name, "workflow_dispatch", payload, workflow=request.path_params["file"], branch=branch
            )
        )
        if not started:
            raise RefusalError(422, "Workflow does not have 'workflow_dispatch' trigger")
        return Response(status_code=204)

    async def runs(self, request: Request) -> Response:
        """Workflow runs, newest first."""
        found = self.state.runs(self._name(request))
        for member in ("status", "event"):
            if request.query_params.get(member):
                found = [run for run in found if request.query_params[member] in {run[member], run.get("conclusion")}]
        page = self._page(request, found)
        return JSONResponse({"total_count": len(found), "workflow_runs": page})

    async def run(self, request: Request) -> Response:
        """One workflow run."""
        found = self.state.run(request.path_params["id"])
        if found is None or found["repository"] != self._name(request):
            raise RefusalError(404, "Not Found")
        return JSONResponse(found)

    async def pulls(self, request: Request) -> Response:
        """Pull requests: list, or open one."""
        name = self._name(request)
        if request.method == "GET":
            return JSONResponse(self._page(request, self.state.pulls(name)))
        body = await _body(request)
        pull = {
            "title": _text(body, "title"),
            "head": {"ref": _text(body, "head")},
            "base": {"ref": _text(body, "base")},
            "body": body.get("body", ""),
        }
        return JSONResponse(self.state.add_pull(name, pull), 201)

    async def pull(self, request: Request) -> Response:
        """One pull request."""
        for pull in self.state.pulls(self._name(request)):
            if pull["number"] == request.path_params["number"]:
                return JSONResponse(pull)
        raise RefusalError(404, "Not Found")

    async def comments(self, request: Request) -> Response:
        """Comments of an issue or pull request: list, or add one."""
        name = self._name(request)
        number = request.path_params["number"]
        if request.method == "POST":
            text = self._comment_text(await _body(request))
            base = str(request.base_url).rstrip("/")
            return JSONResponse(self.state.add_comment(name, number, text, base), 201)
        found = self.state.comments(name, number)
        response = JSONResponse(self._page(request, found))
        link = self._next_link(request, len(found))
        if link:
            response.headers["link"] = link
        return response

    async def comment(self, request: Request) -> Response:
        """One comment: read, change, delete."""
        name = self._name(request)
        identifier = request.path_params["id"]
        if request.method == "GET":
            found = self.state.find_comment(name, identifier)
            if found is None:
                raise RefusalError(404, "Not Found")
            return JSONResponse(found[1])
        text = self._comment_text(await _body(request)) if request.method == "PATCH" else None
        changed = self.state.change_comment(name, identifier, text)
        if changed is None:
            raise RefusalError(404, "Not Found")
        return JSONResponse(changed) if text is not None else Response(status_code=204)

    @staticmethod
    def _comment_text(body: dict[str, Any]) -> str:
        text = _text(body, "body")
        if len(text) > LARGEST_COMMENT:
            raise RefusalError(422, f"Validation Failed: body is too long (maximum is {LARGEST_COMMENT} characters)")
        return text

    @staticmethod
    def _paging(request: Request) -> tuple[int, int]:
        try:
            size = min(max(int(request.query_params.get("per_page", 30)), 1), 100)
            page = max(int(request.query_params.get("page", 1)), 1)
        except ValueError:
            raise RefusalError(422, "per_page and page are numbers") from None
        return size, page

    def _page(self, request: Request, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        size, page = self._paging(request)
        return items[(page - 1) * size : page * size]

    def _next_link(self, request: Request, total: int) -> str:
        size, page = self._paging(request)
        if page * size >= total:
            return ""
        return f'<{request.url.include_query_params(page=page + 1, per_page=size)}>; rel="next"'


def serve(state: GitHubState, dispatcher: Dispatcher, port: int) -> None:
    """Answer on 127.0.0.1 until the process is told to end.

    Raises:
        UserError: the port is taken.
    """
    import socket

    import uvicorn

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise UserError(f"port {port} on 127.0.0.1: {error.strerror}", "choose another with --port") from error
    configuration = uvicorn.Config(
        Receiver(state, dispatcher).application(), log_level="info", access_log=True, timeout_graceful_shutdown=2
    )
    uvicorn.Server(configuration).run(sockets=[listener])
