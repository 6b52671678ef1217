"""The routes of the sagemaker-metrics API: BatchPutMetrics and BatchGetMetrics.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Metrics_Service.html
"""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.rest import endpoint, json_answer
from penstock_services.sagemaker.engine import find
from penstock_services.sagemaker.experiments import metrics
from penstock_services.sagemaker.experiments.metrics import Point
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.validation import validate
from penstock_services.store import Where

Record = dict[str, Any]
_SERVICE = "sagemaker-metrics"
_SECONDS = {"OneMinute": 60, "FiveMinute": 300, "OneHour": 3600}


def _asked(operation: str, body: bytes) -> Record:
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        raise ServiceError("SerializationException", "The request body is not JSON.") from None
    model = load(_SERVICE)
    return validate(model, model.input_shape(operation), given)


def _put(context: Context, _request: Request, body: bytes) -> Response:
    """BatchPutMetrics: values for a trial component that is not there are errors of each value."""
    asked = _asked("BatchPutMetrics", body)
    component = _component(context, asked["TrialComponentName"])
    if component is None:
        failed = [{"Code": "VALIDATION_ERROR", "MetricIndex": index} for index in range(len(asked["MetricData"]))]
        return json_answer({"Errors": failed})
    for given in asked["MetricData"]:
        point = Point(given["Timestamp"], given["Value"], given.get("Step"))
        metrics.put(context, component, given["MetricName"], point)
    return json_answer({})


def _component(context: Context, name: str) -> Record | None:
    """A trial component by its name "entirely lowercase", however its own name is written."""
    found = context.store.select(context.scope, "TrialComponent", [Where("name", "same", name)], limit=1)
    return found[0].record if found else None


def _get(context: Context, _request: Request, body: bytes) -> Response:
    """BatchGetMetrics: one result for each query."""
    asked = _asked("BatchGetMetrics", body)
    return json_answer({"MetricQueryResults": [_result(context, query) for query in asked["MetricQueries"]]})


def _result(context: Context, query: Record) -> Record:
    by_step = query["XAxisType"] == "IterationNumber"
    if by_step != (query["Period"] == "IterationNumber"):
        return _invalid(f"Period {query['Period']} does not go with XAxisType {query['XAxisType']}.")
    try:
        _, component = find(context, "TrialComponent", query["ResourceArn"])
    except ServiceError as error:
        return _invalid(error.message)
    grouped: dict[int, list[Point]] = {}
    for point in metrics.points(context, component, query["MetricName"]):
        if by_step:
            place = point.step
        else:
            seconds = _SECONDS[query["Period"]]
            place = int(point.at) // seconds * seconds
        here = place if by_step else int(point.at)
        if place is None or here is None:
            continue
        if query.get("Start", here) <= here <= query.get("End", here):
            grouped.setdefault(place, []).append(point)
    places = sorted(grouped)
    values = [metrics.stat(query["MetricStat"], grouped[place]) for place in places]
    return {"Status": "Complete", "XAxisValues": places, "MetricValues": values}


def _invalid(message: str) -> Record:
    return {"Status": "ValidationError", "Message": message, "XAxisValues": [], "MetricValues": []}


routes: list[Route] = [
    Route("/BatchPutMetrics", endpoint(_put), methods=["PUT"], name="BatchPutMetrics"),
    Route("/BatchGetMetrics", endpoint(_get), methods=["POST"], name="BatchGetMetrics"),
]
