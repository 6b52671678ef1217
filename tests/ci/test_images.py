"""The image of a repository: wheels with equal bytes for equal sources, built once, pushed by digest."""

from __future__ import annotations

import hashlib
import itertools
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock_ci import images, wheels
from penstock_ci.errors import Failure, UserError
from penstock_ci.repository import Repository, find
from penstock_ci.target import Target
from penstock_cloud.environments import find_uv

NUMBERS = itertools.count(1)
PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "tides"
version = "0.1.0"
[tool.hatch.build.targets.wheel]
packages = ["src/tides"]
"""


@pytest.fixture
def package(repository: Path) -> Repository:
    """The small repository with a package, a Dockerfile and an empty lock."""
    (repository / "src/tides").mkdir(parents=True)
    (repository / "src/tides/__init__.py").write_text("HEIGHT = 3\n")
    (repository / "pyproject.toml").write_text(PYPROJECT)
    (repository / "Dockerfile").write_text("FROM python:3.13-slim\n")
    (repository / "requirements").mkdir()
    (repository / "requirements/image.txt").write_text("# nothing\n")
    return find()


@pytest.fixture
def small_kit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the kit's own wheel, which takes seconds to build."""

    def make(folder: Path) -> Path:
        wheel = folder / "penstock-0.1.0-py3-none-any.whl"
        wheel.write_bytes(b"kit")
        return wheel

    monkeypatch.setattr(images, "kit_wheel", make)


def test_the_models_wheel_is_reproducible(package: Repository, tmp_path: Path) -> None:
    digests = set()
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        wheel = images.model_wheel(package, folder)
        digests.add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_a_package_that_does_not_build(package: Repository, tmp_path: Path) -> None:
    (package.root / "pyproject.toml").write_text("[project]\nname = 1\n")
    with pytest.raises(Failure, match="could not be built") as caught:
        images.model_wheel(package, tmp_path)
    assert caught.value.detail


def test_an_installed_kit_is_packed_into_the_wheel_it_came_from(tmp_path: Path) -> None:
    """Install the checkout's wheel aside, pack it from there, and install the result again."""
    made = wheels.kit_wheel(tmp_path)
    site = tmp_path / "site"
    install = [find_uv(), "pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target"]
    subprocess.run([*install, str(site), str(made)], check=True)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path; from penstock_ci import wheels; print(wheels.kit_wheel(Path(sys.argv[2])))"
    )
    packed: list[Path] = []
    for number in range(2):
        folder = tmp_path / f"packed-{number}"
        folder.mkdir()
        command = [sys.executable, "-P", "-c", program, str(site), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
        packed.append(Path(done.stdout.strip()))
    assert packed[0].read_bytes() == packed[1].read_bytes()
    assert set(zipfile.ZipFile(packed[0]).namelist()) == set(zipfile.ZipFile(made).namelist())
    subprocess.run([*install, str(tmp_path / "again"), str(packed[0])], check=True)
    assert (tmp_path / "again/penstock_ci/app.py").exists()


@pytest.mark.cloud
@pytest.mark.usefixtures("small_kit")
def test_built_once_for_equal_inputs(package: Repository, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    url = _image_repository(target)
    built: list[str] = []

    def build(target: Target, url: str, tag: str, lock: Path, files: list[Path], dockerfile: Path) -> str:
        built.append(tag)
        digest = f"sha256:{hashlib.sha256(tag.encode()).hexdigest()}"
        if built.count(tag) == 1:
            target.client("ecr").put_image(
                repositoryName=url.split("/", 1)[1],
                imageManifest="{}",
                imageManifestMediaType="application/json",
                imageTag=tag,
                imageDigest=digest,
            )
        return digest

    monkeypatch.setattr(images, "_build_locally", build)
    said: list[str] = []
    first = images.build(package, target, url, said.append)
    assert first.image_uri == f"{url}@{first.digest}"
    records = Path(str(target.cloud.state_dir if target.cloud else "")) / "images"
    (records / f"{first.digest.removeprefix('sha256:')}.json").write_text("{}")
    assert images.build(package, target, url, said.append) == first
    assert said[-1] == f"nothing changed since {first.digest}"
    assert len(built) == 1
    (package.root / "src/tides/__init__.py").write_text("HEIGHT = 4\n")
    assert images.build(package, target, url, said.append).digest != first.digest
    assert len(built) == 2
    images.build(package, target, url, said.append, force=True)
    assert len(built) == 3


@pytest.mark.cloud
def test_an_image_of_the_local_cloud_is_a_record_that_jobs_find(package: Repository, target: Target) -> None:
    from penstock_cloud.images import ImageRecord

    url = _image_repository(target)
    (package.root / "requirements/image.txt").write_text("")
    image = images.build(package, target, url, print)
    assert target.cloud is not None
    file = Path(target.cloud.state_dir) / "images" / f"{image.digest.removeprefix('sha256:')}.json"
    record = ImageRecord.model_validate_json(file.read_text())
    assert record.uri == image.image_uri
    code = "import tides, penstock_pipelines; print(tides.HEIGHT)"
    done = subprocess.run(
        [record.python, "-c", code], env=record.environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "3\n"


@pytest.mark.parametrize(("file", "key"), [("Dockerfile", "dockerfile"), ("requirements/image.txt", "image_lock")])
def test_a_missing_input_is_named(package: Repository, file: str, key: str) -> None:
    (package.root / file).unlink()
    with pytest.raises(UserError, match=r"does not exist") as caught:
        images.build(package, _aws({}), "1.dkr.ecr.x/models", print)
    assert f"pipeline.{key}" in caught.value.fix


@pytest.mark.usefixtures("small_kit")
def test_on_aws_docker_is_needed(package: Repository) -> None:
    with pytest.raises(UserError, match="docker is not installed"):
        images.build(package, _aws({"PATH": "/nonexistent"}), "1.dkr.ecr.eu-west-1.amazonaws.com/models", print)


@pytest.mark.usefixtures("small_kit")
def test_on_aws_docker_builds_and_pushes_by_digest(package: Repository, tmp_path: Path) -> None:
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n[ "$1" = login ] && cat > {tmp_path}/password\nexit 0\n'
    )
    docker.chmod(0o755)
    target = _aws({"PATH": f"{docker.parent}:/usr/bin:/bin"})
    target._clients["ecr"] = _Ecr()
    url = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/models"
    image = images.build(package, target, url, print)
    assert image.image_uri == f"{url}@sha256:{'a' * 64}"
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[0] == "login --username AWS --password-stdin 123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    assert calls[1].startswith("build --platform linux/amd64 --file ")
    assert calls[2] == f"push {url}:{image.tag}"
    assert (tmp_path / "password").read_text() == "secret"
    docker.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(Failure, match="could not log in"):
        images.build(package, target, url, print, force=True)


class _Ecr:
    """Answers what `build` asks of ECR on AWS."""

    exceptions: Any = type("E", (), {"ClientError": KeyError})
    describe_images: Callable[..., Any] = staticmethod(
        lambda **request: {"imageDetails": [{"imageDigest": f"sha256:{'a' * 64}"}]}
    )
    get_authorization_token: Callable[..., Any] = staticmethod(
        lambda: {"authorizationData": [{"authorizationToken": "QVdTOnNlY3JldA=="}]}
    )


def _aws(environment: dict[str, str]) -> Target:
    return Target("aws", "dev", environment, "eu-west-1")


def _image_repository(target: Target) -> str:
    name = f"models-{next(NUMBERS)}"
    return str(target.client("ecr").create_repository(repositoryName=name)["repository"]["repositoryUri"])
