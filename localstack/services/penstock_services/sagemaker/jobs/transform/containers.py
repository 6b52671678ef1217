"""The containers of a model, in the order in which a record goes through them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.engine import find
from penstock_services.sagemaker.registry import package_of

Record = dict[str, Any]


@dataclass(frozen=True)
class Container:
    """One container: image, model data (None: it has none; ``archive``: a .tar.gz, else a prefix) and variables."""

    name: str
    image: str
    model_data: str | None
    archive: bool
    environment: dict[str, str]


def containers(context: Context, model_name: str) -> tuple[Container, ...]:
    """The containers of a model: the primary one, or those of an inference pipeline; packages are looked up.

    Raises ServiceError where there is no such model, or what it would run cannot be run here.
    """
    _, model = find(context, "Model", model_name)
    given = [model["PrimaryContainer"]] if "PrimaryContainer" in model else model.get("Containers", [])
    if not given:
        raise ServiceError("ValidationException", f"Model {model_name} has no container.")
    if model.get("InferenceExecutionConfig", {}).get("Mode") == "Direct":
        message = (
            f"Batch transform does not run model {model_name}, whose containers are invoked directly (Mode Direct)."
        )
        raise ServiceError("ValidationException", message)
    found: list[Container] = []
    for container in given:
        found.extend(_expanded(context, model_name, container, len(found)))
    return tuple(found)


def _expanded(context: Context, model_name: str, container: Record, before: int) -> list[Container]:
    """A container as it is, or those of the model package that it names."""
    if container.get("Mode") == "MultiModel":
        message = f"Batch transform does not run multi-model containers (Mode MultiModel of model {model_name})."
        raise ServiceError("ValidationException", message)
    own = container.get("Environment", {})
    if "ModelPackageName" not in container:
        return [_container(model_name, container, own, before)]
    package = package_of(context, container)
    specified = package.get("InferenceSpecification", {}).get("Containers", [])
    if not specified:
        message = f"Model package {container['ModelPackageName']} has no containers for inference."
        raise ServiceError("ValidationException", message)
    return [
        _container(model_name, each, {**each.get("Environment", {}), **own}, before + index)
        for index, each in enumerate(specified)
    ]


def _container(model_name: str, container: Record, environment: dict[str, str], index: int) -> Container:
    if "Image" not in container:
        raise ServiceError("ValidationException", f"A container of model {model_name} names no image.")
    name = container.get("ContainerHostname") or f"container-{index + 1}"
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if source:
        return Container(
            name, container["Image"], source["S3Uri"], source["CompressionType"] == "Gzip", dict(environment)
        )
    return Container(name, container["Image"], container.get("ModelDataUrl") or None, True, dict(environment))
