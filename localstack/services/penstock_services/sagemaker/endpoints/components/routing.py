"""Which copy of an inference component answers a request."""

from __future__ import annotations

import random

from penstock_services.sagemaker.endpoints.components.component import Component, running
from penstock_services.sagemaker.endpoints.live import Live
from penstock_services.sagemaker.endpoints.metrics import METRICS, Source
from penstock_services.sagemaker.endpoints.routing import Route, invalid

_REQUIRED = (
    "Inference Component Name header is required for endpoints to which you plan to deploy inference components. "
    "Please include Inference Component Name header or consider using SageMaker models."
)
_NOT_ALLOWED = (
    "Inference Component Name header is not allowed for endpoints to which you dont plan to deploy inference "
    "components. Please remove the Inference Component Name header and try again."
)
_NO_CAPACITY = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if "
    "configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."
)


def named(endpoint: Live, name: str | None, variant: str | None) -> Component | None:
    """The component that a request names, beside a variant where it names one; None for an endpoint of models.

    Raises ServiceError (ValidationError).
    """
    if not endpoint.hosting:
        if name is not None:
            raise invalid(_NOT_ALLOWED)
        return None
    if name is None:
        raise invalid(_REQUIRED)
    component = running(endpoint.context.scope, name)
    if component is None or component.endpoint is not endpoint:
        raise invalid(f"Inference Component {name} not found for endpoint {endpoint.name}.")
    if variant not in (None, component.variant):
        raise invalid(f"Variant {variant} not found for Inference Component {name}.")
    return component


def choose(component: Component) -> Route | None:
    """A way for a request: copies of two revisions take it by their numbers. None while no copy is healthy.

    Raises ServiceError where there is no copy.
    """
    serving = [(each, len(each.instances)) for each in component.copies if each.instances]
    side = component.endpoint.main
    if side is None or not (serving or component.back.is_set()):
        return None
    if not serving:
        source = Source(component.endpoint.name, component=component.name)
        METRICS.add(component.context, source, "NoCapacityInvocationFailures", 1, "None")
        raise invalid(_NO_CAPACITY)
    chosen = random.choices([each for each, _ in serving], [count for _, count in serving])[0]  # noqa: S311 (traffic)
    for copies in (chosen, *(each for each, _ in serving if each is not chosen)):
        instance = copies.choose()
        if instance is not None:
            return Route(side, copies, instance, component.name, component.copy_count)
    return None
