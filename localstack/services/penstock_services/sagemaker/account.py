"""What an account has beside resources: endpoint policies, Service Catalog's switch, subscriptions, resource catalogs.

Nothing can be bought or shared into a local cloud, so the lists of what others offer are empty.
"""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, operation
from penstock_services.sagemaker.engine import find
from penstock_services.sagemaker.hooks import hook

Record = dict[str, Any]
_POLICY = "EndpointPolicy"
_PORTFOLIO = "ServicecatalogPortfolio"


@operation("PutEndpointPolicy", "record")
def _put_policy(context: Context, request: Record) -> Record:
    key, record = find(context, "Endpoint", request["EndpointName"])
    if record["EndpointStatus"] in ("Deleting", "Failed"):
        message = f'Endpoint "{record["EndpointArn"]}" is {record["EndpointStatus"]}: it cannot take a policy.'
        raise ServiceError("ValidationException", message)
    context.store.put(context.scope, _POLICY, key, {"ResourcePolicy": request["ResourcePolicy"]})
    return {"EndpointArn": record["EndpointArn"]}


@operation("GetEndpointPolicy", "record")
def _get_policy(context: Context, request: Record) -> Record:
    key, record = find(context, "Endpoint", request["EndpointName"])
    policy = context.store.get(context.scope, _POLICY, key)
    if policy is None:
        raise _no_policy(record)
    return {"EndpointName": record["EndpointName"], "EndpointArn": record["EndpointArn"], **policy}


@operation("DeleteEndpointPolicy", "record")
def _delete_policy(context: Context, request: Record) -> Record:
    key, record = find(context, "Endpoint", request["EndpointName"])
    if not context.store.delete(context.scope, _POLICY, key):
        raise _no_policy(record)
    return {}


def _no_policy(record: Record) -> ServiceError:
    return ServiceError("ResourceNotFound", f'Endpoint "{record["EndpointArn"]}" has no policy.')


@hook("Endpoint", "prepare")
def _fresh(context: Context, record: Record) -> None:
    """A new endpoint has no policy, whatever one of its name had before."""
    context.store.delete(context.scope, _POLICY, record["EndpointName"])


@operation("EnableSagemakerServicecatalogPortfolio", "record")
def _enable(context: Context, _request: Record) -> Record:
    context.store.put(context.scope, _PORTFOLIO, "status", {"Status": "Enabled"})
    return {}


@operation("DisableSagemakerServicecatalogPortfolio", "record")
def _disable(context: Context, _request: Record) -> Record:
    context.store.put(context.scope, _PORTFOLIO, "status", {"Status": "Disabled"})
    return {}


@operation("GetSagemakerServicecatalogPortfolioStatus", "record")
def _status(context: Context, _request: Record) -> Record:
    found = context.store.get(context.scope, _PORTFOLIO, "status") or {}
    return {"Status": found.get("Status", "Disabled")}


@operation("ListSubscribedWorkteams", "record")
def _subscribed(_context: Context, _request: Record) -> Record:
    return {"SubscribedWorkteams": []}


@operation("DescribeSubscribedWorkteam", "record")
def _subscription(_context: Context, request: Record) -> Record:
    raise ServiceError("ValidationException", f"The work team {request['WorkteamArn']} does not exist.")


@operation("ListResourceCatalogs", "record")
def _catalogs(_context: Context, _request: Record) -> Record:
    return {"ResourceCatalogs": []}


@operation("ListLabelingJobsForWorkteam", "record")
def _labeling_jobs(context: Context, request: Record) -> Record:
    find(context, "Workteam", request["WorkteamArn"])
    return {"LabelingJobSummaryList": []}
