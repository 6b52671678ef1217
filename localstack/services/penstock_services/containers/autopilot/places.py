"""Where the processing jobs of an Autopilot job find and leave their files, and how they tell of data that will not do."""

from __future__ import annotations

from penstock_services.containers.framework import paths
from penstock_services.containers.framework.failure import ContainerError

TRAINING = paths.BASE / "processing/input/training"
VALIDATION = paths.BASE / "processing/input/validation"
PREPARED = paths.BASE / "processing/input/prepared"
OUTPUT = paths.BASE / "processing/output"
ANALYSIS, TRAIN_PART, VALIDATION_PART = "analysis.json", "train.csv", "validation.csv"
FEATURES = "features.joblib"


class DataError(ContainerError):
    """The data cannot be learnt from; the text becomes the Autopilot job's FailureReason."""

    kind = "ClientError"
