"""Starting, feeding and ending the program's process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from penstock_deploy.errors import DeploymentError

_LAUNCHER = Path(__file__).with_name("launcher.py")
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER", "LOGNAME", "SSL_CERT_FILE")
_GRACE_SECONDS = 5.0


class Program:
    """The process of the program. It begins to import at once; `begin` tells it where the engine is."""

    def __init__(self, python: Path, environment: Mapping[str, str]) -> None:
        self.listener: Callable[[str], None] | None = None
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        variables = {**inherited, **environment, "PYTHONUNBUFFERED": "1", "GRPC_VERBOSITY": "NONE"}
        try:
            self._process = subprocess.Popen(
                [str(python), "-P", str(_LAUNCHER)],
                env=variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise DeploymentError(f"the program's interpreter {python} cannot be started: {error.strerror}") from error
        self._tail: list[str] = []
        self._reader = threading.Thread(target=self._read, name="program-output", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for raw in self._process.stdout:
            line = raw.decode(errors="replace").rstrip("\n")
            self._tail = [*self._tail[-40:], line]
            if self.listener is not None:
                self.listener(line)

    def begin(self, order: Mapping[str, Any]) -> None:
        """Tell the process what to run and where the engine is."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return

    def poll(self) -> int | None:
        return self._process.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and for the last line of output; the exit status."""
        status = self._process.wait(timeout)
        self._reader.join(_GRACE_SECONDS)
        return status

    def tail(self) -> str:
        """The last lines that the program printed."""
        return "\n".join(self._tail[-20:])

    def stop(self, *, at_once: bool = False) -> None:
        """End the process and its children, at once if so asked or if it does not end when told to."""
        if self._process.poll() is None:
            for number in (signal.SIGKILL,) if at_once else (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(self._process.pid, number)
                    self._process.wait(_GRACE_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    continue
                except ProcessLookupError:
                    break
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._reader.join(_GRACE_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()
