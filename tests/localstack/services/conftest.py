"""A services process of its own for each kind of test, and the gateway that jobs need."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from penstock_services.ports import free_port

ACCOUNT, REGION = "000000000000", "us-east-1"
REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/models"
IMAGE = f"{REPOSITORY}:v1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/training"
PACKAGES = Path(__file__).parents[3] / "localstack" / "services"


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    pytest.fail(f"{url} did not answer; the log ends with:\n{log.read_text()[-3000:]}")


def make_client(service: str, url: str, account: str = ACCOUNT, region: str = REGION, **config: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, **config),
    )


@dataclass
class Services:
    """One services process that can be stopped, killed and started again on the same state."""

    state_dir: Path
    gateway_url: str
    python: str = sys.executable
    prefix: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.state_dir / "services.log"

    def start(self) -> Services:
        command = [*self.prefix, self.python, "-m", "penstock_services", "--state-dir", str(self.state_dir)]
        command += ["--gateway-url", self.gateway_url, "--port", str(self.port)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PENSTOCK_"))}
        variables = {"PYTHONPATH": str(PACKAGES), "PENSTOCK_STEP_SECONDS": "0.1", "PENSTOCK_STOP_SECONDS": "5"}
        variables["PENSTOCK_CAPTURE_SECONDS"] = "0.5"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**kept, **variables, **self.environment}, cwd="/"
            )
        wait_for(f"{self.url}/_penstock/health", self.process, self.log)
        return self

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(60)

    def client(self, service: str = "sagemaker", **options: Any) -> Any:
        return make_client(service, self.url, **options)

    def aws(self, service: str) -> Any:
        """A client of the gateway."""
        return make_client(service, self.gateway_url)

    def image(self, **commands: str) -> None:
        """Register the image; its commands are Python texts by name (``train``, ``serve``)."""
        folder = self.state_dir / "image-bin"
        folder.mkdir(exist_ok=True)
        for name, text in commands.items():
            path = folder / name
            path.write_text(f"#!{self.python}\n{text}")
            path.chmod(0o755)
        record = {
            "repository": REPOSITORY,
            "digest": "sha256:" + "a" * 64,
            "tags": ["v1"],
            "python": self.python,
            "path": [str(folder)],
            "environment": {"FROM_IMAGE": "yes"},
            "entrypoint": None,
        }
        images = self.state_dir / "images"
        images.mkdir(exist_ok=True)
        (images / ("a" * 64 + ".json")).write_text(json.dumps(record))


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A services process without a gateway: enough for the control plane."""
    running = Services(tmp_path_factory.mktemp("state"), "http://127.0.0.1:9").start()
    yield running
    running.kill()  # a graceful stop would wait for its events to leave


@pytest.fixture(scope="module")
def sagemaker(services: Services) -> Any:
    return services.client()


@pytest.fixture(scope="module")
def unhurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """SageMaker of another process, whose states last long enough to be seen on a busy machine."""
    state = tmp_path_factory.mktemp("unhurried")
    running = Services(state, "http://127.0.0.1:9", environment={"PENSTOCK_STEP_SECONDS": "2"}).start()
    yield running.client()
    running.kill()


@pytest.fixture(scope="module")
def unchecked(services: Services) -> Any:
    """A client that sends what botocore itself would refuse."""
    return services.client(parameter_validation=False)


@pytest.fixture(scope="session")
def gateway_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway (S3, Logs, EventBridge, CloudWatch) without services behind it."""
    from penstock_cloud import environments

    python = environments.ensure("gateway")
    state = tmp_path_factory.mktemp("gateway-state")
    port, log = free_port(), state / "gateway.log"
    command = [str(python), "-m", "penstock_gateway", "--state-dir", str(state), "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--services-url", "http://127.0.0.1:9"], stdout=output, stderr=output, cwd=state
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/_localstack/health", process, log, 120)
        url = f"http://127.0.0.1:{port}"
        make_client("s3", url).create_bucket(Bucket="job-data")
        yield url
    finally:
        process.kill()  # nothing of it is wanted any more
        process.wait()


def unprivileged() -> tuple[str, list[str], int]:
    """Interpreter, command prefix and user id for running as an ordinary user while the tests run as root."""
    if os.geteuid() != 0:
        pytest.skip("the tests run as an ordinary user already: the flavour 'own' is that")
    if shutil.which("setpriv") is None:
        pytest.skip("there is no setpriv")
    user = next((each for each in pwd.getpwall() if each.pw_name == "tester"), pwd.getpwnam("nobody"))
    ids = ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/bin", "/usr/bin"])
    candidates = [sys.executable] + [str(Path(folder) / version) for folder in path.split(os.pathsep)]
    for python in candidates:
        command = ["setpriv", *ids, python, "-c", "import boto3, uvicorn, starlette, penstock_services"]
        environment = {"PYTHONPATH": search_path(), "PATH": path}
        if subprocess.run(command, env=environment, capture_output=True, check=False, cwd="/").returncode == 0:
            return python, ["setpriv", *ids], user.pw_uid
    pytest.skip("no interpreter that an ordinary user may run has the packages")


def search_path() -> str:
    packages = Path(boto3.__file__).parents[1]
    return os.pathsep.join([str(PACKAGES), str(packages)])


@pytest.fixture(scope="module", params=["own", "no-namespaces", "ordinary-user"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def jobs(flavour: str, gateway_url: str) -> Iterator[Services]:
    """A services process that runs jobs: as it is, with namespaces denied, and as a user who is not root."""
    yield from running_jobs(flavour, gateway_url)


@pytest.fixture(scope="module")
def serving(gateway_url: str) -> Iterator[Services]:
    """The same, in one flavour."""
    yield from running_jobs("own", gateway_url)


def running_jobs(flavour: str, gateway_url: str, **variables: str) -> Iterator[Services]:
    folder = Path(tempfile.mkdtemp(prefix="penstock-services-"))
    folder.chmod(0o755)
    running = Services(folder, gateway_url, environment=variables)
    if flavour == "no-namespaces":
        running.environment["PENSTOCK_SANDBOX"] = "none"
    if flavour == "user-namespaces":
        running.environment["PENSTOCK_SANDBOX"] = "user"
    if flavour == "ordinary-user":
        running.python, running.prefix, user = unprivileged()
        running.environment.update(PYTHONPATH=search_path(), HOME=str(folder))
        os.chown(folder, user, user)
    try:
        yield running.start()
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def archive() -> Callable[..., bytes]:
    """Bytes of a ``.tar.gz`` with files by name."""

    def make(**files: str) -> bytes:
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:gz") as tar:
            for name, text in files.items():
                member = tarfile.TarInfo(name.replace("__", "."))
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
        return content.getvalue()

    return make
