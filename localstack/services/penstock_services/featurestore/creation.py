"""Feature groups that the feature store cannot serve are refused when they are created."""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, check

_COLLECTIONS_NEED = "InMemory"


@check("CreateFeatureGroup")
def check_creation(_context: Context, request: dict[str, Any]) -> None:
    """Refuse collections outside of the in-memory store, as AWS does, and Iceberg tables, which are not written here."""
    online = request.get("OnlineStoreConfig") or {}
    collections = [each["FeatureName"] for each in request["FeatureDefinitions"] if each.get("CollectionType")]
    if collections and online.get("StorageType") != _COLLECTIONS_NEED:
        names = ", ".join(collections)
        raise ServiceError(
            "ValidationException",
            f"Validation Error: collection types of features [{names}] need StorageType {_COLLECTIONS_NEED}",
        )
    if (request.get("OfflineStoreConfig") or {}).get("TableFormat") == "Iceberg":
        raise ServiceError(
            "NotImplementedException",
            "OfflineStoreConfig.TableFormat Iceberg is not served by the local cloud; use Glue",
            501,
        )
