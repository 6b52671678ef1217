"""Statistics, constraints and violations: a baseline holds against its like and breaks where the data moved."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_pipelines.monitoring import baseline
from penstock_pipelines.monitoring.distances import categorical_distance, numerical_distance
from penstock_pipelines.monitoring.statistics import describe
from penstock_pipelines.monitoring.violations import check


def frame(rows: int, *, shift: float = 0.0, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "late_share": np.clip(random.beta(2, 6, rows) + shift, 0, 1),
            "carrier": random.choice(["AA", "B6", "UA"], rows, p=[0.2, 0.3, 0.5]),
            "seats": random.integers(50, 300, rows),
            "prediction": random.random(rows),
        }
    )


def kinds(found: list[dict[str, str]]) -> set[tuple[str, str]]:
    return {(violation["feature_name"], violation["constraint_check_type"]) for violation in found}


WATCHED = ["late_share", "carrier", "prediction"]


def test_data_like_the_baseline_break_nothing() -> None:
    statistics, constraints = baseline(frame(5000), WATCHED, 0.1)
    found, distances = check(frame(1000, seed=1), statistics, constraints)
    assert found == []
    assert [distance.name for distance in distances] == WATCHED
    assert all(0 < distance.distance < 0.1 for distance in distances)


def test_a_shifted_column_is_named_with_its_distance() -> None:
    statistics, constraints = baseline(frame(5000), WATCHED, 0.1)
    found, distances = check(frame(1000, shift=0.2, seed=1), statistics, constraints)
    assert kinds(found) == {("late_share", "baseline_drift_check")}
    assert "exceeds threshold: 0.1" in found[0]["description"]
    (late,) = [distance for distance in distances if distance.name == "late_share"]
    assert late.violated
    assert sum(late.baseline) == pytest.approx(1)
    assert sum(late.observed) == pytest.approx(1)


def test_a_column_that_is_not_watched_may_move() -> None:
    statistics, constraints = baseline(frame(5000), WATCHED, 0.1)
    later = frame(1000, seed=1).assign(seats=5)
    assert check(later, statistics, constraints)[0] == []


def test_missing_columns_values_types_and_unknown_words() -> None:
    statistics, constraints = baseline(frame(5000), WATCHED, 0.1)
    later = frame(1000, seed=1)
    assert kinds(check(later.drop(columns="carrier"), statistics, constraints)[0]) == {
        ("carrier", "missing_column_check")
    }
    assert ("late_share", "completeness_check") in kinds(
        check(later.assign(late_share=later["late_share"].mask(later.index < 10)), statistics, constraints)[0]
    )
    assert ("late_share", "data_type_check") in kinds(
        check(later.assign(late_share="much"), statistics, constraints)[0]
    )
    assert ("carrier", "categorical_values_check") in kinds(
        check(later.assign(carrier=later["carrier"].where(later.index > 0, "ZZ")), statistics, constraints)[0]
    )
    assert kinds(check(later.assign(colour="red"), statistics, constraints)[0]) == {("colour", "extra_column_check")}


def test_a_watched_column_must_exist() -> None:
    with pytest.raises(ValueError, match="columns that the model does not have: late_sahre"):
        baseline(frame(10), ["late_sahre"], 0.1)


def test_statistics_have_model_monitors_form() -> None:
    described = describe(pd.DataFrame({"n": [1, 2, 2, 5], "x": [0.5, None, 1.5, 2.5], "s": ["a", "b", "a", None]}))
    assert described["dataset"] == {"item_count": 4}
    n, x, s = described["features"]
    assert (n["inferred_type"], x["inferred_type"], s["inferred_type"]) == ("Integral", "Fractional", "String")
    assert x["numerical_statistics"]["common"] == {"num_present": 3, "num_missing": 1}
    assert n["numerical_statistics"]["sum"] == 10
    buckets = n["numerical_statistics"]["distribution"]["kll"]["buckets"]
    assert [bucket["count"] for bucket in buckets] == [1, 0, 2, 0, 0, 0, 0, 0, 0, 1]
    assert s["string_statistics"]["distribution"]["categorical"]["buckets"] == [
        {"value": "a", "count": 2},
        {"value": "b", "count": 1},
    ]


counts = st.lists(st.integers(0, 1000), min_size=10, max_size=10)


@given(counts, counts)
def test_the_numerical_distance_is_one(one: list[int], other: list[int]) -> None:
    assert numerical_distance(one, one) == 0
    distance = numerical_distance(one, other)
    assert 0 <= distance <= 1 + 1e-9
    assert distance == pytest.approx(numerical_distance(other, one))


@given(
    st.dictionaries(st.text(max_size=3), st.integers(1, 100)), st.dictionaries(st.text(max_size=3), st.integers(1, 100))
)
def test_the_categorical_distance_is_one(one: dict[str, int], other: dict[str, int]) -> None:
    assert categorical_distance(one, one) == 0
    assert 0 <= categorical_distance(one, other) <= 1 + 1e-9
