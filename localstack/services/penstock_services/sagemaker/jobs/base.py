"""What jobs of every kind have in common: a record that they move to its end, and the registry of job kinds.

A module with a kind of job defines a subclass of ``Job`` (runner.py: one container, as processes) or of ``BaseJob``
(anything else, for example tuning, which only starts other jobs) and registers it by ``@job_kind``. Everything that is
the same for all kinds reads the registry: unfinished jobs at a start, state-change events, stopping, refusing Delete.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from penstock_services.operations import Context
from penstock_services.sagemaker import events, hooks
from penstock_services.sagemaker.engine import now
from penstock_services.sagemaker.kinds import kinds

Record = dict[str, Any]
RUNNING = ("InProgress", "Stopping")


class JobFailedError(Exception):
    """The job fails; the text is its FailureReason."""


class JobStoppedError(Exception):
    """The job was asked to stop before it had anything to save."""


class BaseJob(ABC):
    """One job of one record, whatever it does. ``run`` is called once, in a thread of the queue.

    What a kind states about itself: ``kind`` (the record's kind, "TrainingJob"), ``title`` (as in the event "SageMaker
    Training Job State Change"; None: AWS sends no event), ``end_member`` (the member with the time at which it ended;
    None: there is none), ``waits_for_place`` (False for a job that only starts other jobs: it must not hold a place of
    the queue while these wait for one), ``alone`` (True: no other such job at the same time).
    """

    kind: ClassVar[str]
    title: ClassVar[str | None] = None
    end_member: ClassVar[str | None] = None
    waits_for_place: ClassVar[bool] = True

    def __init__(self, context: Context, record: Record) -> None:
        self.context = context
        self.record = record
        self.name: str = record[self.name_member()]
        self.asked_to_stop = threading.Event()
        self.abandoned = False

    @classmethod
    def name_member(cls) -> str:
        """The member with the job's name."""
        return f"{cls.kind}Name"

    @classmethod
    def status_member(cls) -> str:
        """The member with the job's status."""
        return f"{cls.kind}Status"

    @classmethod
    def spell(cls, status: str) -> str:
        """A status ("InProgress", "Stopping", "Stopped", "Completed", "Failed") as this kind writes it."""
        return status

    @classmethod
    def unfinished(cls, record: Record) -> bool:
        """Whether the job of this record has not ended."""
        return record[cls.status_member()] in {cls.spell(status) for status in RUNNING}

    @classmethod
    def mark_failed(cls, record: Record, reason: str, moment: float) -> None:
        """Make a record say that its job failed at ``moment``, when no job object is left (after a restart)."""
        record[cls.status_member()] = cls.spell("Failed")
        record["FailureReason"] = reason
        record["LastModifiedTime"] = moment
        if cls.end_member:
            record.setdefault(cls.end_member, moment)

    @classmethod
    def mark_stopping(cls, record: Record) -> None:
        """Make a record say that its job is asked to stop."""
        record[cls.status_member()] = cls.spell("Stopping")

    @property
    def alone(self) -> bool:
        """Whether no other job that says so may run at the same time (jobs of several hosts: they use fixed ports)."""
        return False

    @abstractmethod
    def run(self) -> None:
        """The whole life of the job, to its final status; never raises."""

    @abstractmethod
    def end(self, status: str, reason: str | None = None) -> None:
        """Set a final status: "Completed", "Stopped" or "Failed" (with a reason)."""

    def waits(self) -> None:  # noqa: B027 (most kinds need nothing here)
        """Called when the job has to wait for its place in the queue."""

    def ask_to_stop(self) -> None:
        """Stop has been called: let ``run`` end soon. Called from any thread, perhaps more than once."""
        self.asked_to_stop.set()

    def continue_or_stop(self) -> None:
        """Go no further when the job is asked to stop (raises JobStoppedError)."""
        if self.asked_to_stop.is_set():
            raise JobStoppedError

    def change(self, **members: Any) -> Record:
        """Write members of the record and tell EventBridge."""

        def apply(record: Record) -> None:
            record.update(members)
            record["LastModifiedTime"] = now()

        updated = self.context.store.update(self.context.scope, self.kind, self.name, apply)
        self.record = updated or self.record
        announce(self.context, self.kind, self.record)
        return self.record


JOB_KINDS: dict[str, type[BaseJob]] = {}


def job_kind[Kind: type[BaseJob]](job: Kind) -> Kind:
    """Register a class of jobs under its ``kind`` (a class decorator)."""
    JOB_KINDS[job.kind] = job
    return job


def announce(context: Context, kind_name: str, record: Record) -> None:
    """Tell of a change of a job: run the kind's ``updated`` hooks, and send its state-change event where the kind has
    one (its description, with times in milliseconds)."""
    hooks.run(kind_name, "updated", context, record)
    job = JOB_KINDS.get(kind_name)
    if job is None or job.title is None:
        return
    kind = kinds().by_name[kind_name]
    detail = _in_milliseconds({member: value for member, value in record.items() if member in kind.described})
    events.emit(context, f"SageMaker {job.title} State Change", [record[kind.arn_member]], detail)


def _in_milliseconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: int(each * 1000)
            if isinstance(each, float) and (key.endswith("Time") or key == "Timestamp")
            else _in_milliseconds(each)
            for key, each in value.items()
        }
    return [_in_milliseconds(each) for each in value] if isinstance(value, list) else value
