"""One local cloud for the gateway's tests, and a stand-in for GitHub."""

from __future__ import annotations

import http.server
import json
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.local_cloud import end

from penstock_cloud import cloud

Client = Callable[[str], Any]


@pytest.fixture(scope="session")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("gateway") / "state"
    yield folder
    end(folder)
    cloud.reset(folder)


@pytest.fixture(scope="session")
def client(state_dir: Path) -> Client:
    """A boto3 client of a service at the gateway; `config` may be given as a second argument."""
    info = cloud.up(state_dir, 0)

    def make(service: str, **arguments: Any) -> Any:
        return boto3.client(
            service, endpoint_url=info.endpoint, region_name=info.region,
            aws_access_key_id=info.account, aws_secret_access_key="test", **arguments,
        )  # fmt: skip

    return make


@dataclass
class Receiver:
    """A stand-in for GitHub: its address, what it was sent (path, headers, body), and what it answers."""

    url: str
    received: queue.Queue[tuple[str, dict[str, str], Any]] = field(default_factory=queue.Queue)
    answers: list[int] = field(default_factory=list)
    """Status codes of the next answers; afterwards 204."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = made.answers.pop(0) if made.answers else 204
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            made.received.put((self.path, dict(self.headers), json.loads(body)))

        def log_message(self, *arguments: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Receiver(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()
