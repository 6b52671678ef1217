"""The step types that run: one module each."""

from penstock_services.sagemaker.pipelines.steps import condition, fail, model, processing, register_model, training
from penstock_services.sagemaker.pipelines.steps.base import StepType

STEP_TYPES: dict[str, StepType] = {
    "Processing": processing.PROCESSING,
    "Training": training.TRAINING,
    "Model": model.MODEL,
    "RegisterModel": register_model.REGISTER_MODEL,
    "Condition": condition.CONDITION,
    "Fail": fail.FAIL,
}

__all__ = ["STEP_TYPES", "StepType"]
