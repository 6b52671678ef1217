"""What a user hears about data that break their schema."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
import pytest

from penstock_pipelines import validation
from penstock_pipelines.errors import DataError

SCHEMA = pa.DataFrameSchema(
    {
        "port": pa.Column(str, pa.Check.str_length(3, 3)),
        "level": pa.Column(float, pa.Check.in_range(-5, 15), nullable=True, coerce=True),
        "hour": pa.Column(int, coerce=True),
    },
    unique=["port", "hour"],
)
GOOD = pd.DataFrame({"port": ["HAM", "RTM"], "level": [1.0, None], "hour": [1, 2]})


def texts(frame: pd.DataFrame) -> list[str]:
    return [str(found) for found in validation.violations("tides", frame, SCHEMA)]


def test_good_data_break_nothing() -> None:
    assert texts(GOOD) == []
    validation.require([])


def test_a_value_out_of_range() -> None:
    assert texts(GOOD.assign(level=[99.0, 98.0])) == [
        "tides: column 'level' breaks the rule 'in_range(-5, 15)' in 2 rows, e.g. 99.0, 98.0"
    ]


def test_a_missing_column() -> None:
    assert texts(GOOD.drop(columns=["level"])) == ["tides: column 'level' breaks the rule 'required column'"]


def test_an_empty_value() -> None:
    assert "tides: column 'port' breaks the rule 'not empty' in 1 row" in texts(GOOD.assign(port=["HAM", None]))


def test_a_wrong_type() -> None:
    assert any("column 'hour' breaks the rule 'type int64'" in text for text in texts(GOOD.assign(hour=["noon", "2"])))


def test_a_row_twice_is_one_violation() -> None:
    twice = pd.concat([GOOD, GOOD.head(1)], ignore_index=True)
    assert texts(twice) == ["tides: column 'port, hour' breaks the rule 'unique' in 2 rows"]


def test_all_are_told_together() -> None:
    found = validation.violations("tides", GOOD.assign(level=99.0).drop(columns=["hour"]), SCHEMA)
    with pytest.raises(DataError) as caught:
        validation.require(found)
    assert "'level'" in str(caught.value)
    assert "'hour'" in str(caught.value)
