"""Batch transform: a model's containers over the objects below a prefix."""

from penstock_services.sagemaker.jobs.transform import operations

__all__ = ["operations"]
