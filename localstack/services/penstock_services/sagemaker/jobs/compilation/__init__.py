"""Compilation jobs: tree models to ONNX."""

from penstock_services.sagemaker.jobs.compilation import operations

__all__ = ["operations"]
