"""The program of one MLflow server: ``serving.py`` under the interpreter of MLflow's own environment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path

from penstock_services.sagemaker.mlflow import serving
from penstock_services.sagemaker.servers import environment
from penstock_services.sagemaker.servers.keeping import STOP_SECONDS

_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE")


@dataclass(frozen=True)
class Process:
    """A process group, whose first process ends when its standard input does."""

    process: subprocess.Popen[bytes]

    def running(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def wait(self) -> str:
        """Wait for its end; how it ended, in words."""
        return f"exit code {self.process.wait()}"

    def end(self) -> None:
        """SIGTERM, then SIGKILL, to the whole group."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
        if self.process.stdin is not None:
            self.process.stdin.close()


@dataclass
class Mlflow:
    """MLflow over the database in a folder; ``artifacts`` is an S3 URI, ``variables`` are the cloud's."""

    folder: Path
    artifacts: str
    variables: dict[str, str]
    name: str = "MLflow"
    _python: Path = field(default=Path(), init=False)

    @property
    def log(self) -> str:
        """Where it writes."""
        return str(self.folder / "mlflow.log")

    def prepare(self, _stopping: threading.Event) -> None:
        """Make the environment. Raises StartFailedError."""
        self._python = environment.interpreter("mlflow")

    def launch(self, port: int) -> Process:
        """Start the process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [
            str(self._python), "-P", str(Path(serving.__file__).resolve()),
            "--backend", f"sqlite:///{self.folder / 'mlflow.sqlite'}",
            "--artifacts", self.artifacts, "--port", str(port),
        ]  # fmt: skip
        variables = {name: os.environ[name] for name in _KEPT if name in os.environ}
        with Path(self.log).open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**variables, **self.variables},
                cwd=self.folder,
                start_new_session=True,
            )
        return Process(process)

    def probe(self) -> str:
        """The path that answers with MLflow's version."""
        return "/version"
