"""Rows on the wire."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_pipelines.container import rows

INPUTS = {"port": "text", "level": "number", "ships": "number"}


def test_csv_and_json_give_the_same_rows() -> None:
    table = rows.read(b"HAM,1.5,3\nRTM,,4\n", rows.CSV, INPUTS)
    same = rows.read(
        b'{"instances": [{"port": "HAM", "level": 1.5, "ships": 3}, {"port": "RTM", "level": null, "ships": 4}]}',
        rows.JSON,
        INPUTS,
    )
    pd.testing.assert_frame_equal(table, same)
    assert list(table.columns) == list(INPUTS)
    assert math.isnan(table["level"][1])


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b"", rows.CSV, "empty"),
        (b"HAM,1\n", rows.CSV, "Row 1 has 2 values; the model takes 3"),
        (b"HAM,1,2\nRTM,high,2\n", rows.CSV, "Row 2, input 'level': 'high' is not a number"),
        (b"\xff\xfe", rows.CSV, "not UTF-8"),
        (b"{", rows.JSON, "not valid JSON"),
        (b"[]", rows.JSON, "instances"),
        (b'{"instances": []}', rows.JSON, "at least one instance"),
        (b'{"instances": [{"port": "HAM", "level": 1}]}', rows.JSON, "Instance 1 lacks inputs: ships"),
        (b'{"instances": [{"port": "HAM", "level": 1, "ships": 2, "x": 1}]}', rows.JSON, "unknown inputs: x"),
    ],
)
def test_a_body_that_cannot_be_read_is_explained(body: bytes, kind: str, expected: str) -> None:
    with pytest.raises(rows.BadRequestError) as caught:
        rows.read(body, kind, INPUTS)
    assert expected in str(caught.value)


numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(st.text("ABC ,\"'", min_size=1), numbers, st.integers(-(10**9), 10**9)), min_size=1))
def test_csv_keeps_every_digit(values: list[tuple[str, float, int]]) -> None:
    table = pd.DataFrame(values, columns=list(INPUTS)).astype({"level": "float64", "ships": "float64"})
    table["port"] = table["port"].astype(object)
    back = rows.read(rows.write_csv(table).encode(), rows.CSV, INPUTS)
    pd.testing.assert_frame_equal(back, table, check_exact=True)


@given(st.lists(st.floats(0, 1), min_size=1), st.sampled_from([rows.CSV, rows.JSON]))
def test_scores_come_back(scores: list[float], kind: str) -> None:
    assert rows.read_scores(rows.write_scores(scores, kind), kind) == scores
