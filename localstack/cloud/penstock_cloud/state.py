"""The layout of the state folder: all that a local cloud writes lies in one place."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

ACCOUNT = "000000000000"
REGION = "us-east-1"


class CloudInfo(BaseModel):
    """A running local cloud. The endpoints are URLs without a path; `pid` is the supervisor's."""

    model_config = ConfigDict(frozen=True)

    endpoint: str
    runtime_endpoint: str
    featurestore_endpoint: str
    receiver_endpoint: str | None = None
    pid: int
    state_dir: Path
    account: str = ACCOUNT
    region: str = REGION


@dataclass(frozen=True)
class StateFolder:
    """Names of the files and folders in a state folder."""

    path: Path

    @property
    def lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.path / "supervisor.lock"

    @property
    def cloud(self) -> Path:
        """CloudInfo, there while everything answers."""
        return self.path / "cloud.json"

    @property
    def failure(self) -> Path:
        """Why the last start failed, left by the supervisor for the command that started it."""
        return self.path / "start-failure.json"

    @property
    def made_with(self) -> Path:
        """The versions that write this state (`compatibility`)."""
        return self.path / "made-with.json"

    @property
    def ports(self) -> Path:
        """The ports of the last run (`ports`)."""
        return self.path / "ports.json"

    @property
    def frozen(self) -> Path:
        """There while a snapshot is taken: the process that froze the others (`freezing`)."""
        return self.path / "frozen-by"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def images(self) -> Path:
        return self.path / "images"

    @property
    def pulumi(self) -> Path:
        """State of the stacks, in Pulumi's own file-backend layout."""
        return self.path / "pulumi"

    @property
    def passphrase(self) -> Path:
        return self.pulumi / "passphrase"

    @property
    def github_token(self) -> Path:
        return self.path / "github-token"

    def log(self, process: str) -> Path:
        return self.logs / f"{process}.log"

    def prepare(self) -> None:
        """Make the folders and, once, the secrets of this state."""
        for folder in (self.path, self.logs, self.images, self.pulumi):
            folder.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o700)
        for file in (self.passphrase, self.github_token):
            if not file.exists():
                write_secret(file, secrets.token_urlsafe(24))


def write_atomically(file: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the whole new one."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(file)


def write_secret(file: Path, text: str) -> None:
    """Write a file that its owner alone may read."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
