"""The `quality` section of penstock.yaml: how the model's answers are compared with what came true.

The infrastructure's package reads the same keys by models of its own (`penstock_infra.quality`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from penstock_pipelines.serving import Section


class QualitySection(Section):
    """What is measured of the model in service, and the worst value that is borne. Left out, nothing is measured.

    AWS has closed Model Monitor, which measures, to new customers.
    """

    problem_type: Literal["Regression", "BinaryClassification", "MulticlassClassification"]
    """Which metrics are computed."""
    metric: str
    """The metric that alarms: accuracy, auc, f1, rmse, ..."""
    bound: float
    """The metric's worst value that is borne: its least, or of errors its most."""
    inference_attribute: str | None = None
    """The label in the answer: a key, or a column ("0" is the first)."""
    probability_attribute: str | None = None
    """The probability in the answer: a key, or a column ("0" is the first)."""
    probability_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """The probability above which the label is 1."""
    hours: Annotated[int, Field(ge=1, le=24)] = 1
    """Hours of requests that a job looks at: 24 by the day."""
    label_delay_hours: Annotated[int, Field(ge=0, le=120)] = 0
    """Hours until the labels of a request are there: jobs look as far back."""
    schedule: str = "cron(0 * ? * * *)"
    """Hourly, or cron(0 H ? * * *) daily."""
    retrains: bool = True
    """A worse value starts the retraining, as drift does."""
