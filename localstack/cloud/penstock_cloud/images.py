"""Images without Docker: the same Dockerfile and lock become an environment that the local cloud finds by image URI.

The image is pushed to ECR as far as ECR's own interface goes: PutImage with a manifest whose digest is the image's. What
it consists of is a record in the state folder that the services process reads when a job names the image.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from penstock_cloud.environments import Progress, from_lock, run_uv
from penstock_cloud.errors import CloudError
from penstock_cloud.state import StateFolder, write_atomically

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.penstock.environment.v1+json"
LAYER_TYPE = "application/vnd.penstock.file.v1"


class ImageRecord(BaseModel):
    """What stands for an image on this machine.

    `path` are the folders of its programs, `environment` the variables that its processes get, `entrypoint` its own
    command (None: the job names one).
    """

    model_config = ConfigDict(frozen=True)

    repository: str
    digest: str
    tags: list[str]
    python: str
    path: list[str]
    environment: dict[str, str]
    entrypoint: list[str] | None = None

    @property
    def uri(self) -> str:
        return f"{self.repository}@{self.digest}"


def descriptor(kind: str, name: str, content: bytes) -> dict[str, Any]:
    return {
        "mediaType": kind,
        "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "size": len(content),
        "annotations": {"org.opencontainers.image.title": name},
    }


def manifest(lock: Path, wheels: Sequence[Path], dockerfile: Path) -> str:
    """The image manifest: equal inputs give equal text, and so an equal digest."""
    layers = [descriptor(LAYER_TYPE, file.name, file.read_bytes()) for file in sorted(wheels)]
    layers.append(descriptor(LAYER_TYPE, "requirements.txt", lock.read_bytes()))
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": descriptor(CONFIG_TYPE, "Dockerfile", dockerfile.read_bytes()),
        "layers": layers,
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def entrypoint(dockerfile: Path) -> list[str] | None:
    """The ENTRYPOINT of a Dockerfile in its JSON form; None where it has none."""
    found: list[str] | None = None
    for line in dockerfile.read_text().splitlines():
        word, _, rest = line.strip().partition(" ")
        if word.upper() == "ENTRYPOINT":
            try:
                found = [str(part) for part in json.loads(rest)]
            except json.JSONDecodeError as error:
                raise CloudError(
                    f"{dockerfile}: the ENTRYPOINT {rest} is not in JSON form",
                    'write it as a list: ENTRYPOINT ["train"]',
                ) from error
    return found


def build(
    repository_url: str,
    tag: str,
    *,
    lock: Path,
    wheels: Sequence[Path],
    dockerfile: Path,
    state_dir: Path,
    client: Any,
    on_progress: Progress | None = None,
) -> ImageRecord:
    """Make the image and push it to ECR under `tag`; returns its record, whose digest is the one that ECR answered.

    `client` is a boto3 ECR client of the local cloud. Building the same inputs again is quick and changes nothing.
    Raises CloudError.
    """
    for file in (lock, dockerfile, *wheels):
        if not file.is_file():
            raise CloudError(f"{file} is missing: an image is made of a Dockerfile, a lock and wheels")
    text = manifest(lock, wheels, dockerfile)
    python = from_lock("image", lock, on_progress)
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    folder = StateFolder(state_dir).images
    content = folder / digest.removeprefix("sha256:")
    if not (content / ".complete").exists():
        if on_progress:
            on_progress("installing the repository's packages into the image")
        shutil.rmtree(content, ignore_errors=True)
        content.mkdir(parents=True)
        run_uv(
            "pip", "install", "--quiet", "--no-deps", "--compile-bytecode",
            "--python", python, "--target", content / "site", *wheels,
        )  # fmt: skip
        (content / ".complete").touch()
    pushed = put(client, repository_url, tag, text)
    if pushed != digest:
        raise CloudError(
            f"the tag '{tag}' of {repository_url} is taken by another image ({pushed}), and its tags are immutable",
            "commit the change, so that the image gets a tag of its own",
        )
    record_file = folder / f"{digest.removeprefix('sha256:')}.json"
    tags = [tag]
    if record_file.exists():
        tags = sorted({*ImageRecord.model_validate_json(record_file.read_text()).tags, tag})
    record = ImageRecord(
        repository=repository_url,
        digest=digest,
        tags=tags,
        python=str(python),
        path=[str(content / "site/bin"), str(python.parent)],
        environment={"PYTHONPATH": str(content / "site")},
        entrypoint=entrypoint(dockerfile),
    )
    write_atomically(record_file, record.model_dump_json(indent=2))
    return record


def put(client: Any, repository_url: str, tag: str, text: str) -> str:
    """Push a manifest under a tag, or leave it if it is there; returns the digest that ECR has."""
    name = repository_url.split("/", 1)[1]
    try:
        answer = client.put_image(
            repositoryName=name,
            imageManifest=text,
            imageManifestMediaType=MANIFEST_TYPE,
            imageTag=tag,
            imageDigest=f"sha256:{hashlib.sha256(text.encode()).hexdigest()}",
        )
        return str(answer["image"]["imageId"]["imageDigest"])
    except (client.exceptions.ImageAlreadyExistsException, client.exceptions.ImageTagAlreadyExistsException):
        # Tags are immutable: the caller compares the digest.
        images = client.describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])["imageDetails"]
        return str(images[0]["imageDigest"])
    except client.exceptions.RepositoryNotFoundException as error:
        raise CloudError(
            f"there is no image repository '{name}' on the local cloud", "bring the platform up: penstock up --all"
        ) from error
