"""Secondary statuses of training jobs and their texts.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_SecondaryStatusTransition.html
"""

from __future__ import annotations

from penstock_services.sagemaker.engine import now
from penstock_services.sagemaker.jobs.base import Record

MESSAGES = {
    "Starting": "Starting the training job",
    "Pending": "Training job waiting for capacity",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Interrupted": "Training job interrupted: the managed spot capacity was reclaimed",
    "Restarting": "Restarting the training job after an internal error",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "MaxRuntimeExceeded": "Resource released due to max training runtime exceeded",
    "MaxWaitTimeExceeded": "Resource released due to max wait time exceeded",
}
PREPARING = "Preparing the instances for training"
DOWNLOADING_IMAGE = "Downloading the training image"


def begin(record: Record) -> None:
    """The first transition."""
    record["SecondaryStatus"] = "Starting"
    record["SecondaryStatusTransitions"] = [
        {"Status": "Starting", "StartTime": record["CreationTime"], "StatusMessage": MESSAGES["Starting"]}
    ]


def enter(record: Record, secondary: str, message: str | None = None, moment: float | None = None) -> None:
    """Enter a secondary status at ``moment`` (now): the transition before it ends, a new one begins."""
    moment = now() if moment is None else moment
    transitions = record["SecondaryStatusTransitions"]
    transitions[-1].setdefault("EndTime", moment)
    text = message or MESSAGES.get(secondary, secondary)
    transitions.append({"Status": secondary, "StartTime": moment, "StatusMessage": text})
    record["SecondaryStatus"] = secondary


def say(record: Record, message: str) -> None:
    """Give the current transition another text, as AWS does while a status lasts."""
    record["SecondaryStatusTransitions"][-1]["StatusMessage"] = message
