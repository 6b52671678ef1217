"""A gateway of one's own, to be killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from penstock_cloud import environments, processes

ACCOUNT, OTHER = "000000000000", "111122223333"


class Gateway:
    """The gateway process alone, over one state folder and on one port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = processes.free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._clients: dict[tuple[str, str, str], Any] = {}

    @property
    def kept(self) -> Path:
        """The folder of what is kept."""
        return self.folder / "gateway/state"

    def start(self) -> None:
        """Start it and wait until it is ready."""
        python = environments.ensure("gateway")
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        command = [
            str(python), "-m", "penstock_gateway", "--state-dir", str(self.folder), "--port", str(self.port),
            "--services-url", "http://127.0.0.1:9",
        ]  # fmt: skip
        self.process = processes.start(command, self.folder / "gateway.log", environment)
        limit = time.monotonic() + 120
        while True:
            try:
                if urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_localstack/health", timeout=5).status == 200:
                    return
            except OSError:
                pass
            going_on = self.process.poll() is None and time.monotonic() < limit
            assert going_on, processes.last_lines(self.folder / "gateway.log")
            time.sleep(0.05)

    def kill(self) -> None:
        """`kill -9`, as everything else ends too: nothing can be written any more."""
        assert self.process
        processes.signal_session(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it, at once."""
        if self.process:
            self.kill()

    def client(self, service: str, account: str = ACCOUNT, region: str = "us-east-1") -> Any:
        """A boto3 client; the same one again, as they are slow to make."""
        key = (service, account, region)
        if key not in self._clients:
            self._clients[key] = boto3.client(
                service, endpoint_url=f"http://127.0.0.1:{self.port}", region_name=region,
                aws_access_key_id=account, aws_secret_access_key="test",
                config=Config(max_pool_connections=32, retries={"total_max_attempts": 1}, read_timeout=30),
            )  # fmt: skip
        return self._clients[key]
