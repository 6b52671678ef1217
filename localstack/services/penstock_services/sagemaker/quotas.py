"""How many of a kind an account may have in a region: AWS's documented defaults, where a program may well meet them.

Sources: "Quotas, naming rules and data types" (Feature Store), "Feature Processor restrictions, limits, and quotas"
(pipelines) in the developer guide; CreateWorkforce and CreateWorkteam in the API reference.
"""

from __future__ import annotations

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.kinds import Kind

QUOTAS: dict[str, int] = {
    "FeatureGroup": 100,
    "Pipeline": 500,
    "Workforce": 1,
    "Workteam": 25,
}


def check(context: Context, kind: Kind) -> None:
    """Raise ``ResourceLimitExceeded`` where one more would be too many."""
    limit = QUOTAS.get(kind.name)
    if limit is None or context.store.count(context.scope, kind.name, most=limit) < limit:
        return
    message = (
        f"The account-level service limit 'Number of {kind.name} resources' is {limit}, with current utilization of "
        f"{limit} and a request delta of 1. Please use AWS Service Quotas to request an increase for this quota."
    )
    raise ServiceError("ResourceLimitExceeded", message)
