"""One process that serves a Lambda function, from its start to its end. Nothing here knows LocalStack."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from penstock_gateway.functions import runtime

INIT_SECONDS = 10.0
"""What loading the handler may take before it counts against the function's time-out (developer guide, "Init phase")."""

MEGABYTE = 1 << 20
LOG_LIMIT_BYTES = 4 * MEGABYTE
"""How much of one invocation's log is kept."""


class EndedError(Exception):
    """The process of the environment is gone, or did not answer in time."""

    def __init__(self, timed_out: bool) -> None:
        super().__init__("timed out" if timed_out else "ended")
        self.timed_out = timed_out


class Process:
    """One process that serves a function, from its start to its end."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path, code: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "log"
        self._answers, answers = os.pipe()
        self._rest = b""
        self.started = time.monotonic()
        self.initialized = False
        try:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    command,
                    cwd=code,
                    env={**environment, runtime.ANSWERS_VARIABLE: str(answers)},
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    pass_fds=[answers],
                    start_new_session=True,
                )
        finally:
            os.close(answers)

    def initialize(self) -> float:
        """Wait until the handler is loaded, as long as that may take; seconds since the start, 0.0 if waited before."""
        if self.initialized:
            return 0.0
        self.initialized = True
        with contextlib.suppress(EndedError):
            self.receive(self.started + INIT_SECONDS)
        return time.monotonic() - self.started

    def invoke(self, payload: dict[str, str], deadline: float) -> dict[str, Any]:
        """Run the handler once: ``payload`` (JSON), ``failed``, ``peak`` (MB), ``reusable``. Raises EndedError."""
        self.send(payload)
        answer = self.receive(deadline)
        # Loading took longer than its own limit: that answer comes first.
        return self.receive(deadline) if "ready" in answer else answer

    def send(self, message: dict[str, Any]) -> None:
        """Hand over one message; a process that is gone is noticed when its answer is read."""
        assert self.process.stdin
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()

    def receive(self, deadline: float) -> dict[str, Any]:
        """The next answer, before `deadline` (monotonic). Raises EndedError."""
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                raise EndedError(timed_out=True)
            chunk = os.read(self._answers, MEGABYTE)
            if not chunk:
                raise EndedError(timed_out=False)
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def take_log(self) -> str:
        """What was written since the last call."""
        with self.log.open("r+b") as stream:
            text = stream.read(LOG_LIMIT_BYTES).decode(errors="replace")
            stream.truncate(0)
        return text if not text or text.endswith("\n") else text + "\n"

    def kill(self) -> None:
        """Kill the process group; who waits for an answer gets EndedError."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def end(self) -> int:
        """Kill what is left of the process group and forget it; the exit code of its leader (negative: a signal)."""
        if self._answers >= 0 and select.select([self._answers], [], [], 0)[0]:
            # It closed its end by itself: a moment for its own exit code.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.5)
        self.kill()
        code = self.process.wait()
        with contextlib.suppress(OSError):
            if self.process.stdin:
                self.process.stdin.close()
        if self._answers >= 0:
            os.close(self._answers)
            self._answers = -1
        return code
