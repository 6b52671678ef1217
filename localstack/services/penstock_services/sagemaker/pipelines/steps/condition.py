"""Condition steps: they decide which of their nested steps run."""

from __future__ import annotations

from penstock_services.sagemaker.pipelines.conditions import evaluate_all
from penstock_services.sagemaker.pipelines.steps.base import Begun, Ended, Immediate, Run


class ConditionStep(Immediate):
    """Holds when all of its conditions do."""

    def begin(self, run: Run) -> Begun:
        """Evaluate the conditions."""
        outcome = evaluate_all(run.step.arguments["Conditions"], run.values)
        text = str(outcome)
        ended = Ended("Succeeded", {"Outcome": text}, outcome=outcome)
        return Begun({"Condition": {"Outcome": text}}, ended=ended)


CONDITION = ConditionStep()
