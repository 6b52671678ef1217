"""Experiments, trials and trial components, and the metrics of trial components (the sagemaker-metrics API).

For what starts jobs itself, such as a pipeline execution: ``associate`` makes the experiment and the trial that are to
hold its jobs, and answers the ``ExperimentConfig`` to give to each Create...Job.
"""

from penstock_services.sagemaker.experiments import components as components
from penstock_services.sagemaker.experiments import jobs as jobs
from penstock_services.sagemaker.experiments import trials as trials
from penstock_services.sagemaker.experiments.api import routes
from penstock_services.sagemaker.experiments.trials import associate

__all__ = ["associate", "routes"]
