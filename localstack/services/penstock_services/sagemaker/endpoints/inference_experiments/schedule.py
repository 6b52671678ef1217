"""When an experiment runs. All times are seconds since the epoch.

https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-create.html: seven days where nothing is said, 30 at most;
.../APIReference/API_CreateInferenceExperiment.html: without a schedule it starts at once.
"""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError

Record = dict[str, Any]
_DAY = 24 * 3600.0
DEFAULT_SECONDS = 7 * _DAY
LONGEST_SECONDS = 30 * _DAY


def resolved(asked: Record, moment: float) -> Record:
    """The Schedule that is meant at ``moment`` by what was asked: a start in the past is now.

    Raises ServiceError (ValidationException) for an end that is past or before the start, and for more than 30 days.
    """
    start = max(float(asked.get("StartTime", moment)), moment)
    end = float(asked.get("EndTime", start + DEFAULT_SECONDS))
    return {"StartTime": start, "EndTime": _ending(start, end, moment)}


def extended(current: Record, asked: Record, moment: float) -> Record:
    """The Schedule of an experiment that runs, with another end.

    Raises ServiceError: ConflictException for another start, which the API reference allows only before it, and as
    ``resolved``.
    """
    if {**current, **asked}["StartTime"] != current["StartTime"]:
        raise ServiceError("ConflictException", "The StartTime of an inference experiment that runs cannot be changed.")
    end: float = {**current, **asked}["EndTime"]
    return {**current, "EndTime": _ending(current["StartTime"], end, moment)}


def _ending(start: float, end: float, moment: float) -> float:
    if end <= moment:
        raise _invalid("The EndTime of an inference experiment must be in the future.")
    if end <= start:
        raise _invalid("The EndTime of an inference experiment must be after its StartTime.")
    if end - start > LONGEST_SECONDS:
        raise _invalid("An inference experiment can run for at most 30 days.")
    return end


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
