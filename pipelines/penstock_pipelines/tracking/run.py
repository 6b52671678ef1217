"""One MLflow run for each execution of a pipeline: the first job starts it, later jobs find it by its tag.

Whatever goes wrong is told in the job's log and ends the tracking, never the job.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Self

from penstock_pipelines.tracking.client import Client, TrackingError, server

SERVER_VARIABLE = "PENSTOCK_TRACKING_SERVER"
EXPERIMENT_VARIABLE = "PENSTOCK_TRACKING_EXPERIMENT"
EXECUTION_VARIABLE = "PENSTOCK_EXECUTION"
"""What the pipeline's definition gives its jobs: the server (address, ARN or "none"), the experiment, the execution."""

NONE = "none"
EXECUTION_TAG = "penstock.execution"
PARAMETERS_A_BATCH, METRICS_A_BATCH, TAGS_A_BATCH = 100, 1000, 100
"""MLflow's limits for runs/log-batch (MLflow REST API, "Log Batch")."""

LONGEST_PARAMETER, LONGEST_TAG = 6000, 5000

Log = Callable[[str], None]
Status = Literal["FINISHED", "FAILED"]


class Tracker:
    """A run that is written to. `run_id` is "none" where there is none, and then nothing is sent."""

    def __init__(self, client: Client | None, run_id: str, execution: str, tell: Log) -> None:
        self._client = client
        self.run_id = run_id
        self._execution = execution
        self._tell = tell

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """A job that fails ends the run as failed; one that does not leaves it open for the next job."""
        if kind is not None:
            self.finish("FAILED")

    def log(
        self,
        parameters: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> None:
        """Write parameters, metrics and tags, all in one request where MLflow's limits allow it."""
        now = int(time.time() * 1000)
        made: dict[str, list[dict[str, Any]]] = {
            "params": [{"key": k, "value": str(v)[:LONGEST_PARAMETER]} for k, v in (parameters or {}).items()],
            "metrics": [{"key": k, "value": float(v), "timestamp": now, "step": 0} for k, v in (metrics or {}).items()],
            "tags": [{"key": k, "value": str(v)[:LONGEST_TAG]} for k, v in (tags or {}).items()],
        }

        def send(client: Client) -> None:
            for batch in batches(made):
                client.post("runs/log-batch", run_id=self.run_id, **batch)

        self._attempt(send)

    def dataset(self, name: str, version: str, context: str) -> None:
        """Tell which data the run used, by their version, and what for ("training", "evaluation")."""
        entry = {
            "tags": [{"key": "mlflow.data.context", "value": context}],
            "dataset": {
                "name": name,
                "digest": version,
                "source_type": "code",
                "source": json.dumps({"tags": {"mlflow.source.type": "JOB", "mlflow.source.name": self._execution}}),
            },
        }
        self._attempt(lambda client: client.post("runs/log-inputs", run_id=self.run_id, datasets=[entry]))

    def finish(self, status: Status) -> None:
        """End the run."""
        end = int(time.time() * 1000)
        self._attempt(lambda client: client.post("runs/update", run_id=self.run_id, status=status, end_time=end))

    def _attempt(self, send: Callable[[Client], Any]) -> None:
        if self._client is None:
            return
        try:
            send(self._client)
        except TrackingError as error:
            self._client = None
            self._tell(f"MLflow: {error}; nothing more is logged there, the job goes on")


def batches(made: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Sequence[Any]]]:
    """Bodies of runs/log-batch that keep MLflow's limits."""
    limits = {"params": PARAMETERS_A_BATCH, "metrics": METRICS_A_BATCH, "tags": TAGS_A_BATCH}
    turns = max((-(-len(made[key]) // limit) for key, limit in limits.items()), default=0)
    for turn in range(turns):
        batch = {key: made[key][turn * limit : (turn + 1) * limit] for key, limit in limits.items()}
        yield {key: values for key, values in batch.items() if values}


def open_run(tell: Log, environment: Mapping[str, str] = os.environ) -> Tracker:
    """The run of this job's execution; one that writes nothing where no server is configured or none answers.

    MLflow's own variables are set too, so that a model's code that uses MLflow writes to the same run.
    """
    name = environment.get(SERVER_VARIABLE, "") or NONE
    execution = environment.get(EXECUTION_VARIABLE) or "local"
    if name == NONE:
        return Tracker(None, NONE, execution, tell)
    experiment_name = environment.get(EXPERIMENT_VARIABLE) or "penstock"
    try:
        client = Client(server(name, environment))
        experiment = _experiment(client, experiment_name)
        run_id = _find(client, experiment, execution) or _start(client, experiment, execution)
    except TrackingError as error:
        tell(f"MLflow: {error}; nothing is logged there, the job goes on")
        return Tracker(None, NONE, execution, tell)
    os.environ.update(MLFLOW_TRACKING_URI=name, MLFLOW_EXPERIMENT_NAME=experiment_name, MLFLOW_RUN_ID=run_id)
    tell(f"MLflow: run {run_id} of experiment {experiment_name}")
    return Tracker(client, run_id, execution, tell)


def _experiment(client: Client, name: str) -> str:
    """The experiment's id; it is made if it is not there."""
    try:
        return str(client.get("experiments/get-by-name", experiment_name=name)["experiment"]["experiment_id"])
    except TrackingError as error:
        if error.code != "RESOURCE_DOES_NOT_EXIST":
            raise
    try:
        return str(client.post("experiments/create", name=name)["experiment_id"])
    except TrackingError as error:
        if error.code != "RESOURCE_ALREADY_EXISTS":
            raise
    # Another job was faster.
    return str(client.get("experiments/get-by-name", experiment_name=name)["experiment"]["experiment_id"])


def _find(client: Client, experiment: str, execution: str) -> str | None:
    """The execution's run, as long as it goes on: a retry after a failure gets a run of its own."""
    criterion = f"tags.`{EXECUTION_TAG}` = '{execution}' and attributes.status = 'RUNNING'"
    found = client.post("runs/search", experiment_ids=[experiment], filter=criterion, max_results=1)
    runs = found.get("runs") or []
    return str(runs[0]["info"]["run_id"]) if runs else None


def _start(client: Client, experiment: str, execution: str) -> str:
    tags = [{"key": EXECUTION_TAG, "value": execution}]
    made = client.post(
        "runs/create", experiment_id=experiment, run_name=execution, start_time=int(time.time() * 1000), tags=tags
    )
    return str(made["run"]["info"]["run_id"])
