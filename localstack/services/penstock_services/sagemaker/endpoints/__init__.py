"""Endpoints: real serving processes, their deployment, their runtime, and data capture."""

from penstock_services.sagemaker.endpoints import deployment
from penstock_services.sagemaker.endpoints.invocation import routes

__all__ = ["deployment", "routes"]
