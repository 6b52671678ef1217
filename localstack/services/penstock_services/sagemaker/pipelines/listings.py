"""ListPipelineExecutions, ListPipelineExecutionSteps and ListPipelineParametersForExecution."""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, operation
from penstock_services.sagemaker import page_tokens
from penstock_services.sagemaker.pipelines import versions
from penstock_services.sagemaker.pipelines.expressions import text_of
from penstock_services.sagemaker.pipelines.state import EXECUTION, load_definition, load_steps
from penstock_services.store import Record, Where

_EXECUTIONS_PAGE, _STEPS_PAGE, _PARAMETERS_PAGE = 10, 20, 100
_SUMMARY = {
    "PipelineExecutionArn": "PipelineExecutionArn",
    "PipelineExecutionStatus": "PipelineExecutionStatus",
    "PipelineExecutionDescription": "PipelineExecutionDescription",
    "PipelineExecutionDisplayName": "PipelineExecutionDisplayName",
    "CreationTime": "StartTime",
    "FailureReason": "PipelineExecutionFailureReason",
}


@operation("ListPipelineExecutions")
def list_pipeline_executions(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The executions of a pipeline, the newest first; the cost does not grow with their number."""
    pipeline = versions.pipeline_of(context, request["PipelineName"])
    where = [Where("parent", "=", pipeline["PipelineArn"])]
    if "PipelineVersionAlias" in request:
        version = versions.choose(context, pipeline, {"PipelineVersionAlias": request["PipelineVersionAlias"]})
        where.append(Where("PipelineVersionId", "=", version["PipelineVersionId"]))
    if "CreatedAfter" in request:
        where.append(Where("created", ">=", request["CreatedAfter"]))
    if "CreatedBefore" in request:
        where.append(Where("created", "<=", request["CreatedBefore"]))
    size = int(request.get("MaxResults", _EXECUTIONS_PAGE))
    found = context.store.select(
        context.scope,
        EXECUTION,
        where,
        order="name" if request.get("SortBy") == "PipelineExecutionArn" else "created",
        descending=request.get("SortOrder", "Descending") == "Descending",
        after=_after(request),
        limit=size + 1,
    )
    summaries = [_summary(context, row.record) for row in found[:size]]
    more = {"NextToken": page_tokens.encode([found[size - 1].value, found[size - 1].id])} if len(found) > size else {}
    return {"PipelineExecutionSummaries": summaries, **more}


def _summary(context: Context, record: Record) -> Record:
    summary = {summary: record[member] for member, summary in _SUMMARY.items() if member in record}
    aliases = versions.aliases_of(context, record["PipelineName"], record.get("PipelineVersionId"))
    return {**summary, **({"PipelineVersionAliases": aliases} if aliases else {})}


@operation("ListPipelineExecutionSteps")
def list_pipeline_execution_steps(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The steps that have been started, the last one first; steps of a branch that is not taken never start."""
    if "PipelineExecutionArn" not in request:
        raise _invalid("PipelineExecutionArn must be given.")
    arn = execution_of(context, request)["PipelineExecutionArn"]
    summaries = [state.summary() for state in load_steps(context, arn).values()]
    if request.get("SortOrder", "Descending") == "Descending":
        summaries.reverse()
    chosen, token = page_tokens.page(summaries, request, _STEPS_PAGE)
    return {"PipelineExecutionSteps": chosen, **token}


@operation("ListPipelineParametersForExecution")
def list_pipeline_parameters_for_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The parameters with which the execution runs, as text."""
    arn = execution_of(context, request)["PipelineExecutionArn"]
    kept = load_definition(context, arn) or {"Parameters": {}}
    parameters = [{"Name": name, "Value": text_of(value)} for name, value in kept["Parameters"].items()]
    chosen, token = page_tokens.page(parameters, request, _PARAMETERS_PAGE)
    return {"PipelineParameters": chosen, **token}


def execution_of(context: Context, request: dict[str, Any]) -> Record:
    """The execution that a request names; ResourceNotFound where there is none."""
    arn = request["PipelineExecutionArn"]
    execution = context.store.get(context.scope, EXECUTION, arn)
    if execution is None:
        raise ServiceError("ResourceNotFound", f"Pipeline execution with ARN {arn} does not exist.")
    return execution


def _after(request: dict[str, Any]) -> tuple[Any, int] | None:
    return page_tokens.place(request["NextToken"]) if "NextToken" in request else None


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
