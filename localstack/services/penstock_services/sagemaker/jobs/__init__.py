"""Jobs that really run: training, processing, batch transform, tuning, Autopilot, compilation."""

from penstock_services.sagemaker.jobs import (
    algorithm_metrics,
    automl,
    compilation,
    processing,
    training,
    training_checks,
    training_operations,
    transform,
    tuning,
)

__all__ = [
    "algorithm_metrics", "automl", "compilation", "processing", "routes", "training", "training_checks", "training_operations",
    "transform", "tuning",
]  # fmt: skip

routes = [*training_operations.ROUTES]
