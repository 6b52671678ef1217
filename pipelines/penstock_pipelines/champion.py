"""The champion: the newest approved version of a model, which a candidate is compared with on the same rows."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
from botocore.exceptions import ClientError

from penstock_pipelines import lake
from penstock_pipelines.container.model import ModelModule
from penstock_pipelines.errors import PipelinesError


@dataclass(frozen=True)
class Champion:
    """An approved version."""

    arn: str
    version: int
    model_data_url: str
    metadata: Mapping[str, str]


def find(model_package_group: str, client: Any = None) -> Champion | None:
    """The newest approved version of a group; None when there is none, or no such group yet."""
    client = client or boto3.client("sagemaker")
    try:
        found = client.list_model_packages(
            ModelPackageGroupName=model_package_group,
            ModelApprovalStatus="Approved",
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=1,
        )["ModelPackageSummaryList"]
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ValidationException", "ResourceNotFound"):
            return None
        raise
    if not found:
        return None
    description = client.describe_model_package(ModelPackageName=found[0]["ModelPackageArn"])
    container = description["InferenceSpecification"]["Containers"][0]
    return Champion(
        arn=description["ModelPackageArn"],
        version=int(description["ModelPackageVersion"]),
        model_data_url=container["ModelDataUrl"],
        metadata=description.get("CustomerMetadataProperties", {}),
    )


def score(module: ModelModule, archive: bytes, rows: pd.DataFrame) -> tuple[list[float] | None, str]:
    """Scores of a champion's model.tar.gz for rows, and why there are none.

    A champion with other inputs than the rows have, or one that today's code cannot load, cannot be compared: that is
    said in words instead of failing the candidate.
    """
    with tempfile.TemporaryDirectory() as folder:
        unpack(archive, Path(folder))
        try:
            fitted = module.load(Path(folder))
            inputs = module.inputs(fitted)
        except Exception as error:  # noqa: BLE001 - any failure to load old files means: not comparable
            return None, f"its files cannot be loaded by this version of the code ({type(error).__name__}: {error})"
        if missing := [name for name in inputs if name not in rows]:
            return None, f"it takes inputs that this version does not make: {', '.join(missing)}"
        return [float(value) for value in module.predict(fitted, rows[list(inputs)])], ""


def archive_of(champion: Champion) -> bytes:
    """The champion's model.tar.gz."""
    return lake.read_object(champion.model_data_url)


def unpack(archive: bytes, folder: Path) -> None:
    """Unpack a model.tar.gz; PipelinesError when it is not one."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            tar.extractall(folder, filter="data")
    except tarfile.TarError as error:
        raise PipelinesError(f"The model archive cannot be unpacked: {error}") from None
