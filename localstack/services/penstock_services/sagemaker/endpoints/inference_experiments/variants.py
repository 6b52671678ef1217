"""The endpoint configurations of an experiment: what ran before, what runs during it, and what is left after it.

A configuration here is a request of CreateEndpointConfig without its name.
"""

from __future__ import annotations

import uuid
from typing import Any

from penstock_services.operations import Context
from penstock_services.sagemaker.engine import find
from penstock_services.sagemaker.model import load

Record = dict[str, Any]
_NAME_LENGTH = 54
_GROUPS = ("ProductionVariants", "ShadowProductionVariants")


def names(record: Record) -> tuple[str, str]:
    """The names of an experiment's production variant and of its shadow variant."""
    mode = record["ShadowModeConfig"]
    return mode["SourceModelVariantName"], mode["ShadowModelVariants"][0]["ShadowModelVariantName"]


def deployed(endpoint: Record) -> set[str]:
    """The names of all variants that an endpoint runs."""
    return {each["VariantName"] for group in _GROUPS for each in endpoint.get(group, [])}


def configured(context: Context, config: str) -> Record | None:
    """What a configuration says; None where there is none of that name."""
    record = context.store.get(context.scope, "EndpointConfig", config)
    if record is None:
        return None
    members = set(load("sagemaker").inputs("CreateEndpointConfig")) - {"EndpointConfigName", "Tags"}
    body = {member: value for member, value in record.items() if member in members}
    for group in _GROUPS:
        if group in body:
            body[group] = [{"InitialVariantWeight": 1.0, **each} for each in body[group]]
    return body


def before(context: Context, endpoint: Record) -> Record:
    """What an endpoint runs now: its configuration, with the weights and counts that it has been given since.

    Raises ServiceError where its configuration was deleted.
    """
    name, _ = find(context, "EndpointConfig", endpoint["EndpointConfigName"])
    body = configured(context, name) or {}
    for group in _GROUPS:
        runs = {each["VariantName"]: each for each in endpoint.get(group, [])}
        for variant in body.get(group, []):
            now = runs.get(variant["VariantName"], {})
            for member, current in (
                ("InitialVariantWeight", "CurrentWeight"),
                ("InitialInstanceCount", "CurrentInstanceCount"),
            ):
                if current in now:
                    variant[member] = now[current]
    return body


def during(was: Record, record: Record) -> Record:
    """What the endpoint runs during the experiment: both variants, and the capture of their requests and answers."""
    body = _both(was, record)
    storage = record.get("DataStorageConfig")
    if storage is not None:
        body["DataCaptureConfig"] = _capture(storage)
    return body


def after(was: Record, record: Record, actions: Record, desired: list[Record]) -> Record:
    """What it runs when the experiment was stopped with these ModelVariantActions and DesiredModelVariants."""
    wanted = {each["VariantName"]: each for each in desired}
    asked = {**record, "ModelVariants": [wanted.get(each["VariantName"], each) for each in record["ModelVariants"]]}
    body = _both(was, asked)
    _, shadow = names(record)
    if actions[shadow] == "Retain":
        return body
    (variant,) = body.pop("ShadowProductionVariants")
    if actions[shadow] == "Promote":
        body["ProductionVariants"] = [{**variant, "InitialVariantWeight": 1.0}]
    return body


def _both(was: Record, record: Record) -> Record:
    source, shadow = names(record)
    given = {each["VariantName"]: each for each in record["ModelVariants"]}
    (production,) = was["ProductionVariants"]
    share = record["ShadowModeConfig"]["ShadowModelVariants"][0]["SamplingPercentage"] / 100
    weight = production["InitialVariantWeight"]
    key = {"KmsKeyId": record["KmsKey"]} if "KmsKey" in record else {}
    return {
        **was,
        **key,
        "ProductionVariants": [{**production, **_variant(given[source])}],
        "ShadowProductionVariants": [{**_variant(given[shadow]), "InitialVariantWeight": weight * share}],
    }


def _variant(given: Record) -> Record:
    infrastructure = given["InfrastructureConfig"]["RealTimeInferenceConfig"]
    return {
        "VariantName": given["VariantName"],
        "ModelName": given["ModelName"],
        "InstanceType": infrastructure["InstanceType"],
        "InitialInstanceCount": infrastructure["InstanceCount"],
    }


def _capture(storage: Record) -> Record:
    capture: Record = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": storage["Destination"],
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    }
    if "KmsKey" in storage:
        capture["KmsKeyId"] = storage["KmsKey"]
    if "ContentType" in storage:
        capture["CaptureContentTypeHeader"] = storage["ContentType"]
    return capture


def named(context: Context, experiment: str, body: Record, known: tuple[str, ...] = ()) -> str:
    """The name of a configuration that says this: one of those ``known``, or else a new one.

    Raises ServiceError as CreateEndpointConfig does.
    """
    for name in known:
        if configured(context, name) == body:
            return name
    name = f"{experiment[:_NAME_LENGTH]}-{uuid.uuid4().hex[:8]}"
    context.call("CreateEndpointConfig", {"EndpointConfigName": name, **body})
    return name
