"""The gateway's own process in front of a stand-in for the services: what is forwarded, and how it starts and ends."""

from __future__ import annotations

import http.client
import http.server
import json
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from penstock_cloud import environments, processes

pytestmark = [pytest.mark.cloud]

SIGNED = "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0"


class Services(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked; `/stream` in chunks, `/teapot` with an error and headers of its own."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "response-stream" in self.path:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for number in range(3):
                if number:
                    self.server.go_on.wait(60)  # type: ignore[attr-defined]
                piece = f"piece {number};".encode()
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
            return
        told = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body.decode("latin-1"),
        }
        content = json.dumps(told).encode()
        self.send_response(424 if "teapot" in self.path else 200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("x-amzn-ErrorType", "ModelError")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *arguments: Any) -> None:
        pass


def start_gateway(state_dir: Path, port: int, services_url: str) -> subprocess.Popen[bytes]:
    command = [environments.ensure("gateway"), "-m", "penstock_gateway", "--state-dir", state_dir, "--port", port]
    state_dir.mkdir(parents=True, exist_ok=True)
    # Variables of a user's shell that would turn LocalStack into something else.
    hostile = {"SERVICES": "sqs", "AWS_PROFILE": "production", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "DEBUG": "1"}
    process = processes.start(
        [*map(str, command), "--services-url", services_url], state_dir / "gateway.log", {**os.environ, **hostile}
    )
    limit = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_localstack/health", timeout=10)
            return process
        except OSError:
            assert process.poll() is None, (state_dir / "gateway.log").read_text()
            assert time.monotonic() < limit
            time.sleep(0.05)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("forward") / "gateway.log"


@pytest.fixture(scope="module")
def services() -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Services)
    server.go_on = threading.Event()  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def port(log: Path, services: http.server.ThreadingHTTPServer) -> Iterator[int]:
    port = processes.free_port()
    process = start_gateway(log.parent, port, f"http://127.0.0.1:{services.server_port}")
    yield port
    processes.stop(process, 10)


def request(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=50)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, json.loads(answer.read())


def test_the_request_arrives_as_the_client_sent_it(port: int) -> None:
    path = "/endpoints/a%20b%2Fc/invocations?x=1%2B1&y=%C3%A9"
    content = {"Content-Type": "text/csv", "X-Amzn-SageMaker-Target-Model": "m"}
    status, _, told = request(port, "POST", path, b"1,2\n\xff", Authorization=SIGNED, **content)
    assert (status, told["method"], told["path"], told["body"]) == (200, "POST", path, "1,2\n\xff")
    assert told["headers"]["content-type"] == "text/csv"
    assert told["headers"]["x-amzn-sagemaker-target-model"] == "m"
    assert told["headers"]["authorization"] == SIGNED
    assert told["headers"]["host"] == f"127.0.0.1:{port}"


def test_unsigned_requests_of_ours_arrive_too(port: int) -> None:
    _, _, told = request(port, "PUT", "/FeatureGroup/flights", b"{}")
    assert (told["path"], told["method"]) == ("/FeatureGroup/flights", "PUT")


def test_the_answer_is_the_services_own(port: int) -> None:
    status, headers, _ = request(port, "POST", "/endpoints/teapot/invocations", b"", Authorization=SIGNED)
    assert status == 424
    assert headers["x-amzn-ErrorType"] == "ModelError"
    assert headers["Content-Type"] == "application/x-amz-json-1.1"
    assert headers.get_all("Content-Length") == [headers["Content-Length"]]


def test_operations_that_localstack_does_not_know_arrive(port: int) -> None:
    headers = {"X-Amz-Target": "SageMaker.CreateSomethingOfNextYear", "Authorization": SIGNED}
    _, _, told = request(port, "POST", "/", b'{"Name": "n"}', **headers)
    assert told["headers"]["x-amz-target"] == "SageMaker.CreateSomethingOfNextYear"


def test_streams_pass_as_they_come(port: int, services: http.server.ThreadingHTTPServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=50)
    connection.request("POST", "/endpoints/e/invocations-response-stream", b"", {"Authorization": SIGNED})
    answer = connection.getresponse()
    assert answer.read(len("piece 0;")) == b"piece 0;", "before the services have said the rest"
    services.go_on.set()  # type: ignore[attr-defined]
    assert answer.read() == b"piece 1;piece 2;"


def test_the_users_shell_does_not_reach_localstack(port: int, log: Path) -> None:
    client = boto3.client(
        "sts", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
        aws_access_key_id="000000000000", aws_secret_access_key="test",
    )  # fmt: skip
    assert client.get_caller_identity()["Account"] == "000000000000"
    assert "DEBUG" not in log.read_text()


def test_its_own_log_is_quiet(port: int, log: Path) -> None:
    lines = [line for line in log.read_text().splitlines() if line.strip()]
    assert len(lines) < 10, lines
    assert not [line for line in lines if "WARN" in line or "ERROR" in line]


def test_no_answer_of_the_services_is_told_as_aws_tells_it(tmp_path: Path) -> None:
    port = processes.free_port()
    process = start_gateway(tmp_path / "alone", port, f"http://127.0.0.1:{processes.free_port()}")
    try:
        client = boto3.client(
            "sagemaker", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
            aws_access_key_id="000000000000", aws_secret_access_key="test", config=Config(retries={"total_max_attempts": 1}),
        )  # fmt: skip
        with pytest.raises(client.exceptions.ClientError) as error:
            client.list_models()
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        assert error.value.response["Error"]["Code"] == "ServiceUnavailable"
        assert "logs/services.log" in error.value.response["Error"]["Message"]
        # A second one on the same port says so instead of running without listening.
        second = subprocess.run(
            [str(environments.ensure("gateway")), "-m", "penstock_gateway", "--state-dir", str(tmp_path / "second"),
             "--port", str(port), "--services-url", "http://127.0.0.1:1"],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert second.returncode == 1
        assert f"cannot listen on 127.0.0.1:{port}" in second.stderr
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/_localstack/health", timeout=2)
