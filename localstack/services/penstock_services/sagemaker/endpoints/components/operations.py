"""The life of inference components: create, update, delete, and come up again after a restart."""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, ContextFactory, check, on_stop, operation
from penstock_services.sagemaker import hooks, tags
from penstock_services.sagemaker.endpoints.components import specification as specifying
from penstock_services.sagemaker.endpoints.components import updating
from penstock_services.sagemaker.endpoints.components.component import (
    KIND,
    Component,
    add,
    change,
    every,
    release,
    remove,
    running,
    settle,
)
from penstock_services.sagemaker.endpoints.components.placement import NoCapacityError
from penstock_services.sagemaker.endpoints.components.specification import Specification, invalid
from penstock_services.sagemaker.endpoints.live import SERVED, STOPPED, Live, in_background, live
from penstock_services.sagemaker.endpoints.plan import HostPlan, Plan
from penstock_services.sagemaker.endpoints.serving.fleet import stop_all
from penstock_services.sagemaker.endpoints.serving.variant import DeploymentFailedError
from penstock_services.sagemaker.engine import find
from penstock_services.sagemaker.hooks import hook

Record = dict[str, Any]
_STATUS = "InferenceComponentStatus"
_NO_ENDPOINT = "The endpoint has been deleted."
_IN_PROGRESS = {"Creating": "CREATE_IN_PROGRESS", "Updating": "UPDATE_IN_PROGRESS", "Deleting": "DELETE_IN_PROGRESS"}


@check("CreateInferenceComponent", "UpdateInferenceComponent")
def _served(_context: Context, request: Record) -> None:
    unserved = specifying.unserved(request)
    if unserved is None and "DeploymentConfig" in request and "Specification" not in request:
        unserved = "DeploymentConfig without Specification"
    if unserved is not None:
        message = f"Penstock's local SageMaker does not run {unserved} of an inference component."
        raise ServiceError("NotImplementedException", message, 501)


@hook(KIND, "prepare")
def _prepare(context: Context, record: Record) -> None:
    for member, name in (("VariantName", "variantName"), ("Specification", "specification")):
        if member not in record:
            constraint = "failed to satisfy constraint: Member must not be null"
            raise invalid(f"1 validation error detected: Value null at '{name}' {constraint}")
    count = record.get("RuntimeConfig", {"CopyCount": 1})["CopyCount"]
    if count < 1:
        raise invalid("Inference components copy count an integer larger than 0")
    specifying.limited(count)
    endpoint, host = _host(context, record)
    asked = record["Specification"]
    specifying.check(context, asked, host)
    record["EndpointArn"] = endpoint["EndpointArn"]
    record["Specification"] = specifying.summary(context, asked)
    record["RuntimeConfig"] = {"DesiredCopyCount": count, "CurrentCopyCount": 0}
    read = specifying.read(context, asked, host)
    record["_serving"] = {"specification": read.to_record(), "instances": []}


def _host(context: Context, record: Record) -> tuple[Record, HostPlan]:
    """The endpoint of a component and the plan of its variant. Raises ServiceError where it can host none now."""
    _, endpoint = find(context, "Endpoint", record["EndpointName"])
    arn, status, variant = endpoint["EndpointArn"], endpoint["EndpointStatus"], record["VariantName"]
    hosts = {each.name: each for each in Plan.from_record(endpoint["_plan"]).hosts}
    if not hosts:
        raise invalid(f'Endpoint "{arn}" is not for inference components: its variants have models.')
    if variant not in hosts:
        raise invalid(f'The variant name(s) "{variant}" do not exist in endpoint "{arn}".')
    running_endpoint = live(context.scope, record["EndpointName"])
    if status not in SERVED or running_endpoint is None:
        raise invalid(f'Endpoint "{arn}" is in status {status}; it must be InService.')
    if running_endpoint.main is None:
        raise invalid(f'Endpoint "{arn}" is being started again.')
    return endpoint, hosts[variant]


@hook(KIND, "created")
def _created(context: Context, record: Record) -> None:
    # One that has been deleted in this moment has no instances any more.
    endpoint = live(context.scope, record["EndpointName"]) or Live(context, record["EndpointName"], gone=True)
    component = Component(endpoint, record["InferenceComponentName"], record["VariantName"])
    component.back.set()
    add(component)
    in_background(bring_up, component, record)


def bring_up(component: Component, record: Record) -> None:
    """Start what the record plans; InService or Failed."""
    with component.lock:
        if component.copies:
            # Made in the moment in which its endpoint was started again, and so begun twice.
            return
        if component.endpoint.main is None:
            component.fail(_NO_ENDPOINT)
            return
        copies = component.revision(Specification.from_record(record["_serving"]["specification"]))
        try:
            copies.have(record["RuntimeConfig"]["DesiredCopyCount"])
        except (NoCapacityError, DeploymentFailedError) as error:
            if not STOPPED.is_set():
                component.fail(str(error))
            return
        component.copies = (copies,)
        if component.endpoint.over:
            component.stop(forget=component.endpoint.gone)
            if component.endpoint.gone:
                component.fail(_NO_ENDPOINT)
            return
        settle(component)


@operation("UpdateInferenceComponent")
def _update(context: Context, request: Record) -> Record:
    if "Specification" not in request and "RuntimeConfig" not in request:
        raise invalid("Specification or RuntimeConfig is needed to update an inference component.")
    component, record = _updatable(context, request["InferenceComponentName"])
    now = record["RuntimeConfig"]["DesiredCopyCount"]
    count = request.get("RuntimeConfig", {}).get("CopyCount", now)
    specifying.limited(count)
    read, members, way = None, {}, None
    if "Specification" in request:
        asked = request["Specification"]
        specifying.check(context, asked, component.host.plan)
        read = specifying.read(context, asked, component.host.plan)
        members["Specification"] = specifying.summary(context, asked)
    if "DeploymentConfig" in request:
        way = updating.rolling(request["DeploymentConfig"], now, count)
        members["LastDeploymentConfig"] = request["DeploymentConfig"]
    return _begin(component, updating.Update(count, read, members, way))


@operation("UpdateInferenceComponentRuntimeConfig")
def _update_runtime(context: Context, request: Record) -> Record:
    component, _ = _updatable(context, request["InferenceComponentName"])
    count = request["DesiredRuntimeConfig"]["CopyCount"]
    specifying.limited(count)
    return _begin(component, updating.Update(count, None, {}, None))


def _updatable(context: Context, name: str) -> tuple[Component, Record]:
    """Component and record for a change. Raises ServiceError where it cannot be changed now."""
    key, record = find(context, KIND, name)
    arn, status = record["InferenceComponentArn"], record[_STATUS]
    component = running(context.scope, key)
    if status in _IN_PROGRESS:
        raise invalid(f'Cannot update inference component "{arn}" in state {_IN_PROGRESS[status]}.')
    if status != "InService" or component is None:
        raise invalid(f'Cannot update inference component "{arn}" in status {status}; it can only be deleted.')
    if component.endpoint.main is None:
        raise invalid(f'Endpoint "{component.endpoint.name}" of "{arn}" is being started again.')
    return component, record


def _begin(component: Component, update: updating.Update) -> Record:
    record = change(component, ("FailureReason",), wanted=update.count, InferenceComponentStatus="Updating")
    in_background(updating.apply, component, update)
    return {"InferenceComponentArn": record["InferenceComponentArn"]} if record is not None else {}


@operation("DeleteInferenceComponent")
def _delete(context: Context, request: Record) -> Record:
    name, record = find(context, KIND, request["InferenceComponentName"])
    component = running(context.scope, name)
    if component is None:
        _forget(context, record)
        return {}
    if record[_STATUS] in _IN_PROGRESS:
        state = _IN_PROGRESS[record[_STATUS]]
        raise invalid(f'Cannot delete inference component "{record["InferenceComponentArn"]}" in state {state}.')
    change(component, InferenceComponentStatus="Deleting")
    in_background(take_down, component)
    return {}


def take_down(component: Component) -> None:
    """Stop the copies, and be gone."""
    with component.lock:
        component.gone = True
        release(component)
        remove(component)
        record = component.context.store.get(component.context.scope, KIND, component.name)
        if record is not None:
            _forget(component.context, record)


def _forget(context: Context, record: Record) -> None:
    """The record and what goes with it."""
    tags.remove(context, record["InferenceComponentArn"])
    context.store.delete(context.scope, KIND, record["InferenceComponentName"])
    hooks.run(KIND, "deleted", context, record)


@on_stop
def _stop(_factory: ContextFactory) -> None:
    """Stop the servers; the records stay, to come up again."""
    STOPPED.set()
    stop_all([copies for component in every() for copies in component.copies], forget=False)
