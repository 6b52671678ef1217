"""Sandboxed processes: what the launcher starts, seen from the services process."""

from __future__ import annotations

import functools
import json
import logging
import os
import re
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_LOG = logging.getLogger(__name__)
_LAUNCHER = Path(__file__).with_name("launch.py")
_ML_PATH = re.compile(r"/opt/ml(?![\w.-])")
_MODES = ("root", "user", "none")
ML = "/opt/ml"


@dataclass(frozen=True)
class Outcome:
    """How a process ended: an exit code, or a signal, or an error before it ran; ``terminated`` when a SIGTERM came
    to the launcher; all None when the launcher itself was killed."""

    code: int | None = None
    signal: int | None = None
    error: str | None = None
    terminated: bool = False

    @property
    def ok(self) -> bool:
        """Whether the command ran and exited with 0."""
        return self.code == 0

    def reason(self) -> str:
        """The end in words."""
        if self.error is not None:
            return self.error
        if self.signal is not None:
            return f"the process was killed by signal {self.signal}, exit code: {128 + self.signal}"
        if self.code is not None:
            return f"exit code: {self.code}"
        return "the process was killed from outside"


@functools.cache
def mode() -> str:
    """The strongest mode that works here; ``PENSTOCK_SANDBOX`` (root, user, none) forces one."""
    forced = os.environ.get("PENSTOCK_SANDBOX", "")
    if forced in _MODES:
        return forced
    if sys.platform != "linux":
        return "none"
    for candidate in ("root", "user") if os.geteuid() == 0 else ("user",):
        with tempfile.TemporaryDirectory() as folder:
            probe = Sandboxed(candidate, Path(folder) / "ml", Path(folder), ["true"], {"PATH": "/usr/bin:/bin"})
            if probe.start(lambda _line: None).wait(10) == Outcome(code=0):
                return candidate
    _LOG.warning(
        "namespaces are denied on this system: jobs run without a private /opt/ml and find their files below "
        "SAGEMAKER_BASE_DIR instead"
    )
    return "none"


@dataclass(frozen=True)
class Layout:
    """A job's ``/opt/ml``: the folder on this machine, and the path by which the job knows it."""

    mode: str
    host: Path

    @property
    def inside(self) -> str:
        """/opt/ml in a namespace, the folder itself without one."""
        return str(self.host) if self.mode == "none" else ML

    def path(self, path: str) -> Path:
        """The file on this machine for a path below /opt/ml."""
        relative = os.path.relpath(path, ML)
        if relative.startswith(".."):
            message = f"{path} is not below {ML}"
            raise ValueError(message)
        return self.host / relative

    def text(self, text: str) -> str:
        """A command argument, variable or file content as the job must see it."""
        return text if self.mode != "none" else _ML_PATH.sub(lambda _found: str(self.host), text)

    def environment(self) -> dict[str, str]:
        """What tells the containers' toolkits where the files are, where that is not /opt/ml."""
        return {"SAGEMAKER_BASE_DIR": str(self.host)} if self.mode == "none" else {}


@dataclass
class Sandboxed:
    """One command in its sandbox; ``start`` once."""

    mode: str
    root: Path
    folder: Path
    command: list[str]
    environment: dict[str, str]
    directory: str = "/"
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _report: int = field(default=-1, init=False)
    _reader: threading.Thread | None = field(default=None, init=False)
    _outcome: Outcome | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def start(self, on_line: Callable[[str], None]) -> Sandboxed:
        """Start it; every line of output goes to ``on_line``, from a thread."""
        self.root.mkdir(parents=True, exist_ok=True)
        read, write = os.pipe()
        spec = {
            "mode": self.mode,
            "root": str(self.root),
            "command": self.command,
            "environment": self.environment,
            "directory": self.directory,
            "report": write,
        }
        path = self.folder / "launch.json"
        path.write_text(json.dumps(spec))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_LAUNCHER), str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[write],
                start_new_session=True,
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            )
        finally:
            os.close(write)
        self._report = read
        self._reader = threading.Thread(target=self._read, args=(on_line,), name="output", daemon=True)
        self._reader.start()
        return self

    @property
    def pid(self) -> int:
        """The launcher's process id."""
        return self._process.pid if self._process else 0

    def _read(self, on_line: Callable[[str], None]) -> None:
        stream = self._process.stdout if self._process else None
        if stream is None:
            return
        for raw in stream:
            try:
                on_line(raw.decode(errors="replace").rstrip("\r\n"))
            except Exception:  # noqa: BLE001 (output must go on being read)
                _LOG.exception("a line of output was lost")

    def wait(self, timeout: float | None) -> Outcome | None:
        """How it ended, or None if it still runs after ``timeout`` seconds."""
        with self._lock:
            if self._outcome is not None or self._process is None:
                return self._outcome
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        with self._lock:
            if self._outcome is None:
                self._outcome = self._ended()
        if self._reader is not None:
            self._reader.join(5)
        return self._outcome

    def _ended(self) -> Outcome:
        content = b""
        while select.select([self._report], [], [], 0)[0]:
            part = os.read(self._report, 65536)
            if not part:
                break
            content += part
        os.close(self._report)
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        facts: dict[str, object] = {}
        for line in content.splitlines():
            for name, value in json.loads(line).items():
                facts.setdefault(name, value)
        code, signal = facts.get("exit"), facts.get("signal")
        error = facts.get("error")
        return Outcome(
            code if isinstance(code, int) and error is None else None,
            signal if isinstance(signal, int) else None,
            str(error) if error is not None else None,
            bool(facts.get("terminated")),
        )

    def terminate(self) -> None:
        """SIGTERM to the command."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """Kill the whole tree at once."""
        if self._process is not None and self._process.stdin is not None and self._process.poll() is None:
            self._process.stdin.close()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def stop(self, grace: float) -> Outcome | None:
        """SIGTERM, then after ``grace`` seconds kill."""
        self.terminate()
        outcome = self.wait(grace)
        if outcome is None:
            self.kill()
            outcome = self.wait(10)
        return outcome


def finished_within(process: Sandboxed, seconds: float, wanted: Callable[[], bool]) -> Outcome | None:
    """Wait until the process ends, ``seconds`` are over, or ``wanted`` says that it should not go on."""
    deadline = time.monotonic() + seconds
    while True:
        left = deadline - time.monotonic()
        outcome = process.wait(max(0.0, min(left, 0.2)))
        if outcome is not None or left <= 0 or wanted():
            return outcome
