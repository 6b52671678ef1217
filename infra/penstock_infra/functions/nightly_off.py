"""Endpoints off for the night, and on again in the morning.

SageMaker cannot stop an endpoint, only delete it; its configuration and model stay and cost nothing. So `off` notes each
endpoint in a parameter and deletes it, and `on` makes what was noted again, of the same name, configuration and tags: the
program that made it finds it as it left it. An endpoint with the tag `AlwaysOn: true` stays, and so does one that scales
automatically: SageMaker would take its scaling down with it (DeleteEndpoint deregisters scalable targets).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from penstock_infra.functions import endpoints

STAYS = "AlwaysOn"
MOST_TAGS = 50


class UnfinishedError(Exception):
    """Some endpoints could not be switched; the others were. The invocation fails, and the function's alarm tells."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Lambda's entry: `{"action": "off"}` or `{"action": "on"}`; STACK and PARAMETERS say whose and where it is noted."""
    import boto3

    action, stack, path = event.get("action"), os.environ["STACK"], os.environ["PARAMETERS"]
    if action not in ("off", "on"):
        raise ValueError(f'the event must have "action": "off" or "on", not {action!r}')
    sagemaker, ssm = boto3.client("sagemaker"), boto3.client("ssm")
    if action == "off":
        done = off(sagemaker, ssm, boto3.client("application-autoscaling"), stack, path)
    else:
        done = on(sagemaker, ssm, path)
    print(json.dumps(done))
    if done["failed"]:
        raise UnfinishedError(json.dumps(done["failed"]))
    return done


def off(sagemaker: Any, ssm: Any, scaling: Any, stack: str, path: str) -> dict[str, Any]:
    """Notes and deletes the stack's endpoints: {"off", "kept" (name: reason), "failed" (name: reason)}."""
    gone: list[str] = []
    kept: dict[str, str] = {}
    failed: dict[str, str] = {}
    scaled = set(_scaled(scaling))
    for endpoint in endpoints.of_stacks(sagemaker, {stack}):
        if endpoint.tags.get(STAYS, "").lower() == "true":
            kept[endpoint.name] = f"it has the tag {STAYS}"
        elif endpoint.name in scaled:
            kept[endpoint.name] = "it scales automatically: scale it in at night by a schedule of its own"
        elif not endpoint.rests:
            kept[endpoint.name] = f"it is {endpoint.status}"
        else:
            try:
                _note(sagemaker, ssm, path, endpoint)
                sagemaker.delete_endpoint(EndpointName=endpoint.name)
                gone.append(endpoint.name)
            except sagemaker.exceptions.ClientError as error:
                failed[endpoint.name] = str(error)
    return {"off": gone, "kept": kept, "failed": failed}


def _scaled(scaling: Any) -> Iterator[str]:
    """Names of endpoints with a scalable target (`endpoint/<name>/variant/<variant>`)."""
    for page in scaling.get_paginator("describe_scalable_targets").paginate(ServiceNamespace="sagemaker"):
        for target in page["ScalableTargets"]:
            kind, _, rest = target["ResourceId"].partition("/")
            if kind == "endpoint":
                yield rest.split("/")[0]


def _note(sagemaker: Any, ssm: Any, path: str, endpoint: endpoints.Endpoint) -> None:
    described = sagemaker.describe_endpoint(EndpointName=endpoint.name)
    note = {"configuration": described["EndpointConfigName"], "tags": endpoint.tags}
    ssm.put_parameter(
        Name=f"{path}/{endpoint.name}",
        Value=json.dumps(note),
        Type="String",
        Description="An endpoint that is off for the night",
        Overwrite=True,
    )


def on(sagemaker: Any, ssm: Any, path: str) -> dict[str, Any]:
    """Makes the noted endpoints again: {"on", "kept" (name: reason), "failed" (name: reason)}.

    A note goes when its endpoint is made, is there already, or can be made no more, as its configuration is gone.
    """
    made: list[str] = []
    kept: dict[str, str] = {}
    failed: dict[str, str] = {}
    for parameter in _notes(ssm, path):
        name, note = parameter["Name"].rpartition("/")[2], json.loads(parameter["Value"])
        try:
            reason = _reason_to_leave(sagemaker, name, note)
            if reason is None:
                sagemaker.create_endpoint(
                    EndpointName=name,
                    EndpointConfigName=note["configuration"],
                    Tags=[{"Key": key, "Value": value} for key, value in note["tags"].items()][:MOST_TAGS],
                )
                made.append(name)
            else:
                kept[name] = reason
            ssm.delete_parameter(Name=parameter["Name"])
        except sagemaker.exceptions.ClientError as error:
            failed[name] = str(error)
    return {"on": made, "kept": kept, "failed": failed}


def _notes(ssm: Any, path: str) -> list[dict[str, Any]]:
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path)
    return [parameter for page in pages for parameter in page["Parameters"]]


def _reason_to_leave(sagemaker: Any, name: str, note: dict[str, Any]) -> str | None:
    """Why a noted endpoint is not to be made; None if it is."""
    if _is_there(sagemaker.describe_endpoint, EndpointName=name):
        return "it is there already"
    if not _is_there(sagemaker.describe_endpoint_config, EndpointConfigName=note["configuration"]):
        return f"its configuration {note['configuration']} is gone: bring its stack up"
    return None


def _is_there(describe: Any, **request: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        describe(**request)
    except ClientError as error:
        if endpoints.says_missing(error):
            return False
        raise
    return True
