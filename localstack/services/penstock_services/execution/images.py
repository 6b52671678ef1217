"""Images: what a container image URI means on this machine.

``penstock build`` writes a record ``<state>/images/<hex>.json`` for each image that it pushes: the repository, digest
and tags by which jobs name it, and the interpreter, path and variables that stand for it. AWS's own images
(framework_images.py) stand for environments that are made on first use.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import penstock_services
from penstock_services.execution import image_environments
from penstock_services.execution.framework_images import FrameworkImage, RefusedImageError, match

_LOG = logging.getLogger(__name__)


# What a user has set for pip holds for the pip of AWS's images too: on AWS a container reaches a package index as it is.
_PIP = ("PIP_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


class UnknownImageError(Exception):
    """No record for an image URI, or an image of AWS's that cannot run here; the text says what to do."""


@dataclass(frozen=True)
class Image:
    """One image record.

    ``own`` is set for AWS's images: a folder with the packages of ours that their programs import. A job of such an
    image gets an environment of its own over ``python``'s, to which it may install more.
    """

    repository: str
    digest: str
    tags: tuple[str, ...]
    python: str
    path: tuple[str, ...]
    environment: dict[str, str]
    entrypoint: tuple[str, ...]
    own: str | None = None

    def variables(self, home: Path | None = None) -> dict[str, str]:
        """The environment that the image itself brings. ``home`` is an existing folder of the one job or server.

        Jobs share this machine's few cores, so threads that wait must not spin (OMP_WAIT_POLICY), unless the image
        says so.
        """
        folders = [*self.path, "/usr/local/bin", "/usr/bin", "/bin"]
        if self.own and home:
            image = home / ".image"
            programs = image_environments.lay_over(Path(self.python), Path(self.own), image, self._commands())
            folders.insert(0, str(programs))
        path = ":".join(folders)
        return {"PYTHONUNBUFFERED": "1", "OMP_WAIT_POLICY": "PASSIVE", **self.environment, "PATH": path}

    def _commands(self) -> dict[str, list[str]]:
        """Programs of one of AWS's images, by name."""
        own = list(self.entrypoint[1:])
        return {
            "train": [*own, "train"],
            "serve": [*own, "serve"],
            "smspark-submit": [*own, "smspark-submit"],
            "torchrun": ["-m", "torch.distributed.run"],
        }


def find(state_dir: Path, uri: str, tell: Callable[[str], None] | None = None) -> Image:
    """The image that a URI names, by digest or by tag ("latest" where it has neither).

    ``tell`` hears lines about one of AWS's images: that it is being prepared, which takes time once, and what it runs
    with. Raises UnknownImageError.
    """
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
    framework = _framework(state_dir, uri, tell or _LOG.info)
    if framework is not None:
        return framework
    message = f"the image {uri} is not known to the local cloud: run `penstock build`, which makes and pushes it"
    raise UnknownImageError(message)


def _framework(state_dir: Path, uri: str, tell: Callable[[str], None]) -> Image | None:
    """The environment of an image of AWS's, or None if the URI names none."""
    try:
        found = match(uri)
    except RefusedImageError as error:
        raise UnknownImageError(str(error)) from None
    return None if found is None else prepared(state_dir, found, tell)


def prepared(state_dir: Path, found: FrameworkImage, tell: Callable[[str], None]) -> Image:
    """An image that an environment of the kit's stands for, made if it is not there. Raises UnknownImageError.

    Compilation jobs have one of their own, which no URI of AWS's names.
    """
    try:
        made = image_environments.make(
            found.version.choices,
            found.repository.packages,
            lambda text: tell(f"Preparing the image: {text}"),
        )
    except image_environments.EnvironmentFailedError as error:
        message = f"the image {found.uri} cannot be made on this machine: {error}"
        raise UnknownImageError(message) from None
    tell(f"Image: {found.note(made.lock, made.version)}")
    return _image(state_dir, found, made)


def _image(state_dir: Path, found: FrameworkImage, made: image_environments.Made) -> Image:
    own = state_dir / "images" / "own"
    own.mkdir(parents=True, exist_ok=True)
    for name, folder in {"penstock_services": str(Path(penstock_services.__file__).parent), **made.packages}.items():
        link = own / name
        if not link.exists() or link.resolve() != Path(folder).resolve():
            link.unlink(missing_ok=True)
            link.symlink_to(folder)
    module = found.repository.module
    return Image(
        repository=found.uri,
        digest="",
        tags=(),
        python=str(made.python),
        path=(str(made.python.parent),),
        environment={
            **pip_variables(),
            **dict(found.repository.environment),
            "PENSTOCK_IMAGE_VERSION": found.version.tag,
        },
        entrypoint=("python", "-m", module) if module else (),
        own=str(own),
    )


def pip_variables() -> dict[str, str]:
    """What pip needs inside AWS's images: what the user of this machine has set for theirs."""
    variables = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    settings = Path.home() / ".config/pip/pip.conf"
    if settings.is_file():
        variables["PIP_CONFIG_FILE"] = str(settings)
    return variables | {name: value for name, value in os.environ.items() if name.startswith(_PIP)}


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
