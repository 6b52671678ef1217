"""Every operation is really called, and answers as coverage says; the table in docs/ is made from that."""

from __future__ import annotations

import json
import os
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.localstack.services.sagemaker.inputs import minimal

from penstock_services.app import load_parts
from penstock_services.sagemaker.coverage import coverage, document
from penstock_services.sagemaker.model import load

TABLE = Path(__file__).parents[4] / "docs" / "sagemaker-coverage.md"
MODEL = load("sagemaker")
LEAST = 300


@pytest.fixture(scope="module")
def stated(services: Any) -> dict[str, Any]:
    with urllib.request.urlopen(f"{services.url}/_penstock/coverage") as answer:
        table: dict[str, Any] = json.load(answer)
    return table


def called(services: Any, operation: str, answers: str) -> tuple[int, dict[str, Any]]:
    """Status and body of a call with the smallest valid input (what is refused is refused whatever comes)."""
    asked = {} if answers == "refused" else minimal(MODEL.input_shape(operation))
    request = urllib.request.Request(
        services.url + "/",
        json.dumps(asked).encode(),
        {"X-Amz-Target": f"SageMaker.{operation}", "Content-Type": "application/x-amz-json-1.1"},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_every_operation_answers_in_its_class(services: Any, stated: dict[str, Any]) -> None:
    names = stated["sagemaker"]["names"]
    assert set(names) == set(MODEL.operations)
    wrong = []
    for operation, answers in names.items():
        status, body = called(services, operation, answers)
        if answers == "refused":
            right = status == 501 and body["__type"] == "NotImplementedException" and operation in body["message"]
        elif status == 200:
            right = set(body) <= set(MODEL.outputs(operation))
        else:
            right = status == 400 and bool(body["__type"]) and bool(body["message"])
        if not right:
            wrong.append((operation, answers, status, body))
    assert not wrong


def test_enough_is_there(stated: dict[str, Any]) -> None:
    counts = stated["sagemaker"]
    assert counts["operations"] >= 425
    assert counts["real"] + counts["record"] >= LEAST


@pytest.mark.parametrize("service", ["sagemaker-runtime", "sagemaker-featurestore-runtime", "sagemaker-metrics"])
def test_rest_operations_are_refused_by_name_where_they_are_not_there(
    services: Any, stated: dict[str, Any], service: str
) -> None:
    for operation, answers in stated[service]["names"].items():
        if answers == "refused":
            http = load(service).operations[operation]["http"]
            path = re.sub(r"{[^}]+}", "abc", http["requestUri"])
            request = urllib.request.Request(services.url + path, b"{}", method=http["method"])
            with pytest.raises(urllib.error.HTTPError) as raised:
                urllib.request.urlopen(request)
            assert raised.value.code == 501


def test_the_table_in_the_documentation_is_true(stated: dict[str, Any]) -> None:
    """``PENSTOCK_WRITE_DOCS=1`` writes it anew."""
    rest = [route.name for route in load_parts()]
    assert coverage(rest) == stated
    text = document(stated)
    if os.environ.get("PENSTOCK_WRITE_DOCS"):
        TABLE.write_text(text)
    assert TABLE.read_text() == text
