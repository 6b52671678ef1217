"""The jobs that an Autopilot job starts: ordinary ones, which say whose they are."""

from __future__ import annotations

import contextvars

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.jobs.runner import JobFailedError, Record

_OWNER = contextvars.ContextVar[str | None]("automl_job", default=None)


@hook("ProcessingJob", "prepare")
@hook("TrainingJob", "prepare")
def _belongs(_context: Context, record: Record) -> None:
    """A job that an Autopilot job is just creating says so from its first moment."""
    owner = _OWNER.get()
    if owner is not None:
        record["AutoMLJobArn"] = owner


def create(context: Context, owner: str, kind: str, request: Record) -> None:
    """Create a "ProcessingJob" or a "TrainingJob" of the Autopilot job with that ARN. Raises JobFailedError."""
    token = _OWNER.set(owner)
    try:
        context.call(f"Create{kind}", request)
    except ServiceError as error:
        message = f"ClientError: a job could not be created: {error.message}"
        raise JobFailedError(message) from None
    finally:
        _OWNER.reset(token)
