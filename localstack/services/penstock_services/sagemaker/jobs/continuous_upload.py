"""Continuous upload: the files of a processing output go to S3 while the job runs.

API reference, ProcessingS3Output, S3UploadMode Continuous. A file is uploaded when it has not changed between two looks
at the folder, and again when it changes later.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from penstock_services.execution.transfer import TransferError, upload_file

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS = 0.5
_State = tuple[int, int]


@dataclass
class UploadedFolder:
    """A folder, where its files go, and which state of each was uploaded last."""

    folder: Path
    uri: str
    kms_key: str | None
    sent: dict[Path, _State] = field(default_factory=dict)
    _seen: dict[Path, _State] = field(default_factory=dict)

    def look(self, client: Any, *, final: bool = False) -> None:
        """Upload what is new and at rest; ``final``: whatever is new. Raises TransferError."""
        now = {path: state for path in sorted(self.folder.rglob("*")) if (state := _state(path)) is not None}
        for path, state in now.items():
            if self.sent.get(path) != state and (final or self._seen.get(path) == state):
                upload_file(
                    client, path, f"{self.uri.rstrip('/')}/{path.relative_to(self.folder).as_posix()}", self.kms_key
                )
                self.sent[path] = state
        self._seen = now


def _state(path: Path) -> _State | None:
    """Time and size of a file; None for what is none, or gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if path.is_file() and not path.is_symlink() else None


class ContinuousUpload:
    """Looks at folders twice a second, from ``start`` to ``stop``."""

    def __init__(self, client: Callable[[], Any], folders: list[UploadedFolder]) -> None:
        self._client = client
        self._folders = folders
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, if there is anything to look at."""
        if self._folders:
            self._thread = threading.Thread(target=self._run, name="upload", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            for folder in self._folders:
                try:
                    folder.look(self._client())
                except TransferError as error:
                    # The last look, after the command, tells it as the job's failure.
                    _LOG.warning("continuous upload: %s", error)

    def stop(self) -> None:
        """No more looks."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(30)

    def finish(self) -> None:
        """Upload what is left. Raises TransferError."""
        self.stop()
        for folder in self._folders:
            folder.look(self._client(), final=True)
