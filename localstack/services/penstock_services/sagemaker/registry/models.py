"""Models made of model packages, of this account's registry or of another one's that lets it."""

from __future__ import annotations

from typing import Any

from penstock_services.operations import Context, check
from penstock_services.sagemaker.registry.access import reached
from penstock_services.sagemaker.registry.package import described, package

Record = dict[str, Any]


def package_of(context: Context, container: Record) -> Record:
    """The description of the model package that a container of a model names.

    Whoever may make a model of a package may run it: both are the action ``sagemaker:CreateModel``. Raises ServiceError.
    """
    name = container["ModelPackageName"]
    _, record = package(reached(context, "CreateModel", name), name)
    return described(record)


@check("CreateModel")
def _packages_are_there(context: Context, request: Record) -> None:
    for container in [request.get("PrimaryContainer", {}), *request.get("Containers", [])]:
        if "ModelPackageName" in container:
            package_of(context, container)
