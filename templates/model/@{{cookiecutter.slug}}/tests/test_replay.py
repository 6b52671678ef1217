"""The comparison that a replay makes."""

import pandas as pd
import pytest
from penstock_pipelines.errors import DataError

from @{{ cookiecutter.package }} import dataset, replay


def test_equal_rows_do_not_differ(rows: pd.DataFrame) -> None:
    offline = dataset.inputs_as_numbers(rows.tail(50))
    outcome = replay.compare(offline, offline.copy())
    assert outcome["compared"] == 50 * len(dataset.INPUTS)
    assert outcome["different"] == 0


@pytest.mark.parametrize("value", [1e9, float("nan")])
def test_one_changed_value_is_found_and_named(rows: pd.DataFrame, value: float) -> None:
    offline = dataset.inputs_as_numbers(rows.tail(50).reset_index(drop=True))
    online = offline.copy()
    online.loc[7, "origin_late_share_1h"] = value
    outcome = replay.compare(offline, online)
    assert outcome["different"] == 1
    assert outcome["examples"][0]["flight_id"] == offline["flight_id"][7]
    assert outcome["examples"][0]["input"] == "origin_late_share_1h"


def test_a_sample_is_seeded_and_in_order(rows: pd.DataFrame) -> None:
    one, other = replay.chosen(rows, 20, seed=1), replay.chosen(rows, 20, seed=1)
    assert one["flight_id"].tolist() == other["flight_id"].tolist()
    assert one["scheduled_at"].is_monotonic_increasing
    with pytest.raises(DataError, match="no flight"):
        replay.chosen(rows.head(0), 20, seed=1)
