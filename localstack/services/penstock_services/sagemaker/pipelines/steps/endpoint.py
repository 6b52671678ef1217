"""Endpoint and InferenceComponent steps: they create their resource, or update the one that is there, and wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.pipelines.steps.base import Begun, Ended, Run, StepError


@dataclass(frozen=True)
class DeployedStep:
    """A step for a resource of kind ``kind`` ("Endpoint") that is in service in the end."""

    kind: str

    def begin(self, run: Run) -> Begun:
        """Create, or update where there is one of that name."""
        arguments = run.arguments()
        name = arguments[f"{self.kind}Name"]
        operation, request = f"Create{self.kind}", arguments
        if self._exists(run, name):
            operation = f"Update{self.kind}"
            request = {key: value for key, value in arguments.items() if key in load("sagemaker").inputs(operation)}
        arn = run.call(operation, request)[f"{self.kind}Arn"]
        return Begun({self.kind: {"Arn": arn}}, handle=name, arn=arn)

    def _exists(self, run: Run, name: str) -> bool:
        try:
            run.context.call(f"Describe{self.kind}", {f"{self.kind}Name": name})
        except ServiceError as error:
            if error.status >= 500:
                message = f"InternalServerError: Failed to invoke sagemaker:Describe{self.kind}: {error.message}"
                raise StepError(message) from None
            return False
        return True

    def poll(self, context: Context, handle: str) -> Ended | None:
        """Describe it."""
        try:
            description = context.call(f"Describe{self.kind}", {f"{self.kind}Name": handle})
        except ServiceError as error:
            return Ended("Failed", failure=f"ClientError: {self.kind} {handle} is gone: {error.message}")
        status = description[f"{self.kind}Status"]
        if status == "InService":
            return self._in_service(description)
        if status in ("Failed", "OutOfService", "UpdateRollbackFailed"):
            reason = description.get("FailureReason") or f"{self.kind} {handle} is {status}"
            return Ended("Failed", description, f"ClientError: {reason}")
        return None

    def _in_service(self, description: dict[str, Any]) -> Ended:
        """In service again with a FailureReason: an update that was rolled back."""
        reason = description.get("FailureReason")
        return Ended("Failed", description, f"ClientError: {reason}") if reason else Ended("Succeeded", description)

    def stop(self, _context: Context, _handle: str) -> None:
        """A deployment cannot be stopped: the execution waits for it."""


ENDPOINT = DeployedStep("Endpoint")
INFERENCE_COMPONENT = DeployedStep("InferenceComponent")
