"""Data drift in the file formats of SageMaker Model Monitor, by a processing job of our own.

AWS has closed Model Monitor to new accounts, so the analysis runs as an ordinary processing job
(`python -m penstock_pipelines.monitor`) in the model's own image; its files keep Model Monitor's
forms, so that whoever has tools for those can go on using them:

- `statistics`: statistics.json, what a data set looks like, column by column;
- `constraints`: constraints.json, what later data must hold to;
- `distances`: how far two distributions are apart;
- `violations`: constraint_violations.json, what later data broke;
- `capture`: the JSON lines that an endpoint's data capture writes;
- `job`: the request that starts the processing job.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from penstock_pipelines.monitoring.constraints import suggest
from penstock_pipelines.monitoring.statistics import describe


def baseline(frame: pd.DataFrame, features: Sequence[str], threshold: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """The baseline to register with a model: statistics of every column, constraints on those that are watched.

    `frame` has the columns that the endpoint will see, in their order, then what it answers; one row a prediction.
    `features` names the columns whose drift means something; `threshold` is the largest distance (0 to 1) that is no drift.
    """
    statistics = describe(frame)
    return statistics, suggest(statistics, features, threshold)
