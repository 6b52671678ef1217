"""Shadow variants: copies of requests, whose answers nobody waits for.

https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests.html: the share of the requests is the shadow variant's
weight by the production variant's; answers are captured and counted under the shadow variant's name, and dropped.
"""

from __future__ import annotations

import asyncio
import logging
import time

import httpx

from penstock_services.operations import Context
from penstock_services.sagemaker.endpoints.counting import count
from penstock_services.sagemaker.endpoints.live import Live
from penstock_services.sagemaker.endpoints.routing import Route, shadow

_LOG = logging.getLogger(__name__)
_MOST = 128
_under_way: set[asyncio.Task[None]] = set()


def copy(
    context: Context, endpoint: Live, route: Route, client: httpx.AsyncClient, headers: dict[str, str], body: bytes
) -> None:
    """Send a copy of a request to the shadow variant beside the one that answers it, if it falls into the share."""
    variant = shadow(route.side, route.variant)
    if variant is None:
        return
    if len(_under_way) >= _MOST:
        _LOG.warning("the shadow variant of %s is too slow: a copy of a request was dropped", endpoint.name)
        return
    instance = variant.choose()
    if instance is None:
        _LOG.warning("the shadow variant of %s has no healthy instance: a copy was dropped", endpoint.name)
        return
    task = asyncio.create_task(_send(context, endpoint, Route(route.side, variant, instance), client, headers, body))
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


async def _send(
    context: Context, endpoint: Live, route: Route, client: httpx.AsyncClient, headers: dict[str, str], body: bytes
) -> None:
    began = time.perf_counter()
    status = 0
    with route.instance.serving():
        try:
            answer = await client.post(f"{route.instance.url}/invocations", content=body, headers=headers)
        except httpx.ConnectError:
            route.instance.suspect()
        except httpx.HTTPError as error:
            _LOG.debug("the shadow variant of %s: %s", endpoint.name, error)
        else:
            status = answer.status_code
    seconds = time.perf_counter() - began
    count(context, endpoint.name, route, status, seconds, seconds)
    if 200 <= status < 300 and route.side.capture is not None:
        received_type = answer.headers.get("content-type", "application/octet-stream")
        inference_id = headers.get("x-amzn-sagemaker-inference-id")
        route.side.capture.add(
            route.variant.plan.name, body, headers["Content-Type"], answer.content, received_type, inference_id
        )
