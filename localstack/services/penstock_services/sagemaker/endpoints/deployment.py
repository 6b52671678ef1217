"""The life of endpoints: create, update, delete, and come up again after a restart."""

from __future__ import annotations

import threading
import uuid
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, ContextFactory, contexts_with, on_start, on_stop, operation
from penstock_services.sagemaker import hooks, tags
from penstock_services.sagemaker.endpoints import plan as planning
from penstock_services.sagemaker.endpoints.asynchronous import backlog
from penstock_services.sagemaker.endpoints.components import resuming
from penstock_services.sagemaker.endpoints.components.component import KIND as COMPONENT
from penstock_services.sagemaker.endpoints.description import described, pending
from penstock_services.sagemaker.endpoints.live import (
    REASON_LENGTH,
    STOPPED,
    Live,
    add,
    announce,
    change,
    every,
    in_background,
    live,
    remove,
    updatable,
)
from penstock_services.sagemaker.endpoints.metrics import METRICS
from penstock_services.sagemaker.endpoints.plan import Plan
from penstock_services.sagemaker.endpoints.serving.fleet import Fleet
from penstock_services.sagemaker.endpoints.serving.variant import DeploymentFailedError
from penstock_services.sagemaker.endpoints.updating import strategy
from penstock_services.sagemaker.endpoints.updating.shifting import replace
from penstock_services.sagemaker.engine import find, now
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.kinds import kinds
from penstock_services.store import Where

Record = dict[str, Any]
_PENDING = "PendingDeploymentSummary"


@hook("Endpoint", "prepare")
def _prepare(context: Context, record: Record) -> None:
    _, config = find(context, "EndpointConfig", record["EndpointConfigName"])
    plan = planning.make(context, config)
    deployment = record.pop("DeploymentConfig", None)
    if deployment is not None and plan.hosts:
        raise _unserved("CreateEndpoint with DeploymentConfig")
    if deployment is not None:
        strategy.parse(deployment, plan, plan, sum(each.instances for each in plan.variants))
        record["LastDeploymentConfig"] = deployment
    record["_plan"] = plan.to_record()
    record["_deployment"] = uuid.uuid4().hex[:8]


@hook("Endpoint", "created")
def _created(context: Context, record: Record) -> None:
    announce(context, record)
    endpoint = Live(context, record["EndpointName"], hosting=bool(record["_plan"]["hosts"]))
    add(endpoint)
    in_background(_bring_up, endpoint, record)


def _bring_up(endpoint: Live, record: Record) -> None:
    """Start what the record plans; InService or Failed."""
    with endpoint.lock:
        plan = Plan.from_record(record["_plan"])
        fleet = Fleet(endpoint.context, endpoint.name, plan, endpoint.folder / record["_deployment"])
        if record["EndpointStatus"] == "Creating":
            summary = pending(endpoint.context, fleet, now(), "Creating", "A fleet is coming up.")
            change(endpoint, PendingDeploymentSummary=summary)
            if plan.hosts:
                # Nothing is started on its instances; the state is seen all the same, as those of other kinds are.
                STOPPED.wait(endpoint.context.settings.step_seconds)
        try:
            fleet.start()
        except DeploymentFailedError as error:
            if not endpoint.over:
                change(endpoint, (_PENDING,), EndpointStatus="Failed", FailureReason=str(error)[:REASON_LENGTH])
            return
        if endpoint.over:
            fleet.stop(forget=endpoint.gone)
            return
        endpoint.sides = (endpoint.side(fleet).taking(1.0),)
        resuming.resume(endpoint)
        change(endpoint, (_PENDING,), EndpointStatus="InService", **described(endpoint.context, fleet))
        backlog.resume(endpoint)


@operation("UpdateEndpoint")
def _update(context: Context, request: Record) -> Record:
    record, endpoint = updatable(context, request["EndpointName"])
    _, config = find(context, "EndpointConfig", request["EndpointConfigName"])
    plan = planning.make(context, config, _kept(endpoint, request))
    deployment = request.get("DeploymentConfig")
    if deployment is None and request.get("RetainDeploymentConfig"):
        deployment = record.get("LastDeploymentConfig")
    old = Plan.from_record(record["_plan"])
    if old.hosts or plan.hosts:
        raise _unserved("UpdateEndpoint")
    running = sum(side.fleet.running for side in endpoint.sides)
    way = strategy.parse(deployment or {}, old, plan, running)
    if isinstance(way.way, strategy.Rolling) and len(endpoint.sides) > 1:
        way = strategy.Strategy(strategy.BlueGreen(wait=way.way.wait), way.alarms, way.limit)
    summary = {
        "EndpointConfigName": plan.config,
        "ProductionVariants": [{"VariantName": variant.name} for variant in plan.variants],
        "StartTime": now(),
    }
    change(endpoint, ("FailureReason",), EndpointStatus="Updating", PendingDeploymentSummary=summary)
    in_background(replace, endpoint, plan, way, deployment)
    return {"EndpointArn": record["EndpointArn"]}


def _unserved(operation: str) -> ServiceError:
    message = f"Penstock's local SageMaker does not run {operation} for an endpoint of inference components."
    return ServiceError("NotImplementedException", message, 501)


def _kept(endpoint: Live, request: Record) -> dict[str, Record]:
    """Counts and weights of running variants that RetainAllVariantProperties has the new ones take over."""
    if not request.get("RetainAllVariantProperties") or endpoint.main is None:
        return {}
    excluded = {each["VariantPropertyType"] for each in request.get("ExcludeRetainedVariantProperties", [])}
    keep: dict[str, Record] = {}
    for name, variant in endpoint.main.fleet.every.items():
        kept: Record = {}
        if "DesiredInstanceCount" not in excluded:
            kept["instances"] = len(variant.instances)
        if "DesiredWeight" not in excluded:
            kept["weight"] = variant.weight
        keep[name] = kept
    return keep


@operation("DeleteEndpoint")
def _delete(context: Context, request: Record) -> Record:
    name, record = find(context, "Endpoint", request["EndpointName"])
    if record["EndpointStatus"] == "Deleting":
        return {}
    if context.store.count(context.scope, COMPONENT, [Where("parent", "=", name)], most=1):
        message = (
            "Cannot delete endpoint with inference component associated. Please delete inference component and try it "
            "again."
        )
        raise ServiceError("ValidationException", message)
    endpoint = live(context.scope, name) or Live(context, name)
    endpoint.gone = True
    change(endpoint, EndpointStatus="Deleting")
    in_background(_take_down, endpoint)
    return {}


def _take_down(endpoint: Live) -> None:
    context, name = endpoint.context, endpoint.name
    with endpoint.lock:
        for side in endpoint.sides:
            side.stop()
        backlog.forget(endpoint)
        remove(endpoint)
        record = context.store.get(context.scope, "Endpoint", name)
        tags.remove(context, kinds().by_name["Endpoint"].arn(context.scope, name))
        context.store.delete(context.scope, "Endpoint", name)
        if record is not None:
            hooks.run("Endpoint", "deleted", context, record)


@on_start
def _restore(factory: ContextFactory) -> None:
    """Bring up again what was there when the last process ended."""
    for context in contexts_with(factory, "Endpoint"):
        for name, record in context.store.scan(context.scope, "Endpoint"):
            status = record["EndpointStatus"]
            endpoint = Live(context, name, hosting=bool(record["_plan"].get("hosts")))
            if status == "Deleting":
                endpoint.gone = True
                in_background(_take_down, endpoint)
            elif status != "Failed":
                add(endpoint)
                if status in ("Updating", "RollingBack"):
                    reason = (
                        "The local cloud stopped while the endpoint was being updated; it serves what it served before."
                    )
                    change(endpoint, (_PENDING,), EndpointStatus="InService", FailureReason=reason)
                resuming.expect(endpoint)
                in_background(_bring_up, endpoint, record)


@on_stop
def _stop(_factory: ContextFactory) -> None:
    """Stop the servers and write the captured data; the records stay, to come up again."""
    STOPPED.set()
    sides = [side for endpoint in every() for side in endpoint.sides]
    threads = [threading.Thread(target=side.stop, kwargs={"forget": False}, daemon=True) for side in sides]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    METRICS.flush()
