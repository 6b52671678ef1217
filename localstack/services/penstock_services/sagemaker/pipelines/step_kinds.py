"""The step types as the SDK writes them: what each may hold, offers to later steps, and is cached by.

One line a type. What a step of the type does is in ``steps/``; a type whose line says ``refused`` is known and refused
by name at CreatePipeline, with that reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.service import served as answered

# Members of Arguments that decide a step's work: a nested tuple names a member's own members.
CacheKey = tuple[str | tuple[str, tuple[str, ...]], ...]

COMMON_MEMBERS = frozenset({"Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description"})
CONDITION, FAIL, FOR_EACH = "Condition", "Fail", "ForEach"
CALLBACK, LAMBDA = "Callback", "Lambda"


@dataclass(frozen=True)
class StepKind:
    """One step type.

    ``operation`` and ``named``: the SageMaker operation that its Arguments are a request of, and that request's member
    which the pipeline fills with a name. ``needs``: all operations that a step calls. ``described``: the operations whose
    answers are the step's properties, ``properties`` further ones. ``members``: what a step may hold beside the common
    members. ``cached``: what its cache key is made of (None: never cached); ``retried``: whether RetryPolicies are allowed.
    """

    operation: str | None = None
    named: str | None = None
    needs: tuple[str, ...] = ()
    described: tuple[str, ...] = ()
    properties: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()
    cached: CacheKey | None = None
    retried: bool = False
    refused: str | None = None


def _job(kind: str, cached: CacheKey, **more: Any) -> StepKind:
    return StepKind(
        operation=f"Create{kind}",
        named=f"{kind}Name",
        described=more.pop("described", (f"Describe{kind}",)),
        cached=cached,
        retried=True,
        **more,
    )


_ALL: CacheKey = ()
_CHECK_MEMBERS = frozenset(
    {
        "CheckType", "ModelPackageGroupName", "SkipCheck", "FailOnViolation", "RegisterNewBaseline",
        "SuppliedBaselineConstraints",
    }
)  # fmt: skip
_CHECK_PROPERTIES = frozenset({"CalculatedBaselineConstraints", "BaselineUsedForDriftCheckConstraints"})
_STATISTICS_PROPERTIES = frozenset({"CalculatedBaselineStatistics", "BaselineUsedForDriftCheckStatistics"})
_NO_EMR = "the local cloud has no EMR"

# Cache keys: "Default cache key attributes by pipeline step type" (pipelines-default-keys.html). Retryable types:
# "Retry Policy for Pipeline Steps" (pipelines-retry-policy.html) and the SDK's ConfigurableRetryStep.
KINDS: dict[str, StepKind] = {
    "Processing": _job(
        "ProcessingJob",
        ("AppSpecification", "Environment", "ProcessingInputs"),
        members=frozenset({"PropertyFiles"}),
    ),
    "Training": _job(
        "TrainingJob",
        (
            "AlgorithmSpecification", "CheckpointConfig", "DebugHookConfig", "DebugRuleConfigurations", "Environment",
            "HyperParameters", "InputDataConfig",
        ),
    ),
    "Tuning": _job(
        "HyperParameterTuningJob",
        (
            "HyperParameterTuningJobConfig",
            (
                "TrainingJobDefinition",
                (
                    "AlgorithmSpecification", "HyperParameterRanges", "InputDataConfig", "StaticHyperParameters",
                    "TuningObjective",
                ),
            ),
            "TrainingJobDefinitions",
        ),
        described=("DescribeHyperParameterTuningJob", "ListTrainingJobsForHyperParameterTuningJob"),
    ),
    "Transform": _job("TransformJob", ("DataProcessing", "Environment", "ModelName", "TransformInput")),
    "AutoML": _job(
        "AutoMLJob",
        (
            ("AutoMLJobConfig", ("CompletionCriteria", "CandidateGenerationConfig", "DataSplitConfig", "Mode")),
            "AutoMLJobObjective", "InputDataConfig", "ProblemType",
        ),
        properties=frozenset({"BestCandidateProperties"}),
    ),
    "Job": _job("Job", _ALL),
    "Model": StepKind("CreateModel", "ModelName", described=("DescribeModel",), retried=True),
    "RegisterModel": StepKind(
        "CreateModelPackage", "ModelPackageName", described=("DescribeModelPackage",), retried=True
    ),
    "EndpointConfig": StepKind(
        "CreateEndpointConfig", described=("DescribeEndpointConfig",), cached=_ALL, retried=True
    ),
    "Endpoint": StepKind(
        "CreateEndpoint", needs=("UpdateEndpoint",), described=("DescribeEndpoint",), cached=_ALL
    ),
    "InferenceComponent": StepKind(
        "CreateInferenceComponent", needs=("UpdateInferenceComponent",), described=("DescribeInferenceComponent",)
    ),
    "Lineage": StepKind(
        needs=("CreateAction", "CreateArtifact", "CreateContext", "AddAssociation"),
        properties=frozenset({"ActionArns", "ArtifactArns", "ContextArns", "Associations"}),
    ),
    "Cleanup": StepKind(),
    CONDITION: StepKind(properties=frozenset({"Outcome"})),
    FAIL: StepKind(),
    FOR_EACH: StepKind(
        properties=frozenset(
            {
                "Status", "InputItemCount", "TotalStepCount", "SucceededStepCount", "FailedStepCount",
                "StoppedStepCount", "IterationOutputs", "Selected",
            }
        )
    ),
    CALLBACK: StepKind(
        properties=frozenset({"OutputParameters"}), members=frozenset({"SqsQueueUrl", "OutputParameters"}), cached=_ALL
    ),
    LAMBDA: StepKind(
        properties=frozenset({"OutputParameters"}), members=frozenset({"FunctionArn", "OutputParameters"}), cached=_ALL
    ),
    "QualityCheck": StepKind(
        "CreateProcessingJob",
        "ProcessingJobName",
        described=("DescribeProcessingJob",),
        properties=_CHECK_PROPERTIES | _STATISTICS_PROPERTIES,
        members=_CHECK_MEMBERS | {"SuppliedBaselineStatistics"},
        cached=_ALL,
    ),
    "ClarifyCheck": StepKind(
        "CreateProcessingJob",
        "ProcessingJobName",
        described=("DescribeProcessingJob",),
        properties=_CHECK_PROPERTIES,
        members=_CHECK_MEMBERS | {"ModelName"},
        cached=_ALL,
    ),
    "EMR": StepKind(refused=_NO_EMR),
    "EMRServerless": StepKind(refused=_NO_EMR),
}  # fmt: skip


def refusal(kind: StepKind) -> str | None:
    """Why steps of this type are refused: what they would call is not answered here."""
    if kind.refused is not None:
        return kind.refused
    called = [*([kind.operation] if kind.operation else []), *kind.needs]
    missing = [operation for operation in called if not _answered(operation)]
    return f"{', '.join(missing)} is not answered by the local cloud" if missing else None


def served() -> list[str]:
    """The step types that run here."""
    return [name for name, kind in KINDS.items() if refusal(kind) is None]


def _answered(operation: str) -> bool:
    return operation in load("sagemaker").operations and answered(operation)
