"""The queue of jobs: what a job of any kind goes through, from its record to its end."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

from penstock_services.execution import sandbox
from penstock_services.execution.environment import cloud_variables
from penstock_services.execution.images import Image, UnknownImageError, find
from penstock_services.execution.logs import LogStream
from penstock_services.execution.sandbox import Layout, Outcome, Sandboxed, finished_within
from penstock_services.execution.transfer import TransferError
from penstock_services.operations import Context, ContextFactory, contexts_with, on_start, on_stop
from penstock_services.sagemaker import events
from penstock_services.sagemaker.engine import now
from penstock_services.sagemaker.kinds import kinds

_LOG = logging.getLogger(__name__)
Record = dict[str, Any]
_REASON_LENGTH = 1024
RUNNING = ("InProgress", "Stopping")


class JobFailedError(Exception):
    """The job fails; the text is its FailureReason."""


class JobStoppedError(Exception):
    """The job was asked to stop before it had anything to save."""


class Job(ABC):
    """One job of one record. ``run`` is called in a thread of the queue; until then the job has no folder and no log."""

    kind: ClassVar[str]
    log_group: ClassVar[str]
    folder: Path
    layout: Layout
    log: LogStream

    def __init__(self, context: Context, record: Record) -> None:
        self.context = context
        self.record = record
        self.name: str = record[f"{self.kind}Name"]
        self.status_member = f"{self.kind}Status"
        self.asked_to_stop = threading.Event()
        self.abandoned = False
        self.process: Sandboxed | None = None

    @abstractmethod
    def prepare(self, image: Image) -> tuple[list[str], dict[str, str]]:
        """Lay out /opt/ml; the command and the job's own variables."""

    @abstractmethod
    def finish(self, outcome: Outcome | None) -> None:
        """Take out what the command left and set the final status; ``outcome`` None: it ran too long."""

    @abstractmethod
    def started(self) -> None:
        """The command is about to start."""

    @abstractmethod
    def end(self, status: str, reason: str | None = None) -> None:
        """Set a final status."""

    @property
    @abstractmethod
    def image_uri(self) -> str:
        """The image that the job names."""

    @property
    def limit_seconds(self) -> float:
        """How long the command may run."""
        return float(self.record["StoppingCondition"]["MaxRuntimeInSeconds"])

    def run(self) -> None:
        """The whole life of the job; never raises."""
        self.folder = folder_for(self.context.settings.state_dir, self.name)
        self.layout = Layout(sandbox.mode(), self.folder / "ml")
        stream = f"{self.name}/algo-1-{int(self.record['CreationTime'])}"
        self.log = LogStream(self.context, self.log_group, stream, self.folder / "log.txt")
        try:
            self._run()
        except JobStoppedError:
            self.end("Stopped")
        except (JobFailedError, TransferError, UnknownImageError) as error:
            text = str(error)
            self.end("Failed", text if isinstance(error, JobFailedError) else f"ClientError: {text}")
        except Exception as error:  # noqa: BLE001 (becomes the FailureReason)
            _LOG.exception("job %s", self.name)
            self.end("Failed", f"InternalServerError: {type(error).__name__}: {error}")
        finally:
            if self.process is not None:
                self.process.kill()
            self.log.close()
            for folder in (self.layout.host, self.folder / "home"):
                shutil.rmtree(folder, ignore_errors=True)

    def _run(self) -> None:
        self.continue_or_stop()
        image = find(self.context.settings.state_dir, self.image_uri)
        command, own = self.prepare(image)
        self.continue_or_stop()
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        environment = {
            **image.variables(),
            "HOME": str(home),
            **cloud_variables(self.context),
            **self.layout.environment(),
            **{name: self.layout.text(value) for name, value in own.items()},
        }
        self.started()
        self.process = Sandboxed(
            self.layout.mode,
            self.layout.host,
            self.folder,
            [self.layout.text(word) for word in command],
            environment,
            self.layout.inside,
        )
        self.process.start(self.on_line)
        outcome = finished_within(self.process, self.limit_seconds, self.asked_to_stop.is_set)
        late = outcome is None and not self.asked_to_stop.is_set()
        if outcome is None:
            outcome = self.process.stop(0 if self.abandoned else self.context.settings.stop_seconds)
        if not self.abandoned:
            self.log.flush()
        self.finish(None if late else outcome or Outcome())

    def on_line(self, line: str) -> None:
        """A line of the command's output."""
        self.log.write(line)

    def continue_or_stop(self) -> None:
        """Go no further when the job is asked to stop."""
        if self.asked_to_stop.is_set():
            raise JobStoppedError

    def failure(self, outcome: Outcome) -> JobFailedError:
        """The reason of a failed command: its failure file, else its last line of output."""
        if outcome.error is not None:
            return JobFailedError(f"AlgorithmError: {outcome.error}, exit code: 127")
        said = ""
        path = self.layout.path("/opt/ml/output/failure")
        if path.is_file():
            said = path.read_text(errors="replace")[:_REASON_LENGTH].strip()
        if not said and outcome.code is not None:
            said = "".join(self.log.last_lines(1))[:_REASON_LENGTH]
        reason = outcome.reason()
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

    def change(self, **members: Any) -> Record:
        """Write members of the record and tell EventBridge."""

        def apply(record: Record) -> None:
            record.update(members)
            record["LastModifiedTime"] = now()

        updated = self.context.store.update(self.context.scope, self.kind, self.name, apply)
        self.record = updated or self.record
        announce(self.context, self.kind, self.record)
        return self.record


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


def announce(context: Context, kind_name: str, record: Record) -> None:
    """The state-change event of a job: its description, with times in milliseconds."""
    kind = kinds().by_name[kind_name]
    detail = _in_milliseconds({member: value for member, value in record.items() if member in kind.described})
    title = "Training Job" if kind_name == "TrainingJob" else "Processing Job"
    events.emit(context, f"SageMaker {title} State Change", [record[kind.arn_member]], detail)


def _in_milliseconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: int(each * 1000)
            if isinstance(each, float) and (key.endswith("Time") or key == "Timestamp")
            else _in_milliseconds(each)
            for key, each in value.items()
        }
    return [_in_milliseconds(each) for each in value] if isinstance(value, list) else value


class Queue:
    """Runs jobs, a few at a time, in the order in which they came."""

    def __init__(self, places: int) -> None:
        self._pool = ThreadPoolExecutor(places, thread_name_prefix="job")
        self._jobs: dict[str, tuple[Job, Future[None]]] = {}
        self._lock = threading.Lock()

    def submit(self, arn: str, job: Job) -> None:
        """Run the job when there is a place."""
        with self._lock:
            self._jobs[arn] = (job, self._pool.submit(self._run, arn, job))

    def _run(self, arn: str, job: Job) -> None:
        try:
            job.run()
        finally:
            self._forget(arn)

    def _forget(self, arn: str) -> None:
        with self._lock:
            self._jobs.pop(arn, None)

    def stop(self, arn: str) -> bool:
        """Ask a job to stop; one that still waits for its place is Stopped at once. False if it is not there."""
        with self._lock:
            found = self._jobs.get(arn)
        if found is None:
            return False
        job, future = found
        job.asked_to_stop.set()
        if future.cancel():
            self._forget(arn)
            job.end("Stopped")
        return True

    def close(self) -> None:
        """Kill everything; the jobs become Failed."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job, _ in jobs:
            job.abandoned = True
            job.asked_to_stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)


QUEUE = Queue((os.cpu_count() or 1) + 1)


@on_stop
def _close(factory: ContextFactory) -> None:
    QUEUE.close()
    _fail_unfinished(factory)


@on_start
def _fail_unfinished(factory: ContextFactory) -> None:
    """Jobs that the last process left running are Failed: their processes died with it."""
    reason = "InternalServerError: the local cloud stopped while this job was running"
    for kind_name in ("TrainingJob", "ProcessingJob"):
        status_member = f"{kind_name}Status"
        for context in contexts_with(factory, kind_name):
            for name, record in context.store.scan(context.scope, kind_name):
                if record[status_member] not in RUNNING:
                    continue
                record[status_member] = "Failed"
                record["FailureReason"] = reason
                record["LastModifiedTime"] = now()
                end = "TrainingEndTime" if kind_name == "TrainingJob" else "ProcessingEndTime"
                record.setdefault(end, now())
                if kind_name == "TrainingJob":
                    record["SecondaryStatus"] = "Failed"
                    transitions = record["SecondaryStatusTransitions"]
                    ended = now()
                    transitions[-1].setdefault("EndTime", ended)
                    transitions.append(
                        {"Status": "Failed", "StartTime": ended, "EndTime": ended, "StatusMessage": reason}
                    )
                context.store.put(context.scope, kind_name, name, record)
                announce(context, kind_name, record)
