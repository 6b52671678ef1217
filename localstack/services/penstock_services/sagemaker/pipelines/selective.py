"""Selective execution: some steps run, what they need of the others comes from an earlier execution.

"Selective execution of pipeline steps" (pipelines-selective-ex.html) and SelectiveExecutionConfig's reference: steps that
lie between two selected ones must be selected too; without a source execution nothing can be taken over. (The SDK names
the latest execution as the source.)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.pipelines.expressions import references
from penstock_services.sagemaker.pipelines.references import PropertyFileReference, PropertyReference
from penstock_services.sagemaker.pipelines.state import ENDED, EXECUTION, SUCCEEDED, StepState, load_steps
from penstock_services.sagemaker.pipelines.step import Definition, Step


def prepare(
    context: Context, pipeline_arn: str, definition: Definition, configuration: dict[str, Any]
) -> tuple[list[str], dict[str, StepState]]:
    """The names of the steps that the execution knows, and the results that it takes over; ValidationException where
    the configuration does not fit."""
    selected = [each["StepName"] for each in configuration["SelectedSteps"]]
    unknown = [name for name in selected if name not in definition.steps]
    if unknown:
        raise _invalid(f"SelectedSteps [{', '.join(unknown)}] do not exist in the pipeline.")
    if len(set(selected)) < len(selected):
        raise _invalid(f"SelectedSteps [{', '.join(selected)}] must be given once each.")
    chosen = set(selected)
    _check_between(definition, chosen)
    source = configuration.get("SourcePipelineExecutionArn")
    earlier = _source(context, pipeline_arn, source) if source else {}
    taken: dict[str, StepState] = {}
    for name in selected:
        step = definition.steps[name]
        needed = _data_needs(step)
        wanted = {*step.needs, *([step.branch.condition] if step.branch else [])} - chosen
        for other in sorted(wanted):
            state = earlier.get(other)
            if state is not None and state.status == SUCCEEDED:
                taken[other] = replace(state, selective_source=source, cache_source=None, handle=None)
            elif other in needed:
                reason = (
                    f"it did not succeed in {source}" if source else "SourcePipelineExecutionArn must be given for that"
                )
                raise _invalid(f"The selected step '{name}' needs the result of the step '{other}': {reason}.")
    names = [name for name in definition.steps if name in chosen or name in taken]
    return names, {name: taken[name] for name in names if name in taken}


def _source(context: Context, pipeline_arn: str, arn: str) -> dict[str, StepState]:
    execution = context.store.get(context.scope, EXECUTION, arn)
    if execution is None or execution["PipelineArn"] != pipeline_arn:
        message = f"Pipeline execution with ARN {arn} does not exist for the pipeline {pipeline_arn}."
        raise ServiceError("ResourceNotFound", message)
    if execution["PipelineExecutionStatus"] not in ENDED:
        message = f"The source execution {arn} is {execution['PipelineExecutionStatus']}; it must have ended."
        raise _invalid(message)
    return load_steps(context, arn)


def _data_needs(step: Step) -> set[str]:
    """The steps whose results the step reads, not only waits for."""
    parts = [step.own, step.extra, *([each.own, each.extra] for each in step.body)]
    return {r.step for r in references(parts) if isinstance(r, PropertyReference | PropertyFileReference)}


def _check_between(definition: Definition, chosen: set[str]) -> None:
    """No step that is not chosen lies on a way from a chosen one to another."""
    behind: dict[str, set[str]] = {}
    for name, step in definition.steps.items():  # every step stands behind those that it waits for
        needs = {*step.needs, *([step.branch.condition] if step.branch else [])}
        behind[name] = set()
        for need in needs:
            if need in behind:
                behind[name] |= behind[need] | {need}
    for name in sorted(chosen):
        step = definition.steps[name]
        for need in sorted({*step.needs, *([step.branch.condition] if step.branch else [])} - chosen):
            before = sorted(behind.get(need, set()) & chosen)
            if before:
                raise _invalid(
                    f"The step '{need}' lies between the selected steps '{before[0]}' and '{name}' and must be selected too."
                )


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
