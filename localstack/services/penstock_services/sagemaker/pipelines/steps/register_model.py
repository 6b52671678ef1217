"""RegisterModel steps: they put a model package into the registry."""

from __future__ import annotations

from penstock_services.sagemaker.pipelines.steps.base import Begun, Ended, Immediate, Run


class RegisterModelStep(Immediate):
    """Creates a model package and ends with its description."""

    def begin(self, run: Run) -> Begun:
        """CreateModelPackage."""
        arn = run.call("CreateModelPackage", run.arguments())["ModelPackageArn"]
        description = run.call("DescribeModelPackage", {"ModelPackageName": arn})
        return Begun({"RegisterModel": {"Arn": arn}}, ended=Ended("Succeeded", description))


REGISTER_MODEL = RegisterModelStep()
