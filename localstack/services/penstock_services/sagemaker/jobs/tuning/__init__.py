"""Hyperparameter tuning: training jobs that a strategy chooses."""

from penstock_services.sagemaker.jobs.tuning import operations

__all__ = ["operations"]
