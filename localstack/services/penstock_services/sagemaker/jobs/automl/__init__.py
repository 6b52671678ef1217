"""Autopilot jobs on tabular data: processing and training jobs that find the best of several candidates."""

from penstock_services.sagemaker.jobs.automl import operations

__all__ = ["operations"]
