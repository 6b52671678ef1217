"""Jobs that run a container: what a job of any such kind goes through, from its record to its end."""

from __future__ import annotations

import functools
import logging
import shutil
import time
from abc import abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from penstock_services.execution import sandbox
from penstock_services.execution.environment import cloud_variables
from penstock_services.execution.images import Image, UnknownImageError, find
from penstock_services.execution.instances import memory_here
from penstock_services.execution.logs import LogStream
from penstock_services.execution.sandbox import Layout, Limits, Network, Outcome, Sandboxed, finished_within
from penstock_services.execution.transfer import TransferError
from penstock_services.operations import Context
from penstock_services.sagemaker.jobs.base import (
    JOB_KINDS,
    RUNNING,
    BaseJob,
    JobFailedError,
    JobStoppedError,
    Record,
    announce,
    job_kind,
)
from penstock_services.sagemaker.jobs.cluster import Instance, homogeneous, host_names, hosts_file, resource_config
from penstock_services.sagemaker.jobs.queue import QUEUE
from penstock_services.sagemaker.jobs.stopping import refuse_delete, stop

__all__ = [
    "JOB_KINDS", "QUEUE", "RUNNING", "BaseJob", "Host", "Job", "JobFailedError", "JobStoppedError", "Record",
    "announce", "folder_for", "job_kind", "refuse_delete", "stop",
]  # fmt: skip
_LOG = logging.getLogger(__name__)
_REASON_LENGTH = 1024
_POLL_SECONDS = 0.05
_ENTER_SECONDS = 10.0
_KILLED = 128 + 9


@dataclass
class Host:
    """One instance of a job: its name (algo-1, algo-2...), its own /opt/ml, its log stream, its processes."""

    name: str
    instance: Instance
    folder: Path
    layout: Layout
    log: LogStream
    process: Sandboxed | None = field(default=None)


class Job(BaseJob):
    """One job that runs a container on one or more hosts.

    Until ``run`` the job has no folder and no log. ``prepare`` is called once for each host, with ``self.host`` (and so
    ``self.layout`` and ``self.log``) that host; everywhere else these mean the first host. What an attempt is: prepare,
    ``started``, the command, ``goes_on`` (which may ask for another attempt), ``finish``.
    """

    log_group: ClassVar[str]
    folder: Path
    host: Host

    def __init__(self, context: Context, record: Record) -> None:
        super().__init__(context, record)
        self.hosts: list[Host] = []

    @abstractmethod
    def prepare(self, image: Image) -> tuple[list[str], dict[str, str]]:
        """Lay out /opt/ml of ``self.host``; the command and the job's own variables."""

    @abstractmethod
    def finish(self, outcome: Outcome | None) -> None:
        """Take out what the command left and set the final status; ``outcome`` None: it ran too long."""

    @abstractmethod
    def started(self) -> None:
        """The command is about to start."""

    @property
    @abstractmethod
    def image_uri(self) -> str:
        """The image that the job names."""

    @property
    def limit_seconds(self) -> float:
        """How long the command may run."""
        return float(self.record["StoppingCondition"]["MaxRuntimeInSeconds"])

    @property
    def instances(self) -> list[Instance]:
        """The instances that the job asks for: one host each."""
        return homogeneous("ml.m5.large", 1)

    @property
    def volume_gigabytes(self) -> int | None:
        """VolumeSizeInGB of each host, if the job says it."""
        return None

    @property
    def isolated(self) -> bool:
        """Whether the container may not use the network (EnableNetworkIsolation)."""
        return False

    @property
    def interrupted(self) -> bool:
        """Whether the command is to end before its time, for another attempt."""
        return False

    @property
    def layout(self) -> Layout:
        """The /opt/ml of the host at hand."""
        return self.host.layout

    @property
    def log(self) -> LogStream:
        """The log of the host at hand."""
        return self.host.log

    @property
    def process(self) -> Sandboxed | None:
        """The processes of the host at hand."""
        return self.host.process

    @property
    def alone(self) -> bool:
        """Several hosts share this machine's ports: one such job at a time."""
        return len(self.instances) > 1

    def run(self) -> None:
        """The whole life of the job; never raises."""
        self.folder = folder_for(self.context.settings.state_dir, self.name)
        self.place_hosts(int(self.record["CreationTime"]))
        try:
            self._run()
        except JobStoppedError:
            if self.abandoned:
                self.end("Failed", "InternalServerError: the local cloud was stopped while this job was running")
            else:
                self.end("Stopped")
        except (JobFailedError, TransferError, UnknownImageError) as error:
            text = str(error)
            self.end("Failed", text if isinstance(error, JobFailedError) else f"ClientError: {text}")
        except Exception as error:  # noqa: BLE001 (becomes the FailureReason)
            _LOG.exception("job %s", self.name)
            self.end("Failed", f"InternalServerError: {type(error).__name__}: {error}")
        finally:
            self.clear_hosts()

    def place_hosts(self, epoch: int) -> None:
        """Give every host its folder and its log stream, ``<job>/algo-1-<epoch>``."""
        self.hosts = []
        mode = sandbox.mode()
        instances = self.instances
        for number, name in enumerate(host_names(len(instances), mode), 1):
            folder = self.folder if number == 1 else self.folder / f"algo-{number}"
            folder.mkdir(exist_ok=True)
            stream = f"{self.name}/algo-{number}-{epoch}"
            log = LogStream(self.context, self.log_group, stream, folder / "log.txt")
            self.hosts.append(Host(name, instances[number - 1], folder, Layout(mode, folder / "ml"), log))
        self.host = self.hosts[0]

    def clear_hosts(self) -> None:
        """End all processes and remove the hosts' files."""
        for host in self.hosts:
            if host.process is not None:
                host.process.kill()
            host.log.close()
            for name in ("ml", "home", "tmp", "overlay"):
                shutil.rmtree(host.folder / name, ignore_errors=True)

    def _run(self) -> None:
        self.continue_or_stop()
        image = self.find_image()
        while True:
            for host in self.hosts:
                self.host = host
                self._ready(image)
            self.host = self.hosts[0]
            self.continue_or_stop()
            self.started()
            self._start_hosts()
            outcome = self._wait(self.limit_seconds)
            late = outcome is None and not self.asked_to_stop.is_set() and not self.interrupted
            outcome = self._stop_hosts() if outcome is None else self._stop_others(outcome)
            if not self.abandoned:
                for host in self.hosts:
                    host.log.flush()
            outcome = None if late else outcome or Outcome()
            if outcome is None or not self.goes_on(outcome):
                break
        self.finish(outcome)

    def tell_of_image(self, text: str) -> None:
        """A line about the image, one of AWS's: that it is being prepared, what it runs with here."""
        self.log.write(text)

    def find_image(self) -> Image:
        """The image that the job runs. Raises UnknownImageError."""
        return find(self.context.settings.state_dir, self.image_uri, self.tell_of_image)

    def goes_on(self, _outcome: Outcome) -> bool:
        """Whether there is another attempt; by then the hosts must be placed anew (``clear_hosts``, ``place_hosts``)."""
        return False

    def _ready(self, image: Image) -> None:
        """Lay out the host at hand, and have its process ready to start."""
        command, own = self.prepare(image)
        host = self.host
        home = host.folder / "home"
        home.mkdir(exist_ok=True)
        environment = {
            **image.variables(home),
            "HOME": str(home),
            **cloud_variables(self.context),
            **host.layout.environment(),
            **{name: host.layout.text(value) for name, value in own.items()},
        }
        host.process = Sandboxed(
            host.layout.mode,
            host.layout.host,
            host.folder,
            [host.layout.text(word) for word in command],
            environment,
            host.layout.inside,
            limits=Limits(
                memory=memory_here(host.instance.instance_type),
                volume=self.volume_gigabytes << 30 if self.volume_gigabytes else None,
            ),
        )

    def _start_hosts(self) -> None:
        """Start all; the hosts of a job without a network share one that has loopback only."""
        hosts = hosts_file(len(self.hosts))
        isolated = self.isolated and self.layout.mode != "none"
        if self.isolated and not isolated:
            self.log.write("EnableNetworkIsolation is not enforced here: this system denies namespaces")
        peer = None
        for host in self.hosts:
            process = host.process
            if process is None:
                continue
            process.network = Network(hosts, isolated, peer)
            process.start(functools.partial(self.on_line_of, host))
            if isolated and peer is None and len(self.hosts) > 1 and process.entered(_ENTER_SECONDS):
                peer = process.pid

    def _wait(self, seconds: float) -> Outcome | None:
        """Until all hosts ended well, one did not, time is over or the job is asked to stop (None)."""
        processes = [host.process for host in self.hosts if host.process is not None]
        if len(processes) == 1:
            return finished_within(processes[0], seconds, self._wanted)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._wanted():
            outcomes = [process.wait(0) for process in processes]
            failed = next((each for each in outcomes if each is not None and not each.ok), None)
            if failed is not None or all(outcomes):
                return failed or outcomes[0]
            self.asked_to_stop.wait(_POLL_SECONDS)
        return None

    def _wanted(self) -> bool:
        return self.asked_to_stop.is_set() or self.interrupted

    def _stop_hosts(self) -> Outcome | None:
        """SIGTERM to all, and after the grace SIGKILL; the first host's end."""
        grace = 0 if self.abandoned else self.context.settings.stop_seconds
        deadline = time.monotonic() + grace
        processes = [host.process for host in self.hosts if host.process is not None]
        for process in processes:
            process.terminate()
        outcomes = [process.stop(max(0.0, deadline - time.monotonic())) for process in processes]
        return outcomes[0] if outcomes else None

    def _stop_others(self, outcome: Outcome) -> Outcome:
        """One host has ended badly, or all have ended: the host at hand is the one that failed."""
        for host in self.hosts:
            if host.process is None:
                continue
            ended = host.process.wait(0)
            if ended is None:
                host.process.kill()
            elif not ended.ok and self.host is self.hosts[0]:
                self.host = host
        return outcome

    def resource_config(self) -> dict[str, Any]:
        """``resourceconfig.json`` for the host at hand."""
        names = [host.name for host in self.hosts]
        return resource_config([host.instance for host in self.hosts], names, self.host.name, isolated=self.isolated)

    def on_line_of(self, host: Host, line: str) -> None:
        """A line of the output of a host."""
        host.log.write(line)
        self.on_line(line)

    def on_line(self, line: str) -> None:
        """A line of the command's output, of any host; it is in the log already."""

    def failure(self, outcome: Outcome) -> JobFailedError:
        """The reason of a failed command: its failure file, else its last line of output; 1024 characters at most."""
        if outcome.error is not None:
            return JobFailedError(f"AlgorithmError: {outcome.error}, exit code: 127")
        if outcome.limit is not None:
            return JobFailedError(f"ClientError: {outcome.reason()}, exit code: {_KILLED}")
        if outcome.lost:
            return JobFailedError(f"InternalServerError: {outcome.reason()}")
        said = ""
        path = self.layout.path("/opt/ml/output/failure")
        if path.is_file():
            with path.open(errors="replace") as file:
                said = file.read(_REASON_LENGTH).strip()
        if not said and outcome.code is not None:
            said = "".join(self.log.last_lines(1))[:_REASON_LENGTH]
        reason = outcome.reason()
        said = said[: _REASON_LENGTH - len(f"AlgorithmError: , {reason}")]
        return JobFailedError(f"AlgorithmError: {said}, {reason}" if said else f"AlgorithmError: {reason}")

    def judge(self, outcome: Outcome) -> None:
        """Raise unless the command did what it should, by itself."""
        if self.abandoned:
            message = "InternalServerError: the local cloud was stopped while this job was running"
            raise JobFailedError(message)
        if outcome.terminated and not self.asked_to_stop.is_set():
            message = f"InternalServerError: the job was terminated from outside, {outcome.reason()}"
            raise JobFailedError(message)
        if not outcome.ok and not self.asked_to_stop.is_set():
            raise self.failure(outcome)


def folder_for(state_dir: Path, name: str) -> Path:
    """A new folder for a job (or a serving process) of that name."""
    base = state_dir / "jobs"
    for number in range(1, 10_000):
        folder = base / (name if number == 1 else f"{name}.{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    message = f"no free folder for {name} in {base}"
    raise OSError(message)
