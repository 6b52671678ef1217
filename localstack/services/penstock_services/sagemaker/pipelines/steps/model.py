"""Model steps: they create a model."""

from __future__ import annotations

from penstock_services.sagemaker.pipelines.steps.base import Begun, Ended, Immediate, Run


class ModelStep(Immediate):
    """Creates a model and ends with its description."""

    def begin(self, run: Run) -> Begun:
        """CreateModel."""
        answer = run.call("CreateModel", {**run.arguments(), "ModelName": run.resource_name})
        description = run.call("DescribeModel", {"ModelName": run.resource_name})
        return Begun({"Model": {"Arn": answer["ModelArn"]}}, ended=Ended("Succeeded", description))


MODEL = ModelStep()
