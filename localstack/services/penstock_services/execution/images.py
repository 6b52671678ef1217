"""Images: what a container image URI means on this machine.

``penstock build`` writes a record ``<state>/images/<hex>.json`` for each image that it pushes: the repository, digest
and tags by which jobs name it, and the interpreter, path and variables that stand for it.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LOG = logging.getLogger(__name__)


class UnknownImageError(Exception):
    """No record for an image URI; the text says what to do."""


@dataclass(frozen=True)
class Image:
    """One image record."""

    repository: str
    digest: str
    tags: tuple[str, ...]
    python: str
    path: tuple[str, ...]
    environment: dict[str, str]
    entrypoint: tuple[str, ...]

    def variables(self) -> dict[str, str]:
        """The environment that the image itself brings.

        Jobs share this machine's few cores, so threads that wait must not spin (OMP_WAIT_POLICY), unless the image
        says so.
        """
        path = ":".join([*self.path, "/usr/local/bin", "/usr/bin", "/bin"])
        return {"PYTHONUNBUFFERED": "1", "OMP_WAIT_POLICY": "PASSIVE", **self.environment, "PATH": path}


def find(state_dir: Path, uri: str) -> Image:
    """The image that a URI names, by digest or by tag ("latest" where it has neither)."""
    repository, separator, digest = uri.partition("@")
    tag = ""
    if not separator:
        head, colon, last = repository.rpartition(":")
        if colon and "/" not in last:
            repository, tag = head, last
        else:
            tag = "latest"
    for path in sorted((state_dir / "images").glob("*.json")):
        image = _read(path)
        if image is None or image.repository != repository:
            continue
        if (digest and image.digest == digest) or (tag and tag in image.tags):
            return image
    message = f"the image {uri} is not known to the local cloud: run `penstock build`, which makes and pushes it"
    raise UnknownImageError(message)


def _read(path: Path) -> Image | None:
    try:
        raw: dict[str, Any] = json.loads(path.read_text())
        return Image(
            repository=raw["repository"],
            digest=raw["digest"],
            tags=tuple(raw.get("tags") or ()),
            python=raw["python"],
            path=tuple(raw.get("path") or ()),
            environment=dict(raw.get("environment") or {}),
            entrypoint=tuple(raw.get("entrypoint") or ()),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        _LOG.warning("image record %s cannot be read: %s", path, error)
        return None
