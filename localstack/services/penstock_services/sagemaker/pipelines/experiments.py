"""The experiment and trial of an execution, made when it starts.

"Amazon SageMaker Experiments integration" (pipelines-experiments.html): creation is skipped where an experiment or trial of
the name exists; by default the experiment has the pipeline's name and the trial the execution's id. The jobs of the steps
are told both, and become trial components by that.
"""

from __future__ import annotations

import logging
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.experiments import associate

_LOG = logging.getLogger(__name__)


def create(context: Context, configuration: dict[str, Any], execution_id: str) -> dict[str, str] | None:
    """Make what a resolved PipelineExperimentConfig names; None where that cannot be (a name that is too long)."""
    experiment = configuration.get("ExperimentName")
    if not experiment:
        return None
    trial = configuration.get("TrialName") or execution_id
    try:
        return associate(context, experiment=str(experiment), trial=str(trial))
    except ServiceError as error:
        _LOG.info("no experiment %s for an execution: %s", experiment, error)
        return None
