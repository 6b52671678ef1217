"""The step types that run: what ``step_kinds.KINDS`` names and does not refuse has its body here."""

from penstock_services.sagemaker.pipelines.steps import (
    callback,
    check,
    cleanup,
    condition,
    endpoint,
    endpoint_config,
    fail,
    for_each,
    job,
    lambda_function,
    lineage,
    model,
    register_model,
)
from penstock_services.sagemaker.pipelines.steps.base import StepType

STEP_TYPES: dict[str, StepType] = {
    "Processing": job.PROCESSING,
    "Training": job.TRAINING,
    "Tuning": job.TUNING,
    "Transform": job.TRANSFORM,
    "AutoML": job.AUTO_ML,
    "Job": job.JOB,
    "Model": model.MODEL,
    "RegisterModel": register_model.REGISTER_MODEL,
    "Condition": condition.CONDITION,
    "Fail": fail.FAIL,
    "Callback": callback.CALLBACK,
    "Lambda": lambda_function.LAMBDA,
    "EndpointConfig": endpoint_config.ENDPOINT_CONFIG,
    "Endpoint": endpoint.ENDPOINT,
    "InferenceComponent": endpoint.INFERENCE_COMPONENT,
    "Lineage": lineage.LINEAGE,
    "Cleanup": cleanup.CLEANUP,
    "ForEach": for_each.ForEachStep(),
    "QualityCheck": check.QUALITY_CHECK,
    "ClarifyCheck": check.CLARIFY_CHECK,
}

__all__ = ["STEP_TYPES", "StepType"]
