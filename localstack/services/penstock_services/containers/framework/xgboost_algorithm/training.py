"""Training of the algorithm: data, rounds with their metrics in the log, checkpoints, the model."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from penstock_services.containers.framework import paths
from penstock_services.containers.framework.failure import ContainerError, UserError
from penstock_services.containers.framework.job import TrainingJob
from penstock_services.containers.framework.xgboost_algorithm import (
    checkpoints,
    data,
    distributed,
    hyperparameters,
    metrics,
)

MODEL = "xgboost-model"
# Until 1.2 the images pickled the model; since then they let the library write it.
_PICKLED = ("0.90", "1.0", "1.2")


def train(job: TrainingJob) -> None:
    """Train as the job says. Raises ContainerError."""
    values = hyperparameters.validate(job.hyperparameters)
    if "train" not in job.channels:
        message = "Missing required channel: train"
        raise UserError(message)
    for name in job.channels:
        if name not in ("train", "validation", "code"):
            message = f"Extraneous channel found: {name}"
            raise UserError(message)
    kind = data.content_type(job.channels["train"].get("ContentType"))
    matrix = data.matrix(job.channel("train"), kind, weights=values.get("csv_weights") == 1)
    validation = data.matrix(job.channel("validation"), kind) if "validation" in job.channels else None
    if matrix is None and len(job.hosts) == 1:
        message = f"No data in training channel path {job.channel('train')}"
        raise UserError(message)
    if "validation" in job.channels and validation is None and len(job.hosts) == 1:
        message = f"No data in validation channel path {job.channel('validation')}"
        raise UserError(message)
    with distributed.together(job, has_data=matrix is not None) as is_master:
        if matrix is not None:
            _Training(job, values, matrix, validation, is_master=is_master).run()


class _Training:
    """One training run on this host."""

    def __init__(
        self, job: TrainingJob, values: dict[str, Any], matrix: Any, validation: Any, *, is_master: bool
    ) -> None:
        self.values = values
        self.matrix = matrix
        self.validation = validation
        self.is_master = is_master
        place = job.checkpoints.get("LocalPath") or (str(paths.CHECKPOINTS) if job.checkpoints else "")
        self.checkpoints = Path(place) if place else None
        self.booster: Any = None

    def run(self) -> None:
        """Train to the end and write the model."""
        import xgboost

        parameters, custom = hyperparameters.of_library(self.values)
        print(f"Train matrix has {self.matrix.num_row()} rows and {self.matrix.num_col()} columns", flush=True)
        watched = [(self.matrix, "train")]
        if self.validation is not None:
            print(f"Validation matrix has {self.validation.num_row()} rows", flush=True)
            watched.append((self.validation, "validation"))
        path, done = checkpoints.newest(self.checkpoints) if self.checkpoints else (None, 0)
        if path:
            print(f"Checkpoint loaded from {path}\nResuming from iteration {done}", flush=True)
        rounds = int(self.values["num_round"]) - done
        signal.signal(signal.SIGTERM, self._terminated)
        options: dict[str, Any] = {}
        if custom:
            options["custom_metric"] = metrics.custom(custom, str(parameters.get("objective", "")))
        if "early_stopping_rounds" in self.values:
            options["early_stopping_rounds"] = self.values["early_stopping_rounds"]
        if rounds <= 0:
            self.booster = xgboost.Booster(model_file=str(path))
        else:
            try:
                self.booster = xgboost.train(
                    parameters,
                    self.matrix,
                    num_boost_round=rounds,
                    evals=watched,
                    xgb_model=str(path) if path else None,
                    callbacks=[_callback(self, done)],
                    verbose_eval=False,
                    **options,
                )
            except (xgboost.core.XGBoostError, ValueError, TypeError) as error:
                message = f"XGB train call failed with exception:\n {error}"
                raise ContainerError(message) from error
        self._save()

    def _save(self) -> None:
        if not self.is_master or self.booster is None:
            return
        paths.MODEL.mkdir(parents=True, exist_ok=True)
        place = paths.MODEL / MODEL
        if os.environ.get("PENSTOCK_IMAGE_VERSION", "").startswith(_PICKLED):
            place.write_bytes(pickle.dumps(self.booster))
        else:
            checkpoints.write(self.booster, place)

    def after_round(self, booster: Any, number: int) -> None:
        """A round is over."""
        self.booster = booster
        if self.checkpoints and self.is_master:
            checkpoints.save(booster, self.checkpoints, number)

    def _terminated(self, _number: int, _frame: FrameType | None) -> None:
        if self.values.get("save_model_on_termination") == "true":
            self._save()
        sys.exit(0)


def _callback(training: _Training, done: int) -> Any:
    """Writes each round's metrics as the images' logs show them, with ``#011`` for a tab."""
    import xgboost

    class Rounds(xgboost.callback.TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, dict[str, list[Any]]]) -> bool:
            shown = [
                f"{part}-{name}:{float(history[-1]):.5f}"
                for part, of_part in evals_log.items()
                for name, history in of_part.items()
            ]
            if training.is_master:
                print("#011".join([f"[{done + epoch}]", *shown]), flush=True)
            training.after_round(model, done + epoch)
            return False

    return Rounds()
