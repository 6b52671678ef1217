"""The endpoint's container, asked over ASGI."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from penstock_pipelines.container import rows, serving


class Doubling:
    """A model that doubles its input, and counts its calls; a level above 1000 breaks it."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.hold = threading.Event()
        self.hold.set()

    def train(self, training: pd.DataFrame, hyperparameters: Mapping[str, str]) -> Any:
        return None

    def save(self, model: Any, folder: Path) -> None:
        return None

    def load(self, folder: Path) -> Any:
        return None

    def inputs(self, model: Any) -> Mapping[str, str]:
        return {"level": "number"}

    def predict(self, model: Any, rows: pd.DataFrame) -> Sequence[float]:
        self.hold.wait(10)
        self.calls.append(len(rows))
        if (rows["level"] > 1000).any():
            raise ValueError("too high")
        return [2 * float(value) for value in rows["level"]]


@pytest.fixture
def module() -> Doubling:
    return Doubling()


@pytest.fixture
def client(module: Doubling) -> Iterator[TestClient]:
    with TestClient(serving.application(module, None)) as client:
        yield client


def test_ping(client: TestClient) -> None:
    assert client.get("/ping").status_code == 200


def test_csv_in_and_out(client: TestClient) -> None:
    answer = client.post("/invocations", content=b"1.5\n2\n", headers={"Content-Type": "text/csv"})
    assert (answer.status_code, answer.text) == (200, "3.0\n4.0\n")


def test_json_in_and_out(client: TestClient) -> None:
    answer = client.post("/invocations", json={"instances": [{"level": 1}]})
    assert answer.json() == {"predictions": [{"score": 2.0}]}


def test_the_answer_is_of_the_type_that_was_asked_for(client: TestClient) -> None:
    headers = {"Content-Type": "text/csv; charset=utf-8", "Accept": "application/json"}
    answer = client.post("/invocations", content=b"1\n", headers=headers)
    assert answer.json() == {"predictions": [{"score": 2.0}]}


@pytest.mark.parametrize(
    ("body", "headers", "status", "expected"),
    [
        (b"high\n", {"Content-Type": "text/csv"}, 400, "not a number"),
        (b"", {"Content-Type": "text/csv"}, 400, "empty"),
        (b"1\n", {"Content-Type": "text/plain"}, 415, "text/csv"),
        (b"1\n", {"Content-Type": "text/csv", "Accept": "image/png"}, 406, "image/png"),
        (b"2000\n", {"Content-Type": "text/csv"}, 500, "too high"),
    ],
)
def test_errors_say_what_is_wrong(
    client: TestClient, body: bytes, headers: dict[str, str], status: int, expected: str
) -> None:
    answer = client.post("/invocations", content=body, headers=headers)
    assert answer.status_code == status
    assert expected in answer.json()["error"]
    assert client.get("/ping").status_code == 200


def test_requests_that_wait_are_scored_together_and_one_bad_one_fails_alone(
    client: TestClient, module: Doubling
) -> None:
    module.hold.clear()
    answers: dict[int, Any] = {}

    def ask(value: int) -> None:
        answers[value] = client.post("/invocations", content=f"{value}\n", headers={"Content-Type": "text/csv"})

    threads = [threading.Thread(target=ask, args=(value,)) for value in (1, 2, 3, 5000, 4)]
    for thread in threads:
        thread.start()
    module.hold.set()
    for thread in threads:
        thread.join()
    assert {value: answer.status_code for value, answer in answers.items()} == {
        1: 200,
        2: 200,
        3: 200,
        4: 200,
        5000: 500,
    }
    assert answers[3].text == "6.0\n"


def test_rows_of_a_request_keep_their_order(client: TestClient) -> None:
    body = "".join(f"{number}\n" for number in range(500)).encode()
    answer = client.post("/invocations", content=body, headers={"Content-Type": "text/csv"})
    assert rows.read_scores(answer.text, rows.CSV) == [2.0 * number for number in range(500)]
