"""What the pipeline's jobs tell MLflow: one run for each execution, in a few batched requests, without MLflow's client.

- ``client`` speaks MLflow's REST API to a tracking server, by its address or by the ARN of a managed one;
- ``run`` finds or starts the execution's run, and never lets a job fail.
"""

from penstock_pipelines.tracking.run import NONE, Tracker, open_run

__all__ = ["NONE", "Tracker", "open_run"]
