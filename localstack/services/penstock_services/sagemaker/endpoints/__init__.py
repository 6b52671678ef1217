"""Endpoints: real serving processes, their deployment by strategy, their runtimes, and data capture.

``plan`` says what a ``configuration`` means to run, ``serving`` runs it, and ``live`` holds what is served at the moment.
``deployment`` has the life cycle's operations, ``updating`` how an update goes, ``capacities`` weights and counts.
Requests come through ``invocation`` (with ``shadow`` copies) and ``asynchronous``, find their way by ``routing``, and
leave ``metrics`` and ``capture``. ``components`` share the instances of an endpoint that has no model of its own, and
``inference_experiments`` are shadow tests that begin and end by a schedule.
"""

from starlette.routing import Route

from penstock_services.sagemaker.endpoints import capacities, deployment, inference_experiments, invocation
from penstock_services.sagemaker.endpoints.asynchronous import runtime
from penstock_services.sagemaker.endpoints.components import operations as components

routes = [
    Route("/endpoints/{name}/invocations", invocation.invoke, methods=["POST"], name="InvokeEndpoint"),
    Route("/endpoints/{name}/async-invocations", runtime.invoke, methods=["POST"], name="InvokeEndpointAsync"),
]

__all__ = ["capacities", "components", "deployment", "inference_experiments", "routes"]
