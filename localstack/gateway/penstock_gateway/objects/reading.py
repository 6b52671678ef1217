"""Reading objects that are replaced meanwhile: a record is answered only with the body it was written with.

LocalStack takes the record first and opens the body then. If somebody replaced both in between, it is done again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from penstock_gateway.objects.listing import ListingS3Provider
from penstock_gateway.objects.store import ReplacedBodyError

ATTEMPTS = 50
_PAUSE_SECONDS = 0.002


class ReadingS3Provider(ListingS3Provider):
    """S3 whose reads see one version of an object or another, never parts of two."""

    def get_object(self, context: Any, request: Any) -> Any:
        """GetObject."""
        return again(lambda: super(ReadingS3Provider, self).get_object(context, request))

    def copy_object(self, context: Any, request: Any) -> Any:
        """CopyObject, which reads its source."""
        return again(lambda: super(ReadingS3Provider, self).copy_object(context, request))

    def upload_part_copy(self, context: Any, request: Any) -> Any:
        """UploadPartCopy, which reads its source."""
        return again(lambda: super(ReadingS3Provider, self).upload_part_copy(context, request))


def again(read: Callable[[], Any]) -> Any:
    """What ``read`` answers; repeated while the body that it looked for was replaced. A lost body is raised at last."""
    for _ in range(ATTEMPTS - 1):
        try:
            return read()
        except ReplacedBodyError:
            time.sleep(_PAUSE_SECONDS)
    return read()
