"""Fail steps: they end the execution as failed."""

from __future__ import annotations

from penstock_services.sagemaker.pipelines.expressions import resolve, text_of
from penstock_services.sagemaker.pipelines.steps.base import Begun, Ended, Immediate, Run

_MESSAGE_LENGTH = 3072


class FailStep(Immediate):
    """Fails with its ErrorMessage."""

    def begin(self, run: Run) -> Begun:
        """Fail."""
        message = text_of(resolve(run.step.arguments.get("ErrorMessage", ""), run.values))[:_MESSAGE_LENGTH]
        return Begun({"Fail": {"ErrorMessage": message}}, ended=Ended("Failed", failure=message or None))


FAIL = FailStep()
