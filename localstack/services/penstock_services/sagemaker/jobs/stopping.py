"""What every kind of job shares beside its run: stopping, refusing Delete, and its end with that of this process."""

from __future__ import annotations

import logging
import re

from penstock_services.errors import ServiceError
from penstock_services.execution import sandbox
from penstock_services.operations import Context, ContextFactory, contexts_with, on_start, on_stop
from penstock_services.sagemaker import engine
from penstock_services.sagemaker.jobs.base import JOB_KINDS, Record, announce
from penstock_services.sagemaker.jobs.queue import QUEUE
from penstock_services.sagemaker.kinds import kinds
from penstock_services.settings import DEFAULT_ACCOUNT, DEFAULT_REGION
from penstock_services.store import Scope

_LOG = logging.getLogger(__name__)
_WORD = re.compile("AutoML|[A-Z][a-z]*")


def _words(kind_name: str) -> str:
    """ "TrainingJob" as AWS's messages write it: "training job"."""
    return " ".join(word if word == "AutoML" else word.lower() for word in _WORD.findall(kind_name))


def stop(context: Context, kind_name: str, name_or_arn: str) -> None:
    """What every Stop...Job does: refuse for a job that has ended, else Stopping and, when it has stopped, Stopped."""
    job = JOB_KINDS[kind_name]
    key, record = engine.find(context, kind_name, name_or_arn)
    status = job.status_member()
    if not job.unfinished(record):
        message = f"The request was rejected because the {_words(kind_name)} is in status {record[status]}."
        raise ServiceError("ValidationException", message)
    changed = False

    def change(found: Record) -> None:
        nonlocal changed
        if job.unfinished(found) and found[status] != job.spell("Stopping"):
            job.mark_stopping(found)
            changed = True

    found = context.store.update(context.scope, kind_name, key, change)
    if changed and found is not None:
        announce(context, kind_name, found)
    QUEUE.stop(record[kinds().by_name[kind_name].arn_member])


def stop_child(context: Context, kind_name: str, name: str) -> None:
    """Ask a job that another job has started to stop, if it has not ended."""
    try:
        context.call(f"Stop{kind_name}", {f"{kind_name}Name": name})
    except ServiceError as error:
        _LOG.info("%s is not stopped: %s", name, error.message)


def refuse_delete(context: Context, kind_name: str, name_or_arn: str) -> None:
    """A check of Delete...Job: a job that has not ended is in use."""
    job = JOB_KINDS[kind_name]
    key, record = engine.find(context, kind_name, name_or_arn)
    if job.unfinished(record):
        words = _words(kind_name).capitalize()
        message = f"{words} {key} is {record[job.status_member()]} and cannot be deleted."
        raise ServiceError("ResourceInUse", message)


@on_stop
def _close(factory: ContextFactory) -> None:
    QUEUE.close()
    _fail_unfinished(factory)


@on_start
def _fail_unfinished(factory: ContextFactory) -> None:
    """Jobs that the last process left running are Failed: their processes died with it, or do so now."""
    state_dir = factory(Scope(DEFAULT_ACCOUNT, DEFAULT_REGION)).settings.state_dir
    if sandbox.mode() == "none":
        sandbox.sweep(str(state_dir / "jobs"))
    reason = "InternalServerError: the local cloud stopped while this job was running"
    for kind_name, job in JOB_KINDS.items():
        for context in contexts_with(factory, kind_name):
            for key, record in context.store.scan(context.scope, kind_name):
                if not job.unfinished(record):
                    continue
                job.mark_failed(record, reason, engine.now())
                context.store.put(context.scope, kind_name, key, record)
                announce(context, kind_name, record)
