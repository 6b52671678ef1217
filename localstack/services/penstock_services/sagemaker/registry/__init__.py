"""The model registry: model packages with versions, approval, life cycle, cards and events; policies of their groups."""

from penstock_services.sagemaker.registry import groups as groups
from penstock_services.sagemaker.registry import packages as packages
from penstock_services.sagemaker.registry.models import package_of

__all__ = ["package_of"]
