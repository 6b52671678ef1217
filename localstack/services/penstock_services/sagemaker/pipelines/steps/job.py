"""Steps that run a job: create it, ask for its description until it has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.pipelines import retry_policies
from penstock_services.sagemaker.pipelines.steps.base import Begun, Ended, Run


@dataclass(frozen=True)
class JobStep:
    """A step whose job is of kind ``kind`` ("TrainingJob"): its operations and members are named by the kind.
    ``metadata`` is the member of the step's Metadata that holds the job's ARN."""

    kind: str
    metadata: str

    def begin(self, run: Run) -> Begun:
        """Create the job."""
        request = {**run.arguments(), f"{self.kind}Name": run.resource_name}
        arn = run.call(f"Create{self.kind}", request)[f"{self.kind}Arn"]
        return Begun({self.metadata: {"Arn": arn}}, handle=run.resource_name, arn=arn)

    def poll(self, context: Context, handle: str) -> Ended | None:
        """Describe the job."""
        try:
            description = context.call(f"Describe{self.kind}", {f"{self.kind}Name": handle})
        except ServiceError as error:
            if error.status >= 500:
                return None
            return Ended("Failed", failure=f"ClientError: the job {handle} is gone: {error.message}")
        status = description[f"{self.kind}Status"]
        if status == "Completed":
            return Ended("Succeeded", self.properties(context, description))
        if status == "Failed":
            reason = description.get("FailureReason") or "the job failed without a reason"
            kind = retry_policies.of_failure_reason(reason)
            return Ended("Failed", description, f"ClientError: {reason}", exception_type=kind)
        if status == "Stopped":
            return Ended("Stopped", description, f"ClientError: the job {handle} was stopped")
        return None

    def properties(self, _context: Context, description: dict[str, Any]) -> dict[str, Any]:
        """What later steps see of a completed job."""
        return description

    def stop(self, context: Context, handle: str) -> None:
        """Stop the job."""
        context.call(f"Stop{self.kind}", {f"{self.kind}Name": handle})


@dataclass(frozen=True)
class TuningStep(JobStep):
    """A tuning job: its training jobs, the best first, are properties too."""

    def properties(self, context: Context, description: dict[str, Any]) -> dict[str, Any]:
        """The description, and TrainingJobSummaries as ListTrainingJobsForHyperParameterTuningJob answers them."""
        objective = description.get("HyperParameterTuningJobConfig", {}).get("HyperParameterTuningJobObjective", {})
        request = {
            "HyperParameterTuningJobName": description["HyperParameterTuningJobName"],
            "StatusEquals": "Completed",
            "SortBy": "FinalObjectiveMetricValue",
            "SortOrder": "Ascending" if objective.get("Type") == "Minimize" else "Descending",
            "MaxResults": 100,
        }
        try:
            listed = context.call("ListTrainingJobsForHyperParameterTuningJob", request)
        except ServiceError:
            return description
        return {**description, "TrainingJobSummaries": listed["TrainingJobSummaries"]}


class AutoMLStep(JobStep):
    """An AutoML job: the paths of its best candidate's reports are properties too."""

    def properties(self, _context: Context, description: dict[str, Any]) -> dict[str, Any]:
        """The description, and BestCandidateProperties."""
        found = (
            description.get("BestCandidate", {}).get("CandidateProperties", {}).get("CandidateArtifactLocations", {})
        )
        reports = {"ModelInsightsJsonReportPath": "ModelInsights", "ExplainabilityJsonReportPath": "Explainability"}
        best = {name: found[place] for name, place in reports.items() if place in found}
        return {**description, "BestCandidateProperties": best}


PROCESSING = JobStep("ProcessingJob", "ProcessingJob")
TRAINING = JobStep("TrainingJob", "TrainingJob")
TRANSFORM = JobStep("TransformJob", "TransformJob")
TUNING = TuningStep("HyperParameterTuningJob", "TuningJob")
AUTO_ML = AutoMLStep("AutoMLJob", "AutoMLJob")
JOB = JobStep("Job", "Job")
