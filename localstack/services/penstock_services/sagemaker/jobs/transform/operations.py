"""CreateTransformJob's checks, StopTransformJob."""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, check, operation
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.jobs.runner import QUEUE, Record, announce, stop
from penstock_services.sagemaker.jobs.transform.association import format_of
from penstock_services.sagemaker.jobs.transform.containers import containers
from penstock_services.sagemaker.jobs.transform.job import TransformJob
from penstock_services.sagemaker.jobs.transform.jsonpath import FilterError, parse

_INSTANCE_LIMIT = 8
_PAYLOAD_LIMIT_MB = 100


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


@check("CreateTransformJob")
def _runnable(context: Context, request: Record) -> None:
    """Refuse what AWS refuses, and by name what would not run as on AWS."""
    containers(context, request["ModelName"])
    given, output = request["TransformInput"], request["TransformOutput"]
    kind = given["DataSource"]["S3DataSource"]["S3DataType"]
    if kind not in ("S3Prefix", "ManifestFile"):
        message = f"S3DataType {kind} is not supported by batch transform: it must be S3Prefix or ManifestFile."
        raise _invalid(message)
    count = request["TransformResources"]["InstanceCount"]
    if count > _INSTANCE_LIMIT:
        kind = request["TransformResources"]["InstanceType"]
        message = (
            f"The account-level service limit '{kind} for transform job usage' is {_INSTANCE_LIMIT} Instances, with "
            f"current utilization of 0 Instances and a request delta of {count} Instances."
        )
        raise ServiceError("ResourceLimitExceeded", message)
    payload, transforms = request.get("MaxPayloadInMB", 6), request.get("MaxConcurrentTransforms", 1)
    if payload > _PAYLOAD_LIMIT_MB or payload * transforms > _PAYLOAD_LIMIT_MB:
        message = (
            f"MaxConcurrentTransforms ({transforms}) * MaxPayloadInMB ({payload}) must not be greater than "
            f"{_PAYLOAD_LIMIT_MB} MB."
        )
        raise _invalid(message)
    _processing(request.get("DataProcessing", {}), request.get("DataCaptureConfig", {}), given, output)


def _processing(processing: Record, capture: Record, given: Record, output: Record) -> None:
    """Filters and joins need formats that can be taken apart."""
    for member in ("InputFilter", "OutputFilter"):
        if processing.get(member):
            try:
                parse(processing[member])
            except FilterError as error:
                message = f"DataProcessing.{member}: {error}"
                raise _invalid(message) from None
    joined = processing.get("JoinSource") == "Input"
    filtered = any(processing.get(member, "$") not in ("", "$") for member in ("InputFilter", "OutputFilter"))
    if not (joined or filtered or capture.get("GenerateInferenceId")):
        return
    sent = format_of(given.get("ContentType"))
    received = format_of(output.get("Accept")) if output.get("Accept") else sent
    if sent is None or received is None:
        message = (
            "DataProcessing and GenerateInferenceId need data in CSV or JSON: TransformInput.ContentType, and "
            "TransformOutput.Accept where it is given, must be text/csv, application/json or application/jsonlines."
        )
        raise _invalid(message)
    if joined and (sent == "csv") != (received == "csv"):
        message = "JoinSource Input needs TransformInput.ContentType and TransformOutput.Accept of the same format."
        raise _invalid(message)
    if given.get("SplitType", "None") not in ("None", "Line"):
        message = f"DataProcessing does not work with SplitType {given['SplitType']}."
        raise _invalid(message)


@hook("TransformJob", "created")
def _start(context: Context, record: Record) -> None:
    announce(context, "TransformJob", record)
    QUEUE.submit(record["TransformJobArn"], TransformJob(context, record))


@operation("StopTransformJob")
def _stop(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    stop(context, "TransformJob", request["TransformJobName"])
    return {}
