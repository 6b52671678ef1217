"""Ranges, strategies and stopping rules of tuning. No cloud."""

from __future__ import annotations

from typing import Any

import pytest

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.jobs.tuning import early_stopping
from penstock_services.sagemaker.jobs.tuning.ranges import Choice, NumberRange, Space, space
from penstock_services.sagemaker.jobs.tuning.strategy import Search

ETA = {"Name": "eta", "MinValue": "0.001", "MaxValue": "0.9", "ScalingType": "Logarithmic"}
RATE = {"Name": "rate", "MinValue": "0.5", "MaxValue": "0.999", "ScalingType": "ReverseLogarithmic"}
DEPTH = {"Name": "depth", "MinValue": "2", "MaxValue": "9"}
KIND = {"Name": "kind", "Values": ["a", "b"]}


def full() -> Space:
    return space(
        {
            "IntegerParameterRanges": [DEPTH],
            "ContinuousParameterRanges": [ETA, RATE],
            "CategoricalParameterRanges": [KIND],
        }
    )


@pytest.mark.parametrize("strategy", ["Random", "Bayesian", "Hyperband"])
def test_what_is_tried_is_within_the_ranges(strategy: str) -> None:
    resources = (1, 9) if strategy == "Hyperband" else None
    search = Search(strategy, full(), maximize=True, seed=3, resources=resources, budget=30)
    for _ in range(30):
        candidate = search.ask()
        assert candidate is not None
        tried = candidate.hyperparameters
        assert 2 <= int(tried["depth"]) <= 9
        assert 0.001 <= float(tried["eta"]) <= 0.9
        assert 0.5 <= float(tried["rate"]) <= 0.999
        assert tried["kind"] in ("a", "b")
        search.tell(candidate, float(tried["eta"]))


@pytest.mark.parametrize("strategy", ["Random", "Bayesian", "Hyperband"])
def test_the_same_seed_tries_the_same(strategy: str) -> None:
    def tried() -> list[dict[str, str]]:
        resources = (1, 9) if strategy == "Hyperband" else None
        search = Search(strategy, full(), maximize=False, seed=11, resources=resources, budget=9)
        found = []
        for _ in range(9):
            candidate = search.ask()
            assert candidate is not None
            found.append(candidate.hyperparameters)
            search.tell(candidate, float(candidate.hyperparameters["eta"]))
        return found

    assert tried() == tried()


def test_a_grid_is_searched_completely_and_once() -> None:
    ranges = {"CategoricalParameterRanges": [KIND, {"Name": "n", "Values": ["1", "2", "3"]}]}
    search = Search("Grid", space(ranges), maximize=True, seed=1)
    seen = []
    while (candidate := search.ask()) is not None:
        seen.append(tuple(sorted(candidate.hyperparameters.items())))
        search.tell(candidate, 1.0 if len(seen) % 2 else None)
    assert len(seen) == len(set(seen)) == 6


def test_the_bayesian_strategy_goes_where_it_is_good() -> None:
    ranges = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]}

    def loss(strategy: str) -> float:
        search = Search(strategy, space(ranges), maximize=False, seed=5, budget=40)
        values = []
        for _ in range(40):
            candidate = search.ask()
            assert candidate is not None
            values.append((float(candidate.hyperparameters["x"]) - 0.3) ** 2)
            search.tell(candidate, values[-1])
        return sum(values[20:])

    assert loss("Bayesian") < loss("Random")


def test_what_parents_found_is_known() -> None:
    ranges = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]}
    search = Search("Bayesian", space(ranges), maximize=False, seed=5, budget=12)
    for step in range(30):
        assert search.remember({"x": str(step / 30)}, (step / 30 - 0.3) ** 2)
    assert not search.remember({"x": "1.5"}, 0.0)
    assert not search.remember({"y": "0.5"}, 0.0)
    tried = []
    for _ in range(8):
        candidate = search.ask()
        assert candidate is not None
        tried.append(float(candidate.hyperparameters["x"]))
        search.tell(candidate, (tried[-1] - 0.3) ** 2)
    assert sum(abs(each - 0.3) for each in tried) / 8 < 0.25


def test_hyperband_gives_up_the_worse_ones() -> None:
    ranges = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]}
    search = Search("Hyperband", space(ranges), maximize=True, seed=5, resources=(1, 9), budget=30)
    epochs = {}
    for number in range(30):
        candidate = search.ask()
        assert candidate is not None
        value = float(candidate.hyperparameters["x"])
        last = next((epoch for epoch in range(1, 10) if search.hopeless(candidate, epoch, value)), 9)
        epochs[number] = (value, last)
        search.tell(candidate, value)
    short = [value for value, last in epochs.values() if last < 9]
    full_length = [value for value, last in epochs.values() if last == 9]
    assert short
    assert full_length
    assert sum(full_length) / len(full_length) > sum(short) / len(short)


def test_scaling() -> None:
    reverse = NumberRange("r", 0.5, 0.999, "ReverseLogarithmic", integer=False)
    low, high = reverse.bounds
    assert (reverse.text(low), reverse.text(high)) == ("0.999", "0.5")
    assert reverse.inner("0.999") == pytest.approx(low)
    found = space({"ContinuousParameterRanges": [{"Name": "a", "MinValue": "0.0001", "MaxValue": "1"}]}).ranges[0]
    assert isinstance(found, NumberRange)
    assert found.scaling == "Logarithmic"
    assert full().ranges[0] == NumberRange("depth", 2, 9, "Linear", integer=True)
    assert full().ranges[3] == Choice("kind", ("a", "b"))


@pytest.mark.parametrize(
    ("ranges", "text"),
    [
        ({}, "At least one"),
        ({"AutoParameters": [{"Name": "a", "ValueHint": "1"}]}, "AutoParameters"),
        ({"IntegerParameterRanges": [DEPTH], "CategoricalParameterRanges": [{**KIND, "Name": "depth"}]}, "unique"),
        ({"IntegerParameterRanges": [{**DEPTH, "MinValue": "10"}]}, "greater"),
        ({"IntegerParameterRanges": [{**DEPTH, "MinValue": "1.5"}]}, "not integer"),
        ({"ContinuousParameterRanges": [{**ETA, "MinValue": "x"}]}, "not continuous"),
        ({"ContinuousParameterRanges": [{**ETA, "MinValue": "0"}]}, "Logarithmic"),
        ({"ContinuousParameterRanges": [{**RATE, "MaxValue": "1"}]}, "ReverseLogarithmic"),
        ({"IntegerParameterRanges": [{**DEPTH, "ScalingType": "ReverseLogarithmic"}]}, "ReverseLogarithmic"),
        ({"CategoricalParameterRanges": [{"Name": "k", "Values": ["a", "a"]}]}, "unique"),
        ({"ContinuousParameterRanges": [{**ETA, "MaxValue": "inf"}]}, "greater"),
    ],
)
def test_ranges_that_are_refused(ranges: dict[str, Any], text: str) -> None:
    with pytest.raises(ServiceError, match=text):
        space(ranges)


def test_the_median_rule() -> None:
    """Averages up to the second epoch are 2, 4 and 6: their median is 4."""
    previous = [[1.0, 3.0, 9.0], [4.0, 4.0], [7.0, 5.0], [100.0]]
    assert early_stopping.worse_than_median([9.0, 3.9], previous, maximize=True)
    assert not early_stopping.worse_than_median([0.0, 4.0], previous, maximize=True)
    assert early_stopping.worse_than_median([0.0, 4.1], previous, maximize=False)
    assert not early_stopping.worse_than_median([9.0, 3.9], previous, maximize=False)
    assert not early_stopping.worse_than_median([0.0], [], maximize=True)
    assert not early_stopping.worse_than_median([], previous, maximize=True)
    assert not early_stopping.worse_than_median([0.0] * 4, previous, maximize=True)


def test_not_improving_and_converged() -> None:
    assert early_stopping.not_improving([], maximize=True) == 0
    assert early_stopping.not_improving([1, 2, 2, 1.5], maximize=True) == 2
    assert early_stopping.not_improving([3, 2, 1], maximize=False) == 0
    assert not early_stopping.converged([1.0] * 19, maximize=True)
    assert early_stopping.converged([*range(10), *[9.0] * 10], maximize=True)
    assert not early_stopping.converged([float(each) for each in range(20)], maximize=True)
