"""Listing beyond the first page where keys hold characters that URLs encode (`year=2013/`).

With `encoding-type=url`, which boto3 always asks for, LocalStack compares encoded keys with the marker as the client sent
it, and so passes over what follows: the marker is encoded here as the keys are, and so is the one that it answers.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from localstack.services.s3.provider import S3Provider


def _encoded(marker: str | None, encoding_type: str | None) -> str | None:
    return quote(marker) if marker and encoding_type == "url" else marker


class ListingS3Provider(S3Provider):  # type: ignore[misc, unused-ignore]
    """S3 whose listings by marker go on where the page before ended."""

    def list_objects(
        self, context: Any, bucket: Any, encoding_type: Any = None, marker: Any = None, **rest: Any
    ) -> Any:
        """ListObjects, version 1."""
        marker = _encoded(marker, encoding_type)
        return super().list_objects(context, bucket, encoding_type=encoding_type, marker=marker, **rest)

    def list_object_versions(
        self, context: Any, bucket: Any, encoding_type: Any = None, key_marker: Any = None, **rest: Any
    ) -> Any:
        """ListObjectVersions."""
        key_marker = _encoded(key_marker, encoding_type)
        answer = super().list_object_versions(
            context, bucket, encoding_type=encoding_type, key_marker=key_marker, **rest
        )
        if answer.get("NextVersionIdMarker"):  # then the marker is a key, and left as it is; a common prefix is encoded
            answer["NextKeyMarker"] = _encoded(answer["NextKeyMarker"], encoding_type)
        return answer
