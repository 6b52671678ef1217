"""Sandboxed processes: what the launcher starts, seen from the services process."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from penstock_services.execution.launcher import tree
from penstock_services.execution.lines import Lines

_LOG = logging.getLogger(__name__)
_LAUNCHER = Path(__file__).with_name("launch.py")
_ML_PATH = re.compile(r"/opt/ml(?![\w.-])")
_MODES = ("root", "user", "none")
_DRAIN_SECONDS = 1.0
_KILL_SECONDS = 10.0
_LIMITS = {
    "memory": "Please use an instance type with more memory, or reduce the size of job data processed on an instance.",
    "volume": "No space left on device: the job has used up its VolumeSizeInGB.",
    "processes": "the job has started more processes than it may",
}
ML = "/opt/ml"
_FIRST_LINE = 256
# In the environment of all that runs in a sandbox: the folder of it, by which stray processes are found.
MARKER = "PENSTOCK_SANDBOX_FOLDER"


@dataclass(frozen=True)
class Outcome:
    """How a process ended: an exit code, or a signal, or an error before it ran, or a limit that it exceeded ("memory",
    "volume", "processes"); ``terminated`` when a SIGTERM came to the launcher; all None when the launcher itself was
    killed."""

    code: int | None = None
    signal: int | None = None
    error: str | None = None
    terminated: bool = False
    limit: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the command ran and exited with 0."""
        return self.code == 0

    @property
    def lost(self) -> bool:
        """Whether the launcher was killed, so that nobody knows how the command ended."""
        return self == Outcome(terminated=self.terminated)

    def reason(self) -> str:
        """The end in words."""
        if self.error is not None:
            return self.error
        if self.limit is not None:
            return _LIMITS[self.limit]
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
        """What tells the containers' toolkits where the files are, where that is not /opt/ml.

        In a user namespace the job is root but only this one user exists: tar, which as root restores the owners of what
        it unpacks (the SDK's FrameworkProcessor unpacks its source so), is told not to.
        """
        if self.mode == "none":
            return {"SAGEMAKER_BASE_DIR": str(self.host)}
        return {"TAR_OPTIONS": "--no-same-owner"} if self.mode == "user" else {}


@dataclass(frozen=True)
class Limits:
    """What a process tree may use; None: as much as there is.

    ``memory`` and ``volume`` (the job's files, with those in its home and in /tmp) are bytes, ``processes`` their number.
    """

    memory: int | None = None
    volume: int | None = None
    processes: int | None = 4096


@dataclass(frozen=True)
class Network:
    """The machine as a host of a job sees it: ``hosts`` is the text of its /etc/hosts (None: the machine's own),
    ``isolated`` leaves it without a network but loopback, which it shares with the host whose launcher is ``peer``."""

    hosts: str | None = None
    isolated: bool = False
    peer: int | None = None


@dataclass
class Sandboxed:
    """One command in its sandbox; ``start`` once.

    In namespaces the command can write only to /opt/ml (which is ``root``), its home (``folder``/home), /tmp and
    /var/tmp (``folder``/tmp), /dev/shm, and to ``overlays``: folders, for example that of its interpreter's packages,
    which it may change for itself alone. All that descends from it is gone when it ends.
    """

    mode: str
    root: Path
    folder: Path
    command: list[str]
    environment: dict[str, str]
    directory: str = "/"
    limits: Limits = field(default_factory=Limits)
    network: Network = field(default_factory=Network)
    overlays: tuple[str, ...] = ()
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _report: int = field(default=-1, init=False)
    _facts: dict[str, object] = field(default_factory=dict, init=False)
    _entered: threading.Event = field(default_factory=threading.Event, init=False)
    _ended: threading.Event = field(default_factory=threading.Event, init=False)
    _outcome: Outcome | None = field(default=None, init=False)
    _asked_to_end: bool = field(default=False, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def start(self, on_line: Callable[[str], None]) -> Sandboxed:
        """Start it; every line of output goes to ``on_line``, from a thread."""
        for path in (self.root, self.folder / "home", self.folder / "tmp"):
            path.mkdir(parents=True, exist_ok=True)
        read, write = os.pipe()
        path = self.folder / "launch.json"
        path.write_text(json.dumps(self._spec(write)))
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
        threading.Thread(target=self._attend, args=(self._process, on_line), name="output", daemon=True).start()
        return self

    def _spec(self, report: int) -> dict[str, object]:
        environment = {**self.environment, MARKER: str(self.folder)}
        if self.mode == "none":
            environment.setdefault("TMPDIR", str(self.folder / "tmp"))
        memory = self.limits.memory
        paths = [word for name in ("PATH", "PYTHONPATH") for word in environment.get(name, "").split(os.pathsep)]
        named = [*paths, *self.command, *programs(self.command[0], environment.get("PATH"))]
        named += [*self.overlays, str(self.root), str(self.folder)]
        return {
            "mode": self.mode,
            "root": str(self.root),
            "folder": str(self.folder),
            "command": self.command,
            "environment": environment,
            "directory": self.directory,
            "report": report,
            "memory": memory,
            "shared_memory": memory // 2 if memory else None,
            "volume": self.limits.volume,
            "processes": self.limits.processes,
            "hosts": self.network.hosts,
            "isolated": self.network.isolated,
            "peer": self.network.peer,
            "visible": [word for word in named if word.startswith("/")],
            "overlays": list(self.overlays),
        }

    @property
    def pid(self) -> int:
        """The launcher's process id."""
        return self._process.pid if self._process else 0

    def entered(self, timeout: float) -> bool:
        """Wait until it is in its namespaces, for at most ``timeout`` seconds; False if it never came there."""
        self._entered.wait(timeout)
        return "entered" in self._facts

    def _attend(self, process: subprocess.Popen[bytes], on_line: Callable[[str], None]) -> None:
        """Read output and report until the launcher has gone, and what is left of the output then."""
        output = Lines(on_line)
        stream = process.stdout.fileno() if process.stdout else -1
        report, told, printing = b"", True, True
        waiting = select.poll()
        for end in (stream, self._report):
            waiting.register(end, select.POLLIN)
        try:
            while told:
                ready = {end for end, _ in waiting.poll()}
                if stream in ready and not output.read(stream):
                    waiting.unregister(stream)
                    printing = False
                if self._report in ready:
                    part = os.read(self._report, 65536)
                    report += part
                    told = bool(part)
                    self._learn(report)
            waiting.unregister(self._report)
            process.wait()
            while printing and waiting.poll(_DRAIN_SECONDS * 1000):
                printing = output.read(stream)
            output.end()
        except Exception:  # noqa: BLE001 (the end must be told, whatever happens)
            _LOG.exception("the output of %s was lost", self.folder)
        self._finish(process)

    def _learn(self, report: bytes) -> None:
        for line in report.split(b"\n")[:-1]:
            for name, value in json.loads(line).items():
                self._facts.setdefault(name, value)
        if "entered" in self._facts:
            self._entered.set()

    def _finish(self, process: subprocess.Popen[bytes]) -> None:
        facts = self._facts
        code, signal, error, limit = (facts.get(name) for name in ("exit", "signal", "error", "limit"))
        failed = error is not None or limit is not None
        if facts.get("filled") and code != 0 and error is None:
            limit = "volume"
        outcome = Outcome(
            code if isinstance(code, int) and not failed else None,
            signal if isinstance(signal, int) and not failed else None,
            str(error) if error is not None else None,
            bool(facts.get("terminated")),
            str(limit) if limit is not None else None,
        )
        if outcome.lost and self.mode == "none":
            sweep(str(self.folder))
        with self._lock:
            self._outcome = outcome
            os.close(self._report)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
        self._entered.set()
        self._ended.set()

    def wait(self, timeout: float | None) -> Outcome | None:
        """How it ended, or None if it still runs after ``timeout`` seconds. Its output has been read by then."""
        self._ended.wait(timeout)
        return self._outcome

    def terminate(self) -> None:
        """SIGTERM to the command: once, as ``docker stop`` does, however often it is asked for."""
        with self._lock:
            if self._process is not None and self._outcome is None and not self._asked_to_end:
                self._asked_to_end = True
                self._process.terminate()

    def kill(self) -> None:
        """Kill the whole tree at once."""
        process = self._process
        if process is None or self._ended.is_set():
            return
        with self._lock:
            if process.stdin is not None and not process.stdin.closed:
                process.stdin.close()
        if not self._ended.wait(_KILL_SECONDS):
            process.kill()
            self._ended.wait(_KILL_SECONDS)

    def stop(self, grace: float) -> Outcome | None:
        """SIGTERM, then after ``grace`` seconds kill."""
        self.terminate()
        outcome = self.wait(grace)
        if outcome is None:
            self.kill()
            outcome = self.wait(10)
        return outcome


def sweep(folder: str) -> int:
    """Kill what still runs of a sandbox (or of all whose folders are below a folder); the number of processes killed.

    Needed only without namespaces, after launchers were killed; by the variable in the processes' environment.
    """
    wanted = f"{MARKER}={folder}".encode()
    found = 0
    for process in tree.processes():
        for variable in tree.read(f"/proc/{process}/environ").split(b"\0"):
            if variable == wanted or variable.startswith(wanted.rstrip(b"/") + b"/"):
                with contextlib.suppress(OSError):
                    os.kill(process, signal.SIGKILL)
                    found += 1
    return found


def finished_within(process: Sandboxed, seconds: float, wanted: Callable[[], bool]) -> Outcome | None:
    """Wait until the process ends, ``seconds`` are over, or ``wanted`` says that it should not go on."""
    deadline = time.monotonic() + seconds
    while True:
        left = deadline - time.monotonic()
        outcome = process.wait(max(0.0, min(left, 0.2)))
        if outcome is not None or left <= 0 or wanted():
            return outcome


def programs(name: str, path: str | None) -> list[str]:
    """The files that must be seen to run a command: what its name and its script's first line lead to."""
    found = shutil.which(name, path=path)
    if found is None:
        return []
    files = [found, os.path.realpath(found)]
    with contextlib.suppress(OSError), Path(found).open("rb") as script:
        first = script.readline(_FIRST_LINE)
        if first.startswith(b"#!"):
            interpreter = os.fsdecode(first[2:].split()[0])
            files += [interpreter, os.path.realpath(interpreter)]
    return files
