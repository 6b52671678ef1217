"""Steps that run a job: create it, ask until it has ended."""

from __future__ import annotations

from dataclasses import dataclass

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.pipelines.steps.base import Begun, Ended, Run


@dataclass(frozen=True)
class JobStep:
    """A step whose job is of kind ``kind`` ("TrainingJob"): its operations and members are named by the kind."""

    kind: str

    def begin(self, run: Run) -> Begun:
        """Create the job."""
        request = {**run.arguments(), f"{self.kind}Name": run.resource_name}
        answer = run.call(f"Create{self.kind}", request)
        return Begun({self.kind: {"Arn": answer[f"{self.kind}Arn"]}}, handle=run.resource_name)

    def poll(self, context: Context, handle: str) -> Ended | None:
        """Describe the job."""
        try:
            description = context.call(f"Describe{self.kind}", {f"{self.kind}Name": handle})
        except ServiceError as error:
            return Ended("Failed", failure=f"ClientError: the job {handle} is gone: {error.message}")
        status = description[f"{self.kind}Status"]
        if status == "Completed":
            return Ended("Succeeded", description)
        if status == "Failed":
            reason = description.get("FailureReason") or "the job failed without a reason"
            return Ended("Failed", description, f"ClientError: {reason}")
        if status == "Stopped":
            return Ended("Stopped", description, f"ClientError: the job {handle} was stopped")
        return None

    def stop(self, context: Context, handle: str) -> None:
        """Stop the job."""
        context.call(f"Stop{self.kind}", {f"{self.kind}Name": handle})
