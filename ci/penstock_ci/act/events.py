"""act's log: one JSON object a line, read into jobs and steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

UNSUPPORTED = "Skipping unsupported platform"


@dataclass
class Step:
    """One step of a job. `seconds` is act's own measure; `status` running, success, failure or skipped."""

    name: str
    status: str = "running"
    seconds: float = 0.0
    output: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Without the output, which the log has."""
        return {"name": self.name, "status": self.status, "seconds": round(self.seconds, 2)}


@dataclass
class Job:
    """One job of a workflow; `status` running, success, failure, skipped or unsupported."""

    name: str
    status: str = "running"
    steps: list[Step] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As in a run's record."""
        return {"name": self.name, "status": self.status, "steps": [step.to_json() for step in self.steps]}


@dataclass(frozen=True)
class Progress:
    """What a reader of the log is told: kind is job, step, output, annotation or summary."""

    kind: str
    job: str
    step: str
    status: str = ""
    text: str = ""
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """As a plain mapping."""
        return asdict(self)


class Log:
    """Collects the jobs, steps, annotations and summaries of a run, and tells a listener of each change."""

    def __init__(self, listener: Callable[[Progress], None] | None = None, secret: str = "") -> None:
        self._secret = secret
        self.jobs: dict[str, Job] = {}
        self.annotations: list[dict[str, str]] = []
        self.summaries: list[str] = []
        self.messages: list[str] = []
        self._steps: dict[tuple[str, str], Step] = {}
        self._listener = listener or _nobody

    @property
    def unsupported(self) -> list[str]:
        """Names of jobs that act passed over because nothing here answers their runs-on."""
        return [job.name for job in self.jobs.values() if job.status == "unsupported"]

    @property
    def failed_step(self) -> tuple[str, Step] | None:
        """The first step that failed, with its job's name."""
        for job in self.jobs.values():
            for step in job.steps:
                if step.status == "failure":
                    return job.name, step
        return None

    def feed(self, line: str) -> None:
        """Take one line of act's output. act masks secrets in messages, but not in the names of steps."""
        if self._secret:
            line = line.replace(self._secret, "***")
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            if line.strip():
                self.messages.append(line.rstrip())
            return
        if "job" not in entry:
            if entry.get("level") in {"error", "fatal", "panic"}:
                self.messages.append(str(entry.get("msg", "")).strip())
            return
        self._feed_job(entry)

    def _feed_job(self, entry: dict[str, Any]) -> None:
        name = _job_name(entry)
        message = str(entry.get("msg", ""))
        job = self.jobs.get(name)
        if job is None:
            job = self.jobs[name] = Job(name)
            self._listener(Progress("job", name, "", "running"))
        if UNSUPPORTED in message:
            job.status = "unsupported"
            return
        if "jobResult" in entry:
            job.status = str(entry["jobResult"])
            self._listener(Progress("job", name, "", job.status))
            return
        if entry.get("stage") == "Main" and isinstance(entry.get("stepID"), list):
            self._feed_step(job, entry, message)
        elif entry.get("stepResult") == "failure":  # set-up, pre and post stages matter when they fail
            self._finish(
                job,
                self._step(job, f"{entry.get('stage', '')}:{entry.get('step', '')}", str(entry.get("step", ""))),
                entry,
            )

    def _step(self, job: Job, key: str, name: str) -> Step:
        step = self._steps.get((job.name, key))
        if step is None:
            step = self._steps[job.name, key] = Step(name.splitlines()[0] if name else "?")
            job.steps.append(step)
            self._listener(Progress("step", job.name, step.name, "running"))
        return step

    def _finish(self, job: Job, step: Step, entry: dict[str, Any]) -> None:
        step.status = str(entry["stepResult"])
        step.seconds = float(entry.get("executionTime", 0)) / 1e9
        self._listener(Progress("step", job.name, step.name, step.status, seconds=step.seconds))

    def _feed_step(self, job: Job, entry: dict[str, Any], message: str) -> None:
        key = str(entry["stepID"][0])
        step = self._step(job, key, str(entry.get("step", key)))
        if entry.get("raw_output"):
            text = message.rstrip("\r\n")
            step.output.append(text)
            self._listener(Progress("output", job.name, step.name, text=text))
        elif entry.get("command") == "summary":
            self.summaries.append(str(entry.get("content", "")))
            self._listener(Progress("summary", job.name, step.name, text=self.summaries[-1]))
        elif entry.get("command") in {"error", "warning", "notice"}:
            self.annotations.append({"level": str(entry["command"]), "text": str(entry.get("arg", ""))})
            self._listener(
                Progress("annotation", job.name, step.name, str(entry["command"]), str(entry.get("arg", "")))
            )
        elif "stepResult" in entry and len(entry["stepID"]) == 1:
            self._finish(job, step, entry)
        elif entry.get("level") == "error":
            step.output.append(message.strip())


def _nobody(progress: Progress) -> None:
    """Listens to nothing."""
    del progress


def _job_name(entry: dict[str, Any]) -> str:
    """`workflow/job` as act says, with the matrix leg where there is one (act already numbers them in `job`)."""
    return str(entry["job"]).strip()
