"""Inference components after a restart: they serve again where they served before."""

from __future__ import annotations

from typing import Any

from penstock_services.operations import Context
from penstock_services.sagemaker.endpoints.components.component import KIND, Component, add, change, running
from penstock_services.sagemaker.endpoints.components.operations import bring_up, take_down
from penstock_services.sagemaker.endpoints.components.placement import Place
from penstock_services.sagemaker.endpoints.components.specification import Specification
from penstock_services.sagemaker.endpoints.live import Live, in_background
from penstock_services.sagemaker.endpoints.serving.variant import DeploymentFailedError
from penstock_services.store import Where

Record = dict[str, Any]
_STATUS = "InferenceComponentStatus"
_SERVED = ("InService", "Updating")
_UPDATED = "The local cloud stopped while the component was being updated; it serves what it served before."


def expect(endpoint: Live) -> None:
    """Have requests find the components of an endpoint that is coming up, and wait for them."""
    for record in _of(endpoint):
        component = Component(endpoint, record["InferenceComponentName"], record["VariantName"])
        add(component)
        if record[_STATUS] == "Updating":
            wanted = len(record["_serving"]["instances"])
            change(component, wanted=wanted, InferenceComponentStatus="InService", FailureReason=_UPDATED)
        if record[_STATUS] not in _SERVED:
            component.back.set()


def resume(endpoint: Live) -> None:
    """Start the components of an endpoint that is up. All take their room before one starts."""
    begun: list[tuple[Component, Record, list[Place]]] = []
    for record in _of(endpoint):
        component = running(endpoint.context.scope, record["InferenceComponentName"])
        if component is not None:
            serving = record["_serving"]
            need = Specification.from_record(serving["specification"]).need
            begun.append((component, record, component.host.take(serving["instances"], need)))
    for component, record, places in begun:
        if record[_STATUS] in _SERVED:
            in_background(_serve_again, component, record, places)
        elif record[_STATUS] == "Creating":
            in_background(bring_up, component, record)
        elif record[_STATUS] == "Deleting":
            component.host.release(places)
            in_background(take_down, component)


def _serve_again(component: Component, record: Record, places: list[Place]) -> None:
    with component.lock:
        if component.gone:
            component.host.release(places)
            return
        copies = component.revision(Specification.from_record(record["_serving"]["specification"]))
        try:
            copies.start_on(places)
        except DeploymentFailedError as error:
            if not component.endpoint.over:
                component.fail(str(error))
            return
        component.copies = (copies,)
        if component.endpoint.over:
            component.stop(forget=False)
            return
        change(component)
        component.back.set()


def _of(endpoint: Live) -> list[Record]:
    context: Context = endpoint.context
    found = context.store.select(context.scope, KIND, [Where("parent", "=", endpoint.name)])
    return [row.record for row in found]
