"""What a model is made of: for each container its image, its data and the model package that it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.engine import find

Record = dict[str, Any]


@dataclass(frozen=True)
class Container:
    """One container of a model or of a model package; ``package`` is a model package's ARN or name."""

    image: str | None
    data: str | None
    package: str | None = None


def container(given: Record) -> Container:
    """From a container's definition."""
    data = given.get("ModelDataUrl") or given.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri")
    return Container(given.get("Image"), data, given.get("ModelPackageName"))


def containers_of(context: Context, model: str | None) -> list[Container]:
    """The containers of a model by name; none where the model is gone or was not named."""
    if model is None:
        return []
    try:
        _, record = find(context, "Model", model)
    except ServiceError:
        return []
    given = [record["PrimaryContainer"]] if "PrimaryContainer" in record else record.get("Containers", [])
    return [container(each) for each in given]
