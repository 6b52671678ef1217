"""Log streams: nothing is lost and nothing waits, however the gateway behaves."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from penstock_services.execution import logs
from penstock_services.execution.logs import LogStream


class Exists(Exception):
    """The name of botocore's class is of no matter."""


class Gateway:
    """Stands in for the client of CloudWatch Logs, and for the context that gives it."""

    class exceptions:
        ResourceAlreadyExistsException = Exists

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.batches: list[int] = []
        self.made: list[str] = []
        self.down = threading.Event()
        self.failures: list[Exception] = []
        self.seconds = 0.0

    def client(self, _service: str) -> Any:
        return self

    def create_log_group(self, logGroupName: str) -> None:
        self.made.append(logGroupName)

    def create_log_stream(self, logGroupName: str, logStreamName: str) -> None:
        self.made.append(f"{logGroupName} {logStreamName}")

    def put_log_events(self, logEvents: list[dict[str, Any]], **_names: str) -> None:
        time.sleep(self.seconds)
        if self.down.is_set():
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")
        if self.failures:
            raise self.failures.pop(0)
        self.batches.append(len(logEvents))
        self.events += logEvents

    @property
    def messages(self) -> list[str]:
        return [event["message"] for event in self.events]


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def stream(gateway: Gateway, tmp_path: Path) -> Iterator[LogStream]:
    made: Any = gateway
    stream = LogStream(made, "group", "job/algo-1-1", tmp_path / "log.txt")
    yield stream
    stream.close()
    stream.give_up()


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "PutLogEvents")


def test_lines_arrive_in_order_and_blank_ones_stay_in_the_file(
    gateway: Gateway, stream: LogStream, tmp_path: Path
) -> None:
    for line in ("one", "", "two", "  ", "three"):
        stream.write(line)
    stream.flush()
    assert gateway.messages == ["one", "two", "three"]
    assert gateway.made == ["group", "group job/algo-1-1"]
    assert (tmp_path / "log.txt").read_text() == "one\n\ntwo\n  \nthree\n"
    assert stream.last_lines(2) == ["two", "three"]
    stamps = [event["timestamp"] for event in gateway.events]
    assert stamps == sorted(stamps)


def test_a_gateway_that_is_away_costs_no_line(gateway: Gateway, stream: LogStream) -> None:
    gateway.down.set()
    began = time.monotonic()
    for number in range(20_000):
        stream.write(f"line {number}")
    assert time.monotonic() - began < 30, "what writes never waits for the gateway"
    stream.flush(0.2)
    stream.close()
    assert gateway.events == []
    gateway.down.clear()
    deadline = time.monotonic() + 60
    while len(gateway.events) < 20_000 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gateway.messages == [f"line {number}" for number in range(20_000)], "also after the end of the job"
    assert max(gateway.batches) <= 10_000


def test_a_slow_gateway_gets_large_batches(gateway: Gateway, stream: LogStream) -> None:
    gateway.seconds = 0.2
    for number in range(5000):
        stream.write(f"line {number}")
    stream.flush(60)
    assert len(gateway.events) == 5000
    assert len(gateway.batches) < 10


def test_batches_keep_to_the_limits_of_the_api(gateway: Gateway, stream: LogStream) -> None:
    for _ in range(30):
        stream.write("ä" * 60_000)
    stream.flush(60)
    assert len(gateway.events) == 30
    assert max(gateway.batches) * 120_026 <= 1_048_576


def test_what_can_never_be_sent_does_not_hold_up_the_rest(gateway: Gateway, stream: LogStream) -> None:
    gateway.failures = [refused("ResourceNotFoundException"), refused("InvalidParameterException")]
    stream.write("lost")
    stream.flush()
    stream.write("next")
    stream.flush()
    assert gateway.messages == ["next"]
    assert gateway.made.count("group") == 2, "a group that was deleted is made again"


def test_the_end_of_the_process_gives_up(gateway: Gateway, stream: LogStream) -> None:
    gateway.down.set()
    stream.write("never")
    began = time.monotonic()
    stream.close(0.3)
    stream.give_up()
    while stream in logs._OPEN and time.monotonic() - began < 60:
        time.sleep(0.05)
    assert stream not in logs._OPEN
