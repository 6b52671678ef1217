"""The objects of a transform job: which ones, how they are read, where their output goes."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.execution.transfer import TransferError, items

_CHUNK = 1 << 20


@dataclass
class InputObject:
    """One object: ``relative`` is its path below the prefix, to which the output's key adds ``.out``.

    ``failure`` is why it could not be transformed; such an object has no output.
    """

    bucket: str
    key: str
    relative: str
    failure: str | None = None
    client_fault: bool = False
    output: Path = field(default_factory=Path)

    def fail(self, reason: str, *, client: bool) -> None:
        """Remember the first failure."""
        if self.failure is None:
            self.failure, self.client_fault = reason, client

    def fetch(self, client: Any, path: Path) -> None:
        """Copy the object to a file. Raises TransferError."""
        try:
            body = client.get_object(Bucket=self.bucket, Key=self.key)["Body"]
            with path.open("wb") as file:
                for chunk in body.iter_chunks(_CHUNK):
                    file.write(chunk)
        except (BotoCoreError, ClientError, OSError) as error:
            message = f"cannot read s3://{self.bucket}/{self.key}: {error}"
            raise TransferError(message) from error


def listed(client: Any, source: dict[str, Any]) -> list[InputObject]:
    """The objects of a TransformS3DataSource, in the order of their keys or of the manifest. Raises TransferError."""
    found = items(client, source["S3Uri"], manifest=source["S3DataType"] == "ManifestFile")
    return [InputObject(item.bucket, item.key, item.relative) for item in found]


def opened(path: Path, compression: str) -> IO[bytes]:
    """An object's content, decompressed if the job says that it is compressed."""
    return cast(IO[bytes], gzip.open(path)) if compression == "Gzip" else path.open("rb")
