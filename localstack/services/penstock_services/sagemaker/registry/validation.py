"""Validation of model packages: the transform jobs that CreateModelPackage's ValidationSpecification configures.

"Specifies configurations for one or more transform jobs that SageMaker runs to test the model package" (API reference of
CreateModelPackage). Each profile is a transform job of its own over a model made from the package; the package is
InProgress until all have ended, then Completed, or Failed if one of them is not.
"""

from __future__ import annotations

import contextlib
import secrets
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker import hooks
from penstock_services.sagemaker.engine import now
from penstock_services.sagemaker.registry.package import KIND, announce

Record = dict[str, Any]
_JOB = "ModelPackageValidation"
_NAME_LENGTH = 63
_ENDED = ("Completed", "Failed", "Stopped")


def wanted(request: Record) -> bool:
    """Whether a package is to be validated: "SkipModelValidation: All" says that it is not."""
    return "ValidationSpecification" in request and request.get("SkipModelValidation") != "All"


def prepare(record: Record) -> None:
    """What a record says before its validation has begun."""
    profiles = record["ValidationSpecification"]["ValidationProfiles"]
    record["ModelPackageStatus"] = "Pending"
    record["ModelPackageStatusDetails"]["ValidationStatuses"] = [
        {"Name": profile["ProfileName"], "Status": "NotStarted"} for profile in profiles
    ]


def begin(context: Context, key: str, record: Record) -> None:
    """Start the transform jobs of a stored package."""
    specification = record["ValidationSpecification"]
    _state(
        context, key, {profile["ProfileName"]: ("InProgress", None) for profile in specification["ValidationProfiles"]}
    )
    for profile in specification["ValidationProfiles"]:
        name = _name(key, profile["ProfileName"])
        due = {"ModelPackage": key, "ProfileName": profile["ProfileName"]}
        context.store.put(context.scope, _JOB, name, due)
        container = {"ModelPackageName": record["ModelPackageArn"]}
        try:
            model = {
                "ModelName": name,
                "ExecutionRoleArn": specification["ValidationRole"],
                "PrimaryContainer": container,
            }
            context.call("CreateModel", model)
            job = {"TransformJobName": name, "ModelName": name, **profile["TransformJobDefinition"]}
            context.call("CreateTransformJob", job)
        except ServiceError as error:
            _settle(context, name, due, "Failed", f"ClientError: {error.message}")


def _name(key: str, profile: str) -> str:
    """A name for the profile's job and its model."""
    unique = secrets.token_hex(5)
    start = f"{key.replace('/', '-')}-{profile}"[: _NAME_LENGTH - len(unique) - 1].rstrip("-")
    return f"{start}-{unique}"


@hooks.hook("TransformJob", "updated")
def _follow(context: Context, job: Record) -> None:
    name = job["TransformJobName"]
    if job.get("TransformJobStatus") not in _ENDED:
        return
    due = context.store.get(context.scope, _JOB, name)
    if due is not None:
        status = "Completed" if job["TransformJobStatus"] == "Completed" else "Failed"
        _settle(context, name, due, status, job.get("FailureReason"))


def _settle(context: Context, name: str, due: Record, status: str, reason: str | None) -> None:
    """Write the end of one profile; its model is not needed any more."""
    context.store.delete(context.scope, _JOB, name)
    with contextlib.suppress(ServiceError):
        context.call("DeleteModel", {"ModelName": name})
    _state(context, due["ModelPackage"], {due["ProfileName"]: (status, reason)})


def _state(context: Context, key: str, states: dict[str, tuple[str, str | None]]) -> None:
    """Set the states of profiles, and with the last of them that of the package."""

    def change(record: Record) -> None:
        statuses = record["ModelPackageStatusDetails"]["ValidationStatuses"]
        for each in statuses:
            if each["Name"] in states:
                each["Status"], reason = states[each["Name"]]
                if reason:
                    each["FailureReason"] = reason
        found = {each["Status"] for each in statuses}
        if found <= {"Completed", "Failed"}:
            record["ModelPackageStatus"] = "Failed" if "Failed" in found else "Completed"
        else:
            record["ModelPackageStatus"] = "InProgress"
        record["LastModifiedTime"] = now()

    record = context.store.update(context.scope, KIND, key, change)
    if record is not None:
        announce(context, record)
