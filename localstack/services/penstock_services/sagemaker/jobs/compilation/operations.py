"""CreateCompilationJob's checks, Stop, Delete."""

from __future__ import annotations

from typing import Any

from penstock_services.operations import Context, check, operation
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.jobs.compilation import request as requests
from penstock_services.sagemaker.jobs.compilation.job import CompilationJob
from penstock_services.sagemaker.jobs.runner import QUEUE, Record, refuse_delete, stop

_DEFAULT_SECONDS = 900


@check("CreateCompilationJob")
def _runnable(context: Context, request: Record) -> None:
    requests.refuse(context, request)


@hook("CompilationJob", "prepare")
def _prepare(context: Context, record: Record) -> None:
    record["StoppingCondition"].setdefault("MaxRuntimeInSeconds", _DEFAULT_SECONDS)
    record["InputConfig"] = requests.model(context, record)
    record["ModelArtifacts"] = {"S3ModelArtifacts": requests.artifact(record["InputConfig"], record["OutputConfig"])}
    # Describe's answer must have it, whatever the status.
    record["FailureReason"] = ""


@hook("CompilationJob", "created")
def _start(context: Context, record: Record) -> None:
    QUEUE.submit(record["CompilationJobArn"], CompilationJob(context, record))


@operation("StopCompilationJob")
def _stop(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    stop(context, "CompilationJob", request["CompilationJobName"])
    return {}


@check("DeleteCompilationJob")
def _deletable(context: Context, request: dict[str, Any]) -> None:
    refuse_delete(context, "CompilationJob", request["CompilationJobName"])
