"""What `penstock train --json` says of the champion: measured on the same rows, or said to be of others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from penstock_ci import registry, training

NOBODY = cast(Any, None)


def test_the_evaluations_own_comparison_is_on_the_same_rows() -> None:
    evaluated = {"champion": {"version": 2, "arn": "arn", "metrics": {"auc": 0.7, "rows": 9}}}
    assert training.comparison(NOBODY, evaluated, None) == {"version": 2, "metrics": {"auc": 0.7}, "same_rows": True}


def test_a_champion_that_could_not_be_compared_keeps_its_own_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "metrics", lambda target, version: {"auc": 0.8})
    before = cast(Any, SimpleNamespace(number=1))
    for evaluated in ({}, {"champion": {"version": 1, "metrics": None, "reason": "not comparable: other inputs"}}):
        assert training.comparison(NOBODY, evaluated, before) == {
            "version": 1,
            "metrics": {"auc": 0.8},
            "same_rows": False,
        }


def test_no_champion_yet() -> None:
    assert training.comparison(NOBODY, {"champion": {"version": None, "metrics": None}}, None) is None
