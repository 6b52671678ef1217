"""SageMaker Feature Store: records online and offline, behind the runtime API's routes."""

from penstock_services.featurestore import creation as creation
from penstock_services.featurestore import deletion as deletion
from penstock_services.featurestore.runtime import routes

__all__ = ["routes"]
