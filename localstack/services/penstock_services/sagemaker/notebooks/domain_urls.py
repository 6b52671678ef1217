"""CreatePresignedDomainUrl: the URL opens an app; Studio's own pages are AWS's.

(Amazon SageMaker API reference, CreatePresignedDomainUrl: what a LandingUri may be.)
"""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, operation
from penstock_services.sagemaker import engine
from penstock_services.sagemaker.notebooks import resource
from penstock_services.sagemaker.notebooks.apps import TYPES
from penstock_services.sagemaker.notebooks.owners import apps_of

Record = dict[str, Any]


@operation("CreatePresignedDomainUrl")
def presigned_url(context: Context, request: Record) -> Record:
    """A URL that opens the newest app in service of the user, or of the space that is named."""
    domain, _ = engine.find(context, "Domain", request["DomainId"])
    user = request["UserProfileName"]
    engine.find(context, "UserProfile", f"{domain}/{user}")
    if "SpaceName" in request:
        engine.find(context, "Space", f"{domain}/{request['SpaceName']}")
    wanted, path = _landing(request.get("LandingUri", ""))
    for app in apps_of(context, domain):
        if app["Status"] == "InService" and app["AppType"] in wanted and _is_for(context, app, request):
            url = resource.authorized_url(app, app["AppArn"], request, path)
            if url is not None:
                return {"AuthorizedUrl": url}
    where = f"space {request['SpaceName']}" if "SpaceName" in request else f"user profile {user}"
    raise _refused(f"for {where}, which has no app of type {' or '.join(wanted)} in service")


def _is_for(context: Context, app: Record, request: Record) -> bool:
    """Whether an app is in the named space; else, whether it is the user's own, or in a space that the user owns."""
    if "SpaceName" in request:
        return bool(app.get("SpaceName") == request["SpaceName"])
    if "SpaceName" not in app:
        return bool(app["UserProfileName"] == request["UserProfileName"])
    space = context.store.get(context.scope, "Space", f"{app['DomainId']}/{app['SpaceName']}") or {}
    owner = space.get("OwnershipSettings", {}).get("OwnerUserProfileName")
    return bool(owner == request["UserProfileName"])


def _landing(uri: str) -> tuple[tuple[str, ...], str]:
    """The types of apps that a landing page is of, and the path in it."""
    if not uri:
        return TYPES, ""
    scheme, _, rest = uri.partition(":")
    app_type, _, path = rest.partition(":")
    if scheme != "app" or app_type not in TYPES:
        raise _refused(f"with the LandingUri {uri!r}")
    return (app_type,), path.lstrip("/")


def _refused(what: str) -> ServiceError:
    message = (
        f"CreatePresignedDomainUrl {what}: Penstock's local SageMaker has none of Studio's own pages, only its JupyterLab "
        "and JupyterServer apps."
    )
    return ServiceError("NotImplementedException", message, 501)
