"""The command `train`: one SageMaker training job.

Reads the hyperparameters and the channel `train` (Parquet), calls the model's `train` and `save`, and leaves what
`/opt/ml/model` then holds to the platform, which packs it as model.tar.gz.
"""

from __future__ import annotations

import json
import os
import time

import pandas as pd

from penstock_pipelines import tracking
from penstock_pipelines.container import failure, model, paths
from penstock_pipelines.container.processing import log
from penstock_pipelines.errors import DataError


def hyperparameters() -> dict[str, str]:
    """The job's hyperparameters; SageMaker gives every value as a string."""
    file = paths.configuration("hyperparameters")
    if not file.exists():
        return {}
    values: dict[str, str] = {key: str(value) for key, value in json.loads(file.read_text()).items()}
    return values


def channel(name: str) -> pd.DataFrame:
    """All rows of a channel's Parquet files, in the order of their names."""
    files = sorted(paths.channel(name).rglob("*.parquet"))
    if not files:
        raise DataError(f"The channel {name!r} holds no Parquet file ({paths.channel(name)}).")
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def main() -> None:
    """Entry of the command `train`."""
    # Threads of OpenMP that wait in a loop make training ten times slower on a busy machine; read when it is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with failure.reported(), tracking.open_run(log) as tracker:
        train(tracker)


def train(tracker: tracking.Tracker) -> None:
    """Fit the model and save it; the run in MLflow gets what it was made from."""
    started = time.monotonic()
    module = model.find()
    values = hyperparameters()
    job = os.environ.get("TRAINING_JOB_NAME")
    tracker.log(parameters=values, tags={"sagemaker.training_job": job} if job else None)
    training = channel("train")
    log(f"training on {len(training)} rows, hyperparameters {json.dumps(values, sort_keys=True)}")
    fitted = module.train(training, values)
    paths.model().mkdir(parents=True, exist_ok=True)
    module.save(fitted, paths.model())
    seconds = time.monotonic() - started
    tracker.log(metrics={"training_rows": len(training), "training_seconds": round(seconds, 1)})
    log(f"model saved in {seconds:.1f} s: {sorted(p.name for p in paths.model().iterdir())}")


if __name__ == "__main__":
    main()
