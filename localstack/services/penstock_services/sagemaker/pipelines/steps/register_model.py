"""RegisterModel steps: they put a model package into the registry."""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.pipelines.steps.base import Begun, Ended, Immediate, Run


class RegisterModelStep(Immediate):
    """Creates a model package, and its group where there is none yet, and ends with its description."""

    def begin(self, run: Run) -> Begun:
        """CreateModelPackage."""
        arguments = run.arguments()
        self._ensure_group(run, arguments)
        arn = run.call("CreateModelPackage", arguments)["ModelPackageArn"]
        description = run.call("DescribeModelPackage", {"ModelPackageName": arn})
        return Begun({"RegisterModel": {"Arn": arn}}, ended=Ended("Succeeded", description))

    @staticmethod
    def _ensure_group(run: Run, arguments: dict[str, Any]) -> None:
        group = arguments.get("ModelPackageGroupName")
        if not group or str(group).startswith("arn:"):
            return
        request = {"ModelPackageGroupName": group}
        try:
            run.context.call("DescribeModelPackageGroup", request)
        except ServiceError as error:
            if error.status >= 500:
                return
            run.call("CreateModelPackageGroup", request)


REGISTER_MODEL = RegisterModelStep()
