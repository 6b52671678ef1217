"""Metric definitions that SageMaker itself has for a built-in algorithm: a job need not give them, and Describe shows them.

SageMaker developer guide, "Monitor and Analyze Training Jobs Using Amazon CloudWatch Metrics": "If you use a built-in
algorithm, you don't need to define metrics".
"""

from __future__ import annotations

from penstock_services.containers.framework.xgboost_algorithm import metrics
from penstock_services.execution.framework_images import RefusedImageError, match
from penstock_services.operations import Context
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.jobs.base import Record


def is_algorithm(record: Record) -> bool:
    """Whether a training job runs the built-in XGBoost algorithm, not a script in its image."""
    algorithm = record.get("AlgorithmSpecification", {})
    scripted = (
        "ContainerEntrypoint" in algorithm
        or "sagemaker_program" in record.get("HyperParameters", {})
        or "SAGEMAKER_PROGRAM" in record.get("Environment", {})
    )
    try:
        image = match(algorithm.get("TrainingImage", ""))
    except RefusedImageError:
        return False
    return image is not None and not scripted and ("PENSTOCK_FRAMEWORK", "xgboost") in image.repository.environment


@hook("TrainingJob", "prepare")
def define(_context: Context, record: Record) -> None:
    """Give a job of the algorithm its metrics."""
    if is_algorithm(record):
        record["AlgorithmSpecification"].setdefault("MetricDefinitions", list(metrics.definitions()))
