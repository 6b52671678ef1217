"""The image that jobs and endpoints run: a Dockerfile plus a lock, named by digest on both clouds."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock_ci.errors import Failure, UserError
from penstock_ci.wheels import kit_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock_ci.repository import Repository
    from penstock_ci.target import Target

RECORD = "image.json"


@dataclass(frozen=True)
class Image:
    """A built image.

    Attributes:
        image_uri: `<repository>@sha256:<digest>`: what jobs name.
        digest: `sha256:<64 hex digits>`.
        tag: The tag it was pushed under: the first digits of `fingerprint`.
        fingerprint: SHA-256 of everything that went into it; equal inputs are not built again.
    """

    image_uri: str
    digest: str
    tag: str
    fingerprint: str


def build(
    repository: Repository,
    target: Target,
    repository_url: str,
    on_progress: Callable[[str], None],
    *,
    force: bool = False,
) -> Image:
    """Build and push the repository's image, or answer the one built before from the same inputs.

    Args:
        repository: The model repository: its Dockerfile, lock and package.
        target: Where to push.
        repository_url: The image repository (`<account>.dkr.ecr.<region>.amazonaws.com/<name>`).
        on_progress: Hears what is being done.
        force: Build even when nothing changed.

    Raises:
        UserError: the Dockerfile or lock is missing, or (on AWS) docker is.
        Failure: a wheel or the image could not be built or pushed.
    """
    lock = _existing(repository, repository.configuration.pipeline.image_lock, "image_lock")
    dockerfile = _existing(repository, repository.configuration.pipeline.dockerfile, "dockerfile")
    folder = repository.build_folder("wheels")
    for old in folder.glob("*.whl"):
        old.unlink()
    on_progress("building the wheels of the image")
    wheels = [kit_wheel(folder), model_wheel(repository, folder)]
    fingerprint = _fingerprint([lock, dockerfile, *wheels])
    known = built_before(repository)
    if (
        not force
        and known is not None
        and known.fingerprint == fingerprint
        and known.image_uri.startswith(f"{repository_url}@")
        and _is_pushed(target, repository_url, known.digest)
    ):
        on_progress(f"nothing changed since {known.digest}")
        return known
    tag = fingerprint[:16]
    on_progress("building the image")
    if target.is_local:
        digest = _build_locally(target, repository_url, tag, lock, wheels, dockerfile)
    else:
        digest = _build_with_docker(repository, target, repository_url, tag, dockerfile, on_progress)
    image = Image(f"{repository_url}@{digest}", digest, tag, fingerprint)
    (repository.build_folder() / RECORD).write_text(json.dumps(asdict(image), indent=2) + "\n")
    return image


def built_before(repository: Repository) -> Image | None:
    """What the last `penstock build` in this folder made; None when it made nothing or the record is unreadable."""
    try:
        return Image(**json.loads((repository.root / "build" / RECORD).read_text()))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None


def model_wheel(repository: Repository, folder: Path) -> Path:
    """Build the wheel of the repository's own package into a folder, without reaching the network.

    Raises:
        Failure: the package does not build.
    """
    python = repository.root / ".venv/bin/python"
    if not python.exists() or not _has_hatchling(python):
        python = Path(sys.executable)
    command = [str(python), "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    before = set(folder.glob("*.whl"))
    done = subprocess.run(command, cwd=repository.root, capture_output=True, text=True, check=False)
    made = sorted(set(folder.glob("*.whl")) - before)
    if done.returncode != 0 or not made:
        raise Failure(
            f"the package in {repository.root} could not be built",
            "make setup, then try again",
            detail=done.stderr[-2000:],
        )
    return made[0]


def _has_hatchling(python: Path) -> bool:
    if python == Path(sys.executable):
        return importlib.util.find_spec("hatchling") is not None
    return subprocess.run([str(python), "-c", "import hatchling"], capture_output=True, check=False).returncode == 0


def _existing(repository: Repository, path: str, key: str) -> Path:
    file = repository.root / path
    if not file.is_file():
        raise UserError(f"{file} does not exist", f"correct pipeline.{key} in penstock.yaml")
    return file


def _fingerprint(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _is_pushed(target: Target, repository_url: str, digest: str) -> bool:
    client = target.client("ecr")
    try:
        client.describe_images(repositoryName=_repository_name(repository_url), imageIds=[{"imageDigest": digest}])
    except client.exceptions.ClientError:
        return False
    return (
        target.cloud is None
        or (Path(target.cloud.state_dir) / "images" / f"{digest.removeprefix('sha256:')}.json").exists()
    )


def _repository_name(repository_url: str) -> str:
    return repository_url.split("/", 1)[1]


def _build_locally(
    target: Target, repository_url: str, tag: str, lock: Path, wheels: list[Path], dockerfile: Path
) -> str:
    from penstock_cloud import images

    assert target.cloud is not None
    record = images.build(
        repository_url,
        tag,
        lock=lock,
        wheels=wheels,
        dockerfile=dockerfile,
        state_dir=Path(target.cloud.state_dir),
        client=target.client("ecr"),
    )
    return str(record.digest)


def _build_with_docker(
    repository: Repository,
    target: Target,
    repository_url: str,
    tag: str,
    dockerfile: Path,
    on_progress: Callable[[str], None],
) -> str:
    docker = shutil.which("docker", path=target.environment.get("PATH"))
    if docker is None:
        raise UserError(
            "docker is not installed: an image for AWS is built with it",
            "install Docker (or a compatible `docker` command), or let CI build: git push",
        )
    name = f"{repository_url}:{tag}"
    _log_in(docker, target, repository_url)
    _docker(
        [docker, "build", "--platform", "linux/amd64", "--file", str(dockerfile), "--tag", name, str(repository.root)],
        "docker build failed",
    )
    on_progress(f"pushing {name}")
    _docker([docker, "push", name], "docker push failed")
    images: list[dict[str, Any]] = target.client("ecr").describe_images(
        repositoryName=_repository_name(repository_url), imageIds=[{"imageTag": tag}]
    )["imageDetails"]
    return str(images[0]["imageDigest"])


def _log_in(docker: str, target: Target, repository_url: str) -> None:
    token = target.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, password = base64.b64decode(token).decode().split(":", 1)
    registry = repository_url.split("/", 1)[0]
    done = subprocess.run(
        [docker, "login", "--username", user, "--password-stdin", registry],
        input=password,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Failure(f"docker could not log in to {registry}", "is the Docker daemon running?", detail=done.stderr)


def _docker(command: list[str], failure: str) -> None:
    """Run docker with its own output on stderr, where progress belongs."""
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
        raise Failure(failure, "see docker's message above")
