"""QualityCheck and ClarifyCheck steps: a baseline is calculated, and the data or model held against an earlier one.

Both run a processing job with AWS's own image and always calculate a new baseline. The earlier one is what the step
supplies, else that of the group's latest approved model package. Source: Amazon SageMaker developer guide, "Baseline
calculation, drift detection and lifecycle with ClarifyCheck and QualityCheck steps".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.pipelines.steps.base import Begun, Ended, Run, StepError
from penstock_services.sagemaker.pipelines.steps.job import PROCESSING

_BASELINE = "/opt/ml/processing/baseline"
_VIOLATIONS = "constraint_violations.json"
# CheckType: where a model package's DriftCheckBaselines, and its ModelMetrics, hold what it is checked against.
_PLACES: dict[str, dict[str, tuple[tuple[str, str], tuple[str, str]]]] = {
    "DATA_QUALITY": {
        "Statistics": (("ModelDataQuality", "Statistics"), ("ModelDataQuality", "Statistics")),
        "Constraints": (("ModelDataQuality", "Constraints"), ("ModelDataQuality", "Constraints")),
    },
    "MODEL_QUALITY": {
        "Statistics": (("ModelQuality", "Statistics"), ("ModelQuality", "Statistics")),
        "Constraints": (("ModelQuality", "Constraints"), ("ModelQuality", "Constraints")),
    },
    "DATA_BIAS": {"Constraints": (("Bias", "PreTrainingConstraints"), ("Bias", "PreTrainingReport"))},
    "MODEL_BIAS": {"Constraints": (("Bias", "PostTrainingConstraints"), ("Bias", "PostTrainingReport"))},
    "MODEL_EXPLAINABILITY": {"Constraints": (("Explainability", "Constraints"), ("Explainability", "Report"))},
}


@dataclass(frozen=True)
class CheckStep:
    """One of the two step types. ``kind`` is its name; ``files`` the calculated baseline's files by what they are."""

    kind: str
    files: dict[str, str]

    def begin(self, run: Run) -> Begun:
        """Start the processing job, with the earlier baseline among its inputs unless the check is skipped."""
        options = run.extra()
        check_type = options.get("CheckType")
        if check_type not in _PLACES or set(_PLACES[check_type]) != set(self.files):
            known = ", ".join(name for name, places in _PLACES.items() if set(places) == set(self.files))
            message = f"ClientError: CheckType must be one of {known}, not {check_type!r}"
            raise StepError(message)
        request = {**run.arguments(), "ProcessingJobName": run.resource_name}
        earlier = self._earlier(run, check_type, options)
        skipped = _truth(options.get("SkipCheck"))
        checked = not skipped and "Constraints" in earlier
        if checked:
            _add_baseline(request, earlier)
        if options.get("ModelName"):
            request["Environment"] = {**request.get("Environment", {}), "model_name": str(options["ModelName"])}
        output = request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"].rstrip("/")
        new = {what: f"{output}/{file}" for what, file in self.files.items()}
        registered = _truth(options.get("RegisterNewBaseline"))
        used = new if registered or not earlier else earlier
        metadata: dict[str, Any] = {"CheckType": check_type, "SkipCheck": skipped, "RegisterNewBaseline": registered}
        if options.get("ModelPackageGroupName"):
            metadata["ModelPackageGroupName"] = options["ModelPackageGroupName"]
        for what in self.files:
            metadata[f"CalculatedBaseline{what}"] = new[what]
            if what in used:
                metadata[f"BaselineUsedForDriftCheck{what}"] = used[what]
        arn = run.call("CreateProcessingJob", request)["ProcessingJobArn"]
        metadata["CheckJobArn"] = arn
        fails = options.get("FailOnViolation")
        handle = {
            "Job": run.resource_name,
            "Metadata": metadata,
            "Report": f"{output}/{_VIOLATIONS}" if checked else None,
            "FailOnViolation": True if fails is None else _truth(fails),
        }
        return Begun({self.kind: metadata}, handle=json.dumps(handle), arn=arn)

    def poll(self, context: Context, handle: str) -> Ended | None:
        """How the job has ended, and what it found."""
        state = json.loads(handle)
        ended = PROCESSING.poll(context, state["Job"])
        if ended is None:
            return None
        metadata = dict(state["Metadata"])
        properties = {**ended.properties, **metadata}
        if ended.status != "Succeeded":
            return Ended(ended.status, properties, ended.failure, exception_type=ended.exception_type)
        found = _violations(context, state["Report"]) if state["Report"] else []
        if found:
            metadata["ViolationReport"] = state["Report"]
        if found and state["FailOnViolation"]:
            names = ", ".join(sorted({_named(each) for each in found})[:5])
            failure = f"ClientError: {len(found)} violations were found ({names}): see {state['Report']}"
            return Ended("Failed", properties, failure, metadata={self.kind: metadata})
        return Ended("Succeeded", properties, metadata={self.kind: metadata})

    def stop(self, context: Context, handle: str) -> None:
        """Stop the job."""
        PROCESSING.stop(context, json.loads(handle)["Job"])

    def _earlier(self, run: Run, check_type: str, options: dict[str, Any]) -> dict[str, str]:
        """URIs of the earlier baseline's files: what the step supplies, else the registry's."""
        supplied = {what: options.get(f"SuppliedBaseline{what}") for what in self.files}
        found = {what: str(uri) for what, uri in supplied.items() if uri}
        group = options.get("ModelPackageGroupName")
        if "Constraints" in found or not group:
            return found
        package = _latest_approved(run.context, str(group))
        for what, (baseline, metric) in _PLACES[check_type].items():
            for member, place in (("DriftCheckBaselines", baseline), ("ModelMetrics", metric)):
                uri = package.get(member, {}).get(place[0], {}).get(place[1], {}).get("S3Uri")
                if uri:
                    found.setdefault(what, uri)
                    break
        return found


def _latest_approved(context: Context, group: str) -> dict[str, Any]:
    """The group's latest approved version; empty where there is none yet."""
    request = {
        "ModelPackageGroupName": group,
        "ModelApprovalStatus": "Approved",
        "SortBy": "CreationTime",
        "SortOrder": "Descending",
        "MaxResults": 1,
    }
    try:
        summaries = context.call("ListModelPackages", request)["ModelPackageSummaryList"]
    except ServiceError:
        return {}
    if not summaries:
        return {}
    return context.call("DescribeModelPackage", {"ModelPackageName": summaries[0]["ModelPackageArn"]})


def _add_baseline(request: dict[str, Any], earlier: dict[str, str]) -> None:
    """The earlier baseline as inputs of the job, and the variables by which the container finds it."""
    inputs = list(request.get("ProcessingInputs", []))
    environment = dict(request.get("Environment", {}))
    for what, uri in earlier.items():
        name = f"baseline_{what.lower()}"
        inputs.append(
            {
                "InputName": name,
                "S3Input": {
                    "S3Uri": uri,
                    "LocalPath": f"{_BASELINE}/{what.lower()}",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                    "S3DataDistributionType": "FullyReplicated",
                },
            }
        )
        environment[name] = f"{_BASELINE}/{what.lower()}"
    request["ProcessingInputs"], request["Environment"] = inputs, environment


def _violations(context: Context, uri: str) -> list[dict[str, Any]]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        body = context.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError:
        return []
    found: list[dict[str, Any]] = json.loads(body).get("violations", [])
    return found


def _named(violation: dict[str, Any]) -> str:
    return str(violation.get("feature_name") or violation.get("metric_name") or violation.get("facet") or "data")


def _truth(value: Any) -> bool:
    """A flag, which a pipeline's parameter may give as text."""
    return value.strip().lower() == "true" if isinstance(value, str) else bool(value)


QUALITY_CHECK = CheckStep("QualityCheck", {"Statistics": "statistics.json", "Constraints": "constraints.json"})
CLARIFY_CHECK = CheckStep("ClarifyCheck", {"Constraints": "analysis.json"})
