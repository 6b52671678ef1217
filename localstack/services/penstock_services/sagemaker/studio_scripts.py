"""Life-cycle scripts of Studio: one that settings still name cannot be deleted.

Source: DeleteStudioLifecycleConfig in the API reference ("You must also remove the Lifecycle Configuration from
UserSettings in all Domains and UserProfiles").
"""

from __future__ import annotations

import json
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, check
from penstock_services.sagemaker.engine import find

_NAMING = ("Domain", "UserProfile", "Space")


@check("DeleteStudioLifecycleConfig")
def _unused(context: Context, request: dict[str, Any]) -> None:
    _, record = find(context, "StudioLifecycleConfig", request["StudioLifecycleConfigName"])
    quoted = json.dumps(record["StudioLifecycleConfigArn"])
    for kind in _NAMING:
        for row in context.store.select(context.scope, kind):
            if quoted in json.dumps(row.record):
                message = f"Unable to delete {record['StudioLifecycleConfigArn']}: {kind} {row.key} uses it."
                raise ServiceError("ResourceInUse", message)
