"""The lake as seen by a model: listing what has landed and moving objects, by boto3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ClientError

from penstock_pipelines import calendar
from penstock_pipelines.errors import DataError


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`; DataError for anything else."""
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise DataError(f"{uri!r} is not an S3 address.", "It must look like s3://bucket/key.")
    return parts.netloc, parts.path.lstrip("/")


def list_keys(bucket: str, prefix: str, client: Any = None) -> Iterator[str]:
    """Keys under a prefix, in order."""
    client = client or boto3.client("s3")
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            yield item["Key"]


def landed_until(raw_bucket: str, table: str, start: date, client: Any = None) -> date:
    """First day after the landed months of a table in the raw zone (see calendar.landed_until)."""
    return calendar.landed_until(list_keys(raw_bucket, f"{table}/", client), start)


def raw_bucket_of(pipeline: str, client: Any = None) -> str:
    """The raw bucket that a deployed pipeline reads: the default of its parameter RawBucket.

    DataError when there is no such pipeline, or its definition names no bucket.
    """
    client = client or boto3.client("sagemaker")
    fix = "Bring the pipeline up (penstock up infra), or name the bucket."
    try:
        document = json.loads(client.describe_pipeline(PipelineName=pipeline)["PipelineDefinition"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        raise DataError(f"The pipeline {pipeline} does not exist.", fix) from None
    defaults = {parameter["Name"]: parameter.get("DefaultValue") for parameter in document["Parameters"]}
    if bucket := defaults.get("RawBucket"):
        return str(bucket)
    raise DataError(f"The pipeline {pipeline} names no raw bucket.", fix)


def download(uri: str, folder: Path, client: Any = None) -> list[Path]:
    """Copy all objects under an S3 prefix into a folder; DataError when there are none."""
    bucket, prefix = split_uri(uri)
    client = client or boto3.client("s3")
    keys = [key for key in list_keys(bucket, prefix, client) if not key.endswith("/")]
    if not keys:
        raise DataError(f"There is nothing under {uri}.")
    base = prefix if prefix.endswith("/") or not prefix else prefix.rsplit("/", 1)[0] + "/"
    if all(key.startswith(f"{prefix}/") for key in keys):
        base = f"{prefix}/"

    def fetch(key: str) -> Path:
        target = folder / key.removeprefix(base)
        target.parent.mkdir(parents=True, exist_ok=True)
        client.download_file(bucket, key, str(target))
        return target

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(fetch, keys))


def read_object(uri: str, client: Any = None) -> bytes:
    """The bytes of one object."""
    bucket, key = split_uri(uri)
    client = client or boto3.client("s3")
    body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body
