"""What the file system refuses, said so that the user knows what to do."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from penstock_deploy.errors import DeploymentError


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """While the state is written: a full disk, or a folder that is not ours, is a DeploymentError that names the file."""
    try:
        yield
    except OSError as error:
        raise DeploymentError(
            f"the state cannot be written to {path}: {error.strerror or error}",
            "Make room or give access, then repeat the operation: what was under way is read back from the cloud.",
        ) from error


def sync_folder(folder: Path) -> None:
    """Make a new name in the folder last through a loss of power, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
