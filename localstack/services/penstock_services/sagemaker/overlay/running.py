"""Kinds that run something which this machine has not: their Create is refused by name.

Their other operations answer what is true: there is none of them.
"""

from __future__ import annotations

from penstock_services.sagemaker.overlay.entry import Overlay, invalid


def _runs(arn_type: str, why: str, **more: object) -> Overlay:
    return Overlay(arn_type, answers="real", why=why, **more)  # type: ignore[arg-type]


KINDS: dict[str, Overlay] = {
    "AIBenchmarkJob": _runs("ai-benchmark-job", "runs a load test on instances"),
    "AIRecommendationJob": _runs("ai-recommendation-job", "runs experiments on instances"),
    "AIWorkloadConfig": Overlay("ai-workload-config", why="settings of a benchmark"),
    "InferenceRecommendationsJob": _runs("inference-recommendations-job", "runs load tests on instances"),
    "InferenceRouter": _runs("inference-router", "routes requests to endpoints"),
    "Job": _runs("job", "runs serverless customization"),
    "LabelingJob": _runs("labeling-job", "sends tasks to people"),
    "OptimizationJob": _runs("optimization-job", "quantizes or compiles large models on accelerators"),
    "PartnerApp": _runs("partner-app", "runs a partner's product"),
    "Project": Overlay(
        "project",
        missing=invalid("Project {name} does not exist."),
        exists=invalid("Project {name} already exists."),
        identity=("ProjectId", "p-************"),
        initial="Pending",
        settled="CreateCompleted",
        updating="UpdateInProgress",
        updated="UpdateCompleted",
        deleting="DeleteInProgress",
        why="a name that resources are tagged with; what a template would provision is refused",
    ),
    "TrainingPlan": _runs("training-plan", "buys reserved capacity"),
    "TrainingSession": _runs("training-session", "runs a serverless training session"),
}
