"""Training and processing jobs: real processes under SageMaker's container contract."""

from penstock_services.sagemaker.jobs import processing, training

__all__ = ["processing", "training"]
