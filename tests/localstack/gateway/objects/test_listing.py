"""Listings go on behind the first page, whatever characters the keys hold."""

from __future__ import annotations

from typing import Any

import pytest

KEYS = [f"year=2013/month={month:02d}/a b+{number}" for month in (1, 2) for number in range(6)]


@pytest.mark.parametrize(
    ("operation", "member"),
    [("list_objects", "Contents"), ("list_objects_v2", "Contents"), ("list_object_versions", "Versions")],
)
def test_every_page_is_seen(client: Any, operation: str, member: str) -> None:
    s3 = client("s3")
    bucket = operation.replace("_", "-")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    pages = s3.get_paginator(operation).paginate(Bucket=bucket, PaginationConfig={"PageSize": 5})
    assert [entry["Key"] for page in pages for entry in page.get(member, [])] == sorted(KEYS)
