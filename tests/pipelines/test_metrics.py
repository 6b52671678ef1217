"""Metrics."""

from __future__ import annotations

import numpy as np
import pytest

from penstock_pipelines import metrics

LABELS = np.array([0.0, 0, 1, 1])


def test_known_values() -> None:
    values = metrics.binary(LABELS, np.array([0.1, 0.4, 0.35, 0.8]))
    assert values["auc"] == 0.75
    assert values["positive_rate"] == 0.5
    assert values["rows"] == 4
    assert values["brier"] == pytest.approx(np.mean([0.01, 0.16, 0.4225, 0.04]), abs=1e-6)


def test_scores_of_zero_and_one_have_a_finite_loss() -> None:
    assert np.isfinite(metrics.binary(LABELS, np.array([0.0, 1.0, 0.0, 1.0]))["log_loss"])


def test_slices_that_are_small_or_of_one_label_are_left_out() -> None:
    labels = np.tile([0.0, 1.0], 300)
    slices = np.array(["big"] * 500 + ["small"] * 100, dtype=object)
    assert set(metrics.by_slice(labels, labels * 0.5, slices)) == {"big"}
    assert metrics.by_slice(np.zeros(300), np.zeros(300), np.array(["x"] * 300, dtype=object)) == {}


def test_curves_run_from_corner_to_corner() -> None:
    random = np.random.default_rng(0)
    scores = random.random(500)
    found = metrics.curves((random.random(500) < scores).astype(float), scores)
    assert (found["roc"]["true_positive_rate"][0], found["roc"]["true_positive_rate"][-1]) == (0.0, 1.0)
    assert sum(part["rows"] for part in found["calibration"]) == 500
    rates = [part["score"] for part in found["calibration"]]
    assert rates == sorted(rates)
