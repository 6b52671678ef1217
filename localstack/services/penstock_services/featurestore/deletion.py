"""A feature group's records are on S3 before the group is gone, so that what follows may empty and delete the bucket."""

from __future__ import annotations

from typing import Any

from penstock_services.featurestore.runtime import records_of
from penstock_services.operations import Context, check


@check("DeleteFeatureGroup")
def write_what_waits(context: Context, _request: dict[str, Any]) -> None:
    """Write the offline store's buffers; what cannot be written now is dropped with the group."""
    records_of(context).flush()
