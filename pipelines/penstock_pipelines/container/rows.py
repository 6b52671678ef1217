"""Rows on the wire: requests to a model and its answers, in CSV and in JSON.

CSV has no header, as SageMaker's own algorithms have none: the columns are the model's inputs in their order; an empty
field is a missing value. JSON is `{"instances": [{"input": value, ...}, ...]}`. An answer is one score per row.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from penstock_pipelines.errors import PipelinesError

CSV = "text/csv"
JSON = "application/json"


class BadRequestError(PipelinesError):
    """A request that cannot be read: answered with status 400 and this message."""


def read(body: bytes, content_type: str, inputs: Mapping[str, str]) -> pd.DataFrame:
    """Rows of a request body of one of the two content types."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequestError("The body is not UTF-8 text.") from None
    if not text.strip():
        raise BadRequestError("The body is empty.")
    return read_csv(text, inputs) if content_type == CSV else read_json(text, inputs)


def read_csv(text: str, inputs: Mapping[str, str]) -> pd.DataFrame:
    """Rows of a CSV body."""
    names = list(inputs)
    lines = [line for line in csv.reader(io.StringIO(text)) if line]
    for number, line in enumerate(lines, 1):
        if len(line) != len(names):
            raise BadRequestError(
                f"Row {number} has {len(line)} values; the model takes {len(names)}: {', '.join(names)}."
            )
    columns = zip(*lines, strict=True)
    return pd.DataFrame(
        {name: _column(name, inputs[name], column) for name, column in zip(names, columns, strict=True)}
    )


def read_json(text: str, inputs: Mapping[str, str]) -> pd.DataFrame:
    """Rows of a JSON body."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise BadRequestError(f"The body is not valid JSON: {error}.") from None
    rows = document.get("instances") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise BadRequestError(
            'The body must be {"instances": [{"input": value, ...}, ...]} with at least one instance.'
        )
    for number, row in enumerate(rows, 1):
        if unknown := sorted(set(row) - set(inputs)):
            raise BadRequestError(f"Instance {number} has unknown inputs: {', '.join(unknown)}.")
        if missing := [name for name in inputs if name not in row]:
            raise BadRequestError(f"Instance {number} lacks inputs: {', '.join(missing)} (null stands for no value).")
    return pd.DataFrame({name: _column(name, kind, [row[name] for row in rows]) for name, kind in inputs.items()})


def write_csv(rows: pd.DataFrame) -> str:
    """Rows as a CSV body; numbers with all their digits, missing values empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows.itertuples(index=False):
        writer.writerow(["" if _is_missing(value) else _plain(value) for value in row])
    return out.getvalue()


def write_scores(scores: Sequence[float], accept: str) -> str:
    """An answer: one score a line, or `{"predictions": [{"score": ...}]}`."""
    if accept == CSV:
        return "".join(f"{float(score)!r}\n" for score in scores)
    return json.dumps({"predictions": [{"score": float(score)} for score in scores]})


def read_scores(text: str, content_type: str) -> list[float]:
    """Scores of an answer."""
    if content_type == CSV:
        return [float(line) for line in text.split()]
    return [float(prediction["score"]) for prediction in json.loads(text)["predictions"]]


def _column(name: str, kind: str, values: Sequence[Any]) -> pd.Series[Any]:
    if kind == "text":
        return pd.Series([None if value in (None, "") else str(value) for value in values], dtype=object)
    numbers = []
    for number, value in enumerate(values, 1):
        try:
            numbers.append(math.nan if value in (None, "") else float(value))
        except (TypeError, ValueError):
            raise BadRequestError(f"Row {number}, input {name!r}: {value!r} is not a number.") from None
    return pd.Series(numbers, dtype="float64")


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> Any:
    if isinstance(value, float) or hasattr(value, "dtype"):
        number = float(value)
        return int(number) if number.is_integer() and abs(number) < 2**53 else repr(number)
    return value
