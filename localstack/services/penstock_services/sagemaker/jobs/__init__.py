"""Jobs that really run: training, processing, batch transform, tuning, compilation."""

from penstock_services.sagemaker.jobs import (
    algorithm_metrics,
    compilation,
    processing,
    training,
    training_checks,
    training_operations,
    transform,
    tuning,
)

__all__ = [
    "algorithm_metrics", "compilation", "processing", "routes", "training", "training_checks", "training_operations",
    "transform", "tuning",
]  # fmt: skip

routes = [*training_operations.ROUTES]
