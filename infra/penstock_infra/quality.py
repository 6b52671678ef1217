"""How a model's answers are compared with what came true: the `quality` section of `penstock.yaml`, and what it says."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from penstock_infra.errors import Settings

type ProblemType = Literal["Regression", "BinaryClassification", "MulticlassClassification"]
BINARY: ProblemType = "BinaryClassification"
LESS_IS_BETTER = frozenset({"false_negative_rate", "false_positive_rate", "mae", "mse", "rmse"})
METRICS: dict[ProblemType, frozenset[str]] = {
    "Regression": frozenset({"mae", "mse", "r2", "rmse"}),
    "BinaryClassification": frozenset(
        {"accuracy", "auc", "f0_5", "f1", "f2", "precision", "recall"}
        | {f"{what}_rate" for what in ("false_negative", "false_positive", "true_negative", "true_positive")}
    ),
    "MulticlassClassification": frozenset(
        {"accuracy"} | {f"weighted_{what}" for what in ("f0_5", "f1", "f2", "precision", "recall")}
    ),
}
"""What Model Monitor computes of each kind of problem, as it is called in statistics.json and in CloudWatch (developer guide,
"Model quality metrics and Amazon CloudWatch monitoring")."""
WAIT_HOURS = 3
"""From the end of a run's requests to its metrics: a job starts within 20 minutes and runs for half an hour at most."""


class Comparison(Settings):
    """What of the answers is compared with labels, and how late these come."""

    inference_attribute: str | None = Field(default=None, description="the label in the answer: a key, or a column")
    probability_attribute: str | None = Field(
        default=None, description="the probability in the answer: a key, or a column"
    )
    probability_threshold: float | None = Field(
        default=None, ge=0, le=1, description="the probability above which the label is 1"
    )
    hours: int = Field(default=1, ge=1, le=24, description="hours of requests that a job looks at: 24 by the day")
    label_delay_hours: int = Field(
        default=0, ge=0, le=120, description="hours until the labels of a request are there: jobs look as far back"
    )

    @model_validator(mode="after")
    def _something_is_compared(self) -> Self:
        if self.inference_attribute is None and self.probability_attribute is None:
            raise ValueError("set inference_attribute or probability_attribute: what of the answer is compared")
        if self.probability_threshold is not None and self.probability_attribute is None:
            raise ValueError("probability_threshold is for a probability_attribute")
        return self

    @property
    def hours_back(self) -> int:
        """Hours from the start of a job's requests to its own."""
        return self.hours + self.label_delay_hours


class Measurement(Comparison):
    """The kind of problem that the model solves beside it: which metrics are computed."""

    problem_type: ProblemType = Field(description="which metrics are computed")

    @model_validator(mode="after")
    def _only_two_classes_have_one_probability(self) -> Self:
        if self.problem_type != BINARY and self.inference_attribute is None:
            raise ValueError(f"{self.problem_type} is measured by inference_attribute; probabilities are for {BINARY}")
        return self


class QualitySettings(Measurement):
    """The `quality` section: what is measured of the model in service, and the worst value that is borne.

    Left out, nothing is measured. AWS has closed Model Monitor, which measures, to new customers.
    """

    metric: str = Field(description="the metric that alarms: accuracy, auc, f1, rmse, ...")
    bound: float = Field(description="the metric's worst value that is borne: its least, or of errors its most")
    schedule: str = Field(default="cron(0 * ? * * *)", description="hourly, or cron(0 H ? * * *) daily")
    retrains: bool = Field(default=True, description="a worse value starts the retraining, as drift does")

    @model_validator(mode="after")
    def _is_computed(self) -> Self:
        known = METRICS[self.problem_type]
        if self.metric not in known:
            raise ValueError(f"metric: {self.problem_type} has {', '.join(sorted(known))}; not {self.metric!r}")
        return self

    @property
    def measurement(self) -> dict[str, Any]:
        """What ModelQualityMonitor's configuration takes over."""
        return self.model_dump(include={*Measurement.model_fields, "schedule"})

    @property
    def alarm(self) -> dict[str, Any]:
        """What ModelQualityAlarm's configuration takes over."""
        hours = self.hours_back + WAIT_HOURS
        return {**self.model_dump(include={"metric", "bound", "retrains"}), "hours": hours}
