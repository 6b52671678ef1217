"""Checking data against a pandera schema, with messages that name column, rule and examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import pandera.pandas as pa

from penstock_pipelines.errors import DataError

EXAMPLES = 3
ABSENT = {"column_in_dataframe": "required column", "column_in_schema": "no other column"}


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
    """All rules of the schema that the frame breaks, in the order in which pandera checks them."""
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
    else:
        return []
    found: dict[tuple[str, str], list[Any]] = {}
    together = ", ".join(schema.unique or [])
    for case in cases.itertuples():
        column, rule = _named(case, together)
        found.setdefault((column, rule), []).append(case)
    return [_violation(table, column, rule, cases) for (column, rule), cases in found.items()]


def require(found: list[Violation]) -> None:
    """DataError with all violations; nothing when there is none."""
    if found:
        raise DataError(
            "The data break their schema:\n" + "\n".join(f"  {violation}" for violation in found),
            "Correct the data in the raw zone, or the schema if the data are right.",
        )


def _named(case: Any, together: str) -> tuple[str, str]:
    """Column and rule of one of pandera's failure cases, in plain words."""
    rule = str(case.check)
    if rule in ABSENT:
        return str(case.failure_case), ABSENT[rule]
    if rule == "multiple_fields_uniqueness":
        return together, "unique"
    if rule.startswith(("dtype(", "coerce_dtype(")):
        rule = f"type {rule.partition('(')[2].rstrip(')').strip(chr(39))}"
    return str(case.column), "not empty" if rule == "not_nullable" else rule


def _violation(table: str, column: str, rule: str, cases: list[Any]) -> Violation:
    if rule in ABSENT.values():
        return Violation(table, column, rule, 0, ())
    rows = len({case.index for case in cases if not pd.isna(case.index)}) or len(cases)
    shown = () if rule in ("not empty", "unique") else dict.fromkeys(repr(case.failure_case) for case in cases)
    return Violation(table, column, rule, rows, tuple(shown)[:EXAMPLES])
