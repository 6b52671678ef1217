"""The server: one process, or several that share a socket (SAGEMAKER_MODEL_SERVER_WORKERS), a thread a connection.

It listens on SAGEMAKER_BIND_TO_PORT (8080) of all interfaces, or of PENSTOCK_BIND_TO_HOST only.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any, NoReturn, Protocol
from urllib.parse import urlsplit

from penstock_services.containers.framework.failure import ContainerError
from penstock_services.containers.framework.serving.errors import RequestError

_MEGABYTE = 1 << 20
_DEFAULT_PAYLOAD = 6


class Model(Protocol):
    """What answers requests."""

    def load(self) -> None:
        """Load the model; it may raise anything."""

    def execution_parameters(self) -> Any:
        """Settings for batch transform, or None for the server's."""

    def invoke(self, body: bytes, content_type: str, accept: str | None) -> tuple[bytes, str]:
        """The answer's body and type."""


def chosen_model() -> Model:
    """The user's functions, or the image's algorithm. Raises ContainerError."""
    from penstock_services.containers.framework.serving.handlers import Handlers, user_module

    framework = os.environ.get("PENSTOCK_FRAMEWORK", "")
    module = user_module()
    if module is not None:
        return Handlers(module, framework)
    if framework == "xgboost":
        from penstock_services.containers.framework.xgboost_algorithm.serving import Algorithm

        return Algorithm()
    message = "the model names no script: set the variable SAGEMAKER_PROGRAM and put the script into code/ of the model"
    raise ContainerError(message)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    model: Model

    def do_GET(self) -> None:
        """/ping and /execution-parameters."""
        path = urlsplit(self.path).path
        if path == "/ping":
            self._answer(200, b"\n", "application/json")
        elif path == "/execution-parameters":
            settings = self.model.execution_parameters() or execution_parameters()
            self._answer(200, json.dumps(settings).encode(), "application/json")
        else:
            self._answer(404, b"Not found", "text/plain")

    def do_POST(self) -> None:
        """/invocations."""
        body = self._body()
        if urlsplit(self.path).path != "/invocations":
            self._answer(404, b"Not found", "text/plain")
            return
        if not body:
            self._answer(204, b"", "text/csv")
            return
        content_type = self.headers.get("Content-Type") or "text/csv"
        accept = self.headers.get("Accept")
        try:
            self._answer(200, *self.model.invoke(body, content_type, accept))
        except RequestError as error:
            print(f"{error.status}: {error}", flush=True)
            self._answer(error.status, str(error).encode(), "text/plain")
        except Exception as error:  # noqa: BLE001 (the user's functions raise what they like)
            traceback.print_exc()
            self._answer(500, f"{type(error).__name__}: {error}".encode(), "text/plain")

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """No line for each /ping."""
        if self.path != "/ping":
            sys.stdout.write(f"{self.client_address[0]} - {format % args}\n")
            sys.stdout.flush()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def execution_parameters() -> dict[str, Any]:
    """What batch transform may ask of this server: "How Containers Serve Requests" of batch transform."""
    return {
        "MaxConcurrentTransforms": workers(),
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": int(os.environ.get("MAX_CONTENT_LENGTH") or _DEFAULT_PAYLOAD * _MEGABYTE) // _MEGABYTE,
    }


def workers() -> int:
    """How many processes serve; one, where nothing is said: the machine is shared by everything that runs on it."""
    text = os.environ.get("SAGEMAKER_MODEL_SERVER_WORKERS", "")
    return max(1, int(text)) if text.isdigit() else 1


def _listen() -> socket.socket:
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT") or 8080)
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((os.environ.get("PENSTOCK_BIND_TO_HOST") or "0.0.0.0", port))  # noqa: S104 (a container's contract)
    listening.listen(_Server.request_queue_size)
    return listening


def _run(listening: socket.socket, model: Model) -> None:
    handler = type("Handler", (_Handler,), {"model": model})
    server = _Server(listening.getsockname(), handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listening

    def stop(_number: int, _frame: FrameType | None) -> None:
        # Connections that are kept open must not keep the process from ending.
        threading.Timer(2.0, lambda: os._exit(0)).start()
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever(poll_interval=0.1)
    os._exit(0)


def serve() -> int:
    """Load the model and serve until SIGTERM."""
    try:
        model = chosen_model()
        model.load()
    except ContainerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Exception:  # noqa: BLE001 (the user's module and model_fn raise what they like)
        traceback.print_exc()
        return 1
    listening = _listen()
    count = workers()
    if count == 1:
        _run(listening, model)
    children = [_fork(listening, model) for _ in range(count)]

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        for child in children:
            os.kill(child, signal.SIGTERM)
        for child in children:
            os.waitpid(child, 0)
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    while True:
        ended, _ = os.wait()
        print(f"worker {ended} has ended and is started again", flush=True)
        children.remove(ended)
        children.append(_fork(listening, model))


def _fork(listening: socket.socket, model: Model) -> int:
    child = os.fork()
    if child == 0:
        _run(listening, model)
    return child
