"""The data of a window on S3, as inputs of a processing job.

Captured data and ground truth lie below ``yyyy/mm/dd/hh``. A job gets the folders of its window, whole: what is before
the start or after the end in them is left out by the container. Source: developer guide, "Container Contract Inputs"
("Sometimes we download more than the specified start time and end time. It's up to the container code to parse the
data as needed.").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC
from typing import Any

from penstock_services.execution.transfer import split
from penstock_services.sagemaker.monitoring.expressions import Window

Record = dict[str, Any]
# A processing job has ten inputs at most (API reference, CreateProcessingJob), some for the baseline and scripts.
_FOLDERS = 3
_MANIFESTS = 6
_HOUR = "%Y/%m/%d/%H"
_FOLDER = re.compile(r"\d{4}/\d{2}/\d{2}/\d{2}")
# How much of ``yyyy/mm/dd/hh`` names an hour, a day, a month, a year.
_LEVELS = (13, 10, 7, 4)


class NoDataError(Exception):
    """There is nothing to look at in the window; the text is the execution's FailureReason."""

    def __init__(self) -> None:
        super().__init__("Job inputs had no data")


class TooManyError(Exception):
    """More pieces of data than a job may have inputs; the text says so."""


def processing(name: str, uri: str, path: str, data_type: str = "S3Prefix", **more: str) -> Record:
    """One entry of ProcessingInputs."""
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": path,
            "S3DataType": data_type,
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
            **more,
        },
    }


def captured(client: Any, base: str, window: Window, path: str, distribution: str | None) -> list[Record]:
    """``endpoint_input_1``...: the folders of each variant below ``base`` (the endpoint's folder in the capture's
    destination), at the same place below ``path``. Raises NoDataError."""
    bucket, prefix = split(base)
    prefix = prefix.rstrip("/") + "/"
    more = {"S3DataDistributionType": distribution} if distribution else {}
    endpoint = base.rstrip("/").rpartition("/")[2]
    found = [
        f"{variant}{folder}"
        for variant in _children(client, bucket, prefix)
        for folder in _folders(client, bucket, f"{prefix}{variant}", window)
    ]
    if not found:
        raise NoDataError
    if len(found) > _FOLDERS:
        found = [""]
    inputs = []
    for number, folder in enumerate(found, 1):
        place = f"{path.rstrip('/')}/{endpoint}/{folder}".rstrip("/")
        inputs.append(
            processing(f"endpoint_input_{number}", f"s3://{bucket}/{prefix}{folder}".rstrip("/"), place, **more)
        )
    return inputs


def ground_truth(client: Any, base: str, window: Window, path: str) -> list[Record]:
    """``groundtruth_input_1``...: the folders of the ground truth. Raises NoDataError."""
    bucket, prefix = split(base)
    prefix = prefix.rstrip("/") + "/"
    return [
        processing(f"groundtruth_input_{number}", f"s3://{bucket}/{prefix}{folder}", f"{path}/{folder}")
        for number, folder in enumerate(_folders(client, bucket, prefix, window) or _nothing(), 1)
    ]


def batches(client: Any, destination: str, window: Window, path: str) -> list[Record]:
    """``batch_input_1``...: what the batch transform jobs of the window were given, by the manifests of their captures.

    Developer guide, "Capture data from batch transform job". Raises NoDataError, TooManyError.
    """
    bucket, prefix = split(destination)
    root = f"{prefix.rstrip('/')}/input/".lstrip("/")
    keys = [key for _, key in _keys(client, bucket, root, window)]
    if not keys:
        raise NoDataError
    if len(keys) > _MANIFESTS:
        message = (
            f"ClientError: {len(keys)} batch transform jobs in one window; a monitoring job here takes {_MANIFESTS}"
        )
        raise TooManyError(message)
    return [
        processing(f"batch_input_{number}", f"s3://{bucket}/{key}", f"{path.rstrip('/')}/{number}", "ManifestFile")
        for number, key in enumerate(keys, 1)
    ]


def _nothing() -> list[str]:
    raise NoDataError


def _folders(client: Any, bucket: str, prefix: str, window: Window) -> list[str]:
    """The folders below ``prefix`` that hold the window's data: hours where these are few, otherwise days, and so on."""
    hours = list(dict.fromkeys(hour for hour, _ in _keys(client, bucket, prefix, window)))
    for level in _LEVELS:
        found = list(dict.fromkeys(hour[:level] for hour in hours))
        if len(found) <= _FOLDERS:
            return found
    return [""]


def _keys(client: Any, bucket: str, prefix: str, window: Window) -> Iterator[tuple[str, str]]:
    """``yyyy/mm/dd/hh`` and the key of every object of the window's hours below ``prefix``, in the order of time."""
    first, last = (moment.astimezone(UTC).strftime(_HOUR) for moment in (window.start, window.end))
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, StartAfter=prefix + first)
    for page in pages:
        for each in page.get("Contents", []):
            hour = each["Key"].removeprefix(prefix)[: len(first)]
            # An hour that ends the window at its first second has nothing in it.
            if hour > last or (hour == last and window.end.strftime("%M%S") == "0000"):
                return
            if _FOLDER.fullmatch(hour):
                yield hour, each["Key"]


def _children(client: Any, bucket: str, prefix: str) -> list[str]:
    """The names of the folders below ``prefix``, each with its slash."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
    return [each["Prefix"].removeprefix(prefix) for page in pages for each in page.get("CommonPrefixes", [])]
