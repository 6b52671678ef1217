"""The shapes that SageMaker takes of an endpoint's settings: variants, capture, queue, deployment. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock_infra.inputs import Text
from penstock_infra.serving import EndpointSettings, Strategy

VARIANT = "AllTraffic"
"""The live version's variant, under every strategy: SageMaker shifts traffic between variants of one name only."""
CHALLENGER = "Challenger"
"""The variant of the version that is compared with the live one (shadow, ab)."""

type Shape = dict[str, Any]

_OWN_ENDPOINT = {Strategy.SERVERLESS: "serverless", Strategy.ASYNC: "async"}


def endpoint_name(model: str, settings: EndpointSettings) -> str:
    """The endpoint's name: the model's, or one of its own where SageMaker cannot turn one kind into the other.

    "Updating a real-time endpoint to a serverless endpoint is not supported" (developer guide, "Update a serverless
    endpoint"), and the clients of an asynchronous endpoint call another operation. So these get an endpoint beside the
    old one, which goes when the new one serves: no change of the strategy leaves a gap.
    """
    kind = _OWN_ENDPOINT.get(settings.strategy)
    return f"{model}-{kind}" if kind else model


def production_variants(settings: EndpointSettings, model_name: Text, challenger_name: Text | None) -> list[Shape]:
    """The live version's variant, and under `ab` the challenger's with its share of the requests."""
    live: Shape = {"variant_name": VARIANT, "model_name": model_name, "initial_variant_weight": 1}
    if settings.strategy is Strategy.SERVERLESS:
        serverless = settings.serverless
        live["serverless_config"] = {
            "memory_size_in_mb": serverless.memory_megabytes,
            "max_concurrency": serverless.max_concurrency,
        }
        if serverless.provisioned_concurrency is not None:
            live["serverless_config"]["provisioned_concurrency"] = serverless.provisioned_concurrency
        return [live]
    live |= {"instance_type": settings.instance_type, "initial_instance_count": settings.first_instances}
    if settings.strategy is not Strategy.AB or challenger_name is None:
        return [live]
    share = settings.ab.challenger_percent
    live["initial_variant_weight"] = 100 - share
    return [live, _challenger(settings, challenger_name, settings.ab.instance_count, share)]


def shadow_variants(settings: EndpointSettings, challenger_name: Text | None) -> list[Shape] | None:
    """Under `shadow` the challenger's variant. Its weight, relative to the live one's, is the share that is copied."""
    if settings.strategy is not Strategy.SHADOW or challenger_name is None:
        return None
    shadow = settings.shadow
    return [_challenger(settings, challenger_name, shadow.instance_count, shadow.request_percent / 100)]


def _challenger(settings: EndpointSettings, model_name: Text, instances: int, weight: float) -> Shape:
    return {
        "variant_name": CHALLENGER,
        "model_name": model_name,
        "initial_variant_weight": weight,
        "instance_type": settings.instance_type,
        "initial_instance_count": instances,
    }


def capture(settings: EndpointSettings, destination: Text, key_arn: Text) -> Shape | None:
    """What is captured of requests and answers.

    SageMaker captures nothing of a serverless endpoint, and an asynchronous one keeps every answer in S3 by itself.
    """
    if settings.strategy in (Strategy.SERVERLESS, Strategy.ASYNC):
        return None
    return {
        "enable_capture": settings.data_capture_percent > 0,
        "initial_sampling_percentage": settings.data_capture_percent,
        "destination_s3_uri": destination,
        "kms_key_id": key_arn,
        "capture_options": [{"capture_mode": "Input"}, {"capture_mode": "Output"}],
        "capture_content_type_header": {
            "csv_content_types": ["text/csv"],
            "json_content_types": ["application/json"],
        },
    }


def async_inference(
    settings: EndpointSettings, output: Text, failures: Text, key_arn: Text, topics: tuple[Text, Text] | None
) -> Shape | None:
    """Where an asynchronous endpoint writes answers and failures, and the topics (success, error) that it tells."""
    if settings.strategy is not Strategy.ASYNC:
        return None
    place: Shape = {"s3_output_path": output, "s3_failure_path": failures, "kms_key_id": key_arn}
    if topics is not None:
        place["notification_config"] = {"success_topic": topics[0], "error_topic": topics[1]}
    concurrent = settings.async_inference.concurrent_requests
    return {"output_config": place, "client_config": {"max_concurrent_invocations_per_instance": concurrent}}


def deployment(settings: EndpointSettings, alarm_names: Sequence[str]) -> Shape | None:
    """How an update of the endpoint goes, and the alarms that undo it; None for a serverless endpoint, which takes none.

    The alarms are named whatever the strategy is: for the AWS provider an endpoint that gets
    `auto_rollback_configuration`, or loses it, is another endpoint. A policy is named only where something is to be waited
    for: with one, SageMaker wants the same variants before and after, and a challenger comes and goes; without one it
    exchanges the fleets all at once.
    """
    if settings.strategy is Strategy.SERVERLESS:
        return None
    shape: Shape = {"auto_rollback_configuration": {"alarms": [{"alarm_name": name} for name in alarm_names]}}
    if settings.strategy is Strategy.ROLLING:
        shape["rolling_update_policy"] = _rolling(settings)
    elif settings.strategy is not Strategy.AB and settings.update_seconds > 0:
        shape["blue_green_update_policy"] = _blue_green(settings)
    return shape


def _blue_green(settings: EndpointSettings) -> Shape:
    routing: Shape = {"type": "ALL_AT_ONCE", "wait_interval_in_seconds": settings.wait_seconds}
    step = {"type": "CAPACITY_PERCENT", "value": settings.traffic.step_percent}
    if settings.strategy is Strategy.CANARY:
        routing |= {"type": "CANARY", "canary_size": step}
    elif settings.strategy is Strategy.LINEAR:
        routing |= {"type": "LINEAR", "linear_step_size": step}
    return {
        "traffic_routing_configuration": routing,
        "termination_wait_in_seconds": settings.traffic.termination_wait_seconds,
        "maximum_execution_timeout_in_seconds": settings.traffic.timeout_seconds,
    }


def _rolling(settings: EndpointSettings) -> Shape:
    return {
        "maximum_batch_size": {"type": "CAPACITY_PERCENT", "value": settings.traffic.step_percent},
        "wait_interval_in_seconds": settings.wait_seconds,
        "maximum_execution_timeout_in_seconds": settings.traffic.timeout_seconds,
    }
