"""Folders that are kept in step with S3 while a job runs: checkpoints, TensorBoard and debugger output.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html: what lies at the S3 location is there when the job
starts; what the job writes is copied to S3 continually. Nothing is removed from S3.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

from penstock_services.execution import transfer
from penstock_services.execution.transfer import TransferError

_LOG = logging.getLogger(__name__)
_INTERVAL = 2.0


def restore(client: Any, uri: str, folder: Path) -> int:
    """Copy what an earlier run left; the number of files. Nothing there is no error."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return transfer.download(client, uri, folder)
    except TransferError as error:
        _LOG.debug("no checkpoints: %s", error)
        return 0


class Synchronized:
    """One folder and its S3 location. A file is copied when it has not changed since the last look, or at the end."""

    def __init__(self, client: Any, folder: Path, uri: str, kms_key: str | None) -> None:
        self._client = client
        self._folder = folder
        self._uri = uri.rstrip("/")
        self._kms_key = kms_key
        self._sent: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()
        self._known = self._state()
        self._sent.update(self._known)

    def _state(self) -> dict[str, tuple[int, int]]:
        found = {}
        for path in sorted(self._folder.rglob("*")):
            try:
                if path.is_file() and not path.is_symlink():
                    state = path.stat()
                    found[path.relative_to(self._folder).as_posix()] = (state.st_size, state.st_mtime_ns)
            except OSError:
                continue
        return found

    def copy(self, *, last: bool = False) -> None:
        """Copy what is new. Raises TransferError only at the last time."""
        with self._lock:
            before, self._known = self._known, self._state()
            for name, state in self._known.items():
                if self._sent.get(name) == state or not (last or before.get(name) == state):
                    continue
                try:
                    transfer.upload_file(self._client, self._folder / name, f"{self._uri}/{name}", self._kms_key)
                except TransferError as error:
                    if last:
                        raise
                    _LOG.warning("checkpoint %s: %s", name, error)
                else:
                    self._sent[name] = state


class Synchronization:
    """Looks after several folders until ``stop``."""

    def __init__(self, folders: list[Synchronized]) -> None:
        self._folders = folders
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        if folders:
            self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._stopping.wait(_INTERVAL):
            for folder in self._folders:
                folder.copy()

    def stop(self) -> None:
        """Copy what is left. Raises TransferError."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        for folder in self._folders:
            folder.copy(last=True)
