"""Checking data against a pandera schema, with messages that name column, rule and examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import pandera.pandas as pa

from penstock_pipelines.errors import DataError

EXAMPLES = 3


@dataclass(frozen=True)
class Violation:
    """One rule that some rows of one column break."""

    table: str
    column: str
    rule: str
    rows: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        found = f", e.g. {', '.join(self.examples)}" if self.examples else ""
        count = f" in {self.rows} row{'s' if self.rows != 1 else ''}" if self.rows else ""
        return f"{self.table}: column {self.column!r} breaks the rule {self.rule!r}{count}{found}"


def violations(table: str, frame: pd.DataFrame, schema: pa.DataFrameSchema) -> list[Violation]:
    """All rules of the schema that the frame breaks, in the order of its columns."""
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
    else:
        return []
    found: dict[tuple[str, str], list[Any]] = {}
    for case in cases.itertuples():
        rule, column = str(case.check), _column(case)
        if rule in ("column_in_dataframe", "column_in_schema"):
            rule, column = (
                "required column" if rule == "column_in_dataframe" else "no other column",
                str(case.failure_case),
            )
        rule = f"type {rule.removeprefix('dtype(').rstrip(')').strip(chr(39))}" if rule.startswith("dtype(") else rule
        rule = "not empty" if rule == "not_nullable" else rule
        found.setdefault((column, rule), []).append(case.failure_case)
    return [
        Violation(table, column, rule, _rows(rule, examples), _examples(rule, examples))
        for (column, rule), examples in found.items()
    ]


def require(found: list[Violation]) -> None:
    """DataError with all violations; nothing when there is none."""
    if found:
        raise DataError(
            "The data break their schema:\n" + "\n".join(f"  {violation}" for violation in found),
            "Correct the data in the raw zone, or the schema if the data are right.",
        )


def _column(case: Any) -> str:
    return (
        str(case.column)
        if case.column is not None and case.schema_context != "DataFrameSchema"
        else str(case.column or "(table)")
    )


def _rows(rule: str, examples: list[Any]) -> int:
    return 0 if rule in ("required column", "no other column") else len(examples)


def _examples(rule: str, examples: list[Any]) -> tuple[str, ...]:
    if rule in ("required column", "no other column", "not empty"):
        return ()
    return tuple(dict.fromkeys(repr(example) for example in examples))[:EXAMPLES]
