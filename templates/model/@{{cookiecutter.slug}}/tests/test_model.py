"""Training and predicting."""

from pathlib import Path

import pandas as pd
import pytest
from penstock_pipelines import metrics
from penstock_pipelines.container.model import FUNCTIONS

import conftest
from @{{ cookiecutter.package }} import dataset, model

SMALL = {"rounds": "30", "seed": "7"}


@pytest.fixture(scope="module")
def training(rows: pd.DataFrame) -> pd.DataFrame:
    return dataset.examples(rows, conftest.FIRST, conftest.SPLIT)


@pytest.fixture(scope="module")
def evaluation(rows: pd.DataFrame) -> pd.DataFrame:
    return dataset.examples(rows, conftest.SPLIT, conftest.UNTIL)


def test_the_module_has_what_the_container_calls() -> None:
    assert all(callable(getattr(model, name)) for name in FUNCTIONS)


def test_it_learns_something(training: pd.DataFrame, evaluation: pd.DataFrame) -> None:
    scores = model.predict(model.train(training, SMALL), evaluation)
    values = metrics.binary(evaluation[dataset.LABEL].to_numpy(float), pd.Series(scores).to_numpy())
    assert 0.6 < values["auc"] < 0.99


def test_the_same_seed_gives_the_same_model(training: pd.DataFrame, evaluation: pd.DataFrame) -> None:
    one, other = (model.predict(model.train(training, SMALL), evaluation) for _ in range(2))
    assert one == other
    assert one != model.predict(model.train(training, {**SMALL, "seed": "8"}), evaluation)


def test_a_saved_model_predicts_the_same(tmp_path: Path, training: pd.DataFrame, evaluation: pd.DataFrame) -> None:
    fitted = model.train(training, SMALL)
    model.save(fitted, tmp_path)
    assert model.predict(model.load(tmp_path), evaluation) == model.predict(fitted, evaluation)


def test_an_airline_that_was_never_seen_is_no_error(training: pd.DataFrame, evaluation: pd.DataFrame) -> None:
    fitted = model.train(training, SMALL)
    assert len(model.predict(fitted, evaluation.head(3).assign(carrier="ZZ"))) == 3


def test_training_and_evaluation_do_not_overlap(training: pd.DataFrame, evaluation: pd.DataFrame) -> None:
    assert training["scheduled_at"].max() < evaluation["scheduled_at"].min()
    assert not set(training["flight_id"]) & set(evaluation["flight_id"])


def test_cancelled_flights_are_no_examples(rows: pd.DataFrame, training: pd.DataFrame) -> None:
    cancelled = set(rows[rows["cancelled"]]["flight_id"])
    assert cancelled
    assert not cancelled & set(training["flight_id"])


def test_a_sample_is_seeded(training: pd.DataFrame) -> None:
    one, other = dataset.sample(training, 0.1, 7), dataset.sample(training, 0.1, 7)
    pd.testing.assert_frame_equal(one, other)
    assert len(one) == round(len(training) * 0.1)
