"""EMR Serverless: applications are records; nothing is started, as there is no cluster.

moto answers every job run with SUCCESS and forgets most of an application's settings; none of it is used but the place
where it keeps applications. (EMR Serverless API reference: CreateApplication, UpdateApplication, DeleteApplication.)
"""

from __future__ import annotations

import datetime
import secrets
import string
from typing import Any

from localstack.aws.api import CommonServiceException
from localstack.aws.spec import load_service

from penstock_gateway.refusals import refusing

SERVICE = "emr-serverless"
WHY = (
    "there is no Spark cluster behind an application. Run the script as a SageMaker processing job on a Spark image, "
    "which the local cloud does run; on AWS the application takes it as it is."
)
IDLE = ("CREATED", "STOPPED")
_DEFAULTS: dict[str, Any] = {
    "architecture": "X86_64",
    "autoStartConfiguration": {"enabled": True},
    "autoStopConfiguration": {"enabled": True, "idleTimeoutMinutes": 15},
}
_SUMMARY = ("name", "arn", "releaseLabel", "type", "state", "stateDetails", "createdAt", "updatedAt", "architecture")
_ID = string.digits + string.ascii_lowercase


def _error(code: str, message: str, status: int) -> CommonServiceException:
    return CommonServiceException(code, message, status_code=status, sender_fault=True)


def _applications(context: Any) -> dict[str, dict[str, Any]]:
    from moto.backends import get_backend

    kept: dict[str, dict[str, Any]] = get_backend(SERVICE)[context.account_id][context.region].applications
    return kept


def _application(context: Any, id_: str) -> dict[str, Any]:
    found = _applications(context).get(id_)
    if found is None:
        raise _error("ResourceNotFoundException", f"Application {id_} does not exist", 404)
    return found


def _by_arn(context: Any, arn: str) -> dict[str, Any]:
    found = _application(context, arn.rpartition("/")[2])
    if found["arn"] != arn:
        raise _error("ResourceNotFoundException", f"Resource {arn} does not exist", 404)
    return found


def _idle(application: dict[str, Any]) -> None:
    if application["state"] not in IDLE:
        message = (
            f"Application {application['applicationId']} must be in one of the following statuses [CREATED, STOPPED]. "
            f"Current status: {application['state']}"
        )
        raise _error("ValidationException", message, 400)


def create(context: Any, request: Any) -> Any:
    """An application of Spark or Hive; the same token again gives the same application."""
    given = {key: value for key, value in request.items() if value is not None}
    token = given.pop("clientToken", "")
    for known in _applications(context).values():
        if token and known["_token"] == token and known["state"] != "TERMINATED":
            return {key: known[key] for key in ("applicationId", "name", "arn") if key in known}
    if str(given["type"]).upper() not in ("SPARK", "HIVE"):
        raise _error("ValidationException", f"Unsupported engine {given['type']}", 400)
    id_ = "00" + "".join(secrets.choice(_ID) for _ in range(14))
    now = datetime.datetime.now(datetime.UTC)
    arn = f"arn:aws:emr-serverless:{context.region}:{context.account_id}:/applications/{id_}"
    application = {**_DEFAULTS, **given, "type": str(given["type"]).capitalize(), "tags": given.get("tags") or {}}
    application |= {"applicationId": id_, "arn": arn, "state": "CREATED", "_token": token}
    application |= {"createdAt": now, "updatedAt": now}
    _applications(context)[id_] = application
    return {key: application[key] for key in ("applicationId", "name", "arn") if key in application}


def get(context: Any, request: Any) -> Any:
    """All that was said of the application."""
    return {"application": _told(_application(context, request["applicationId"]))}


def _told(application: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in application.items() if not key.startswith("_")}


def update(context: Any, request: Any) -> Any:
    """Change what is named; an application that is started cannot be changed."""
    application = _application(context, request["applicationId"])
    _idle(application)
    changes = {key: value for key, value in request.items() if key != "clientToken" and value is not None}
    application.update(changes, updatedAt=datetime.datetime.now(datetime.UTC))
    return {"application": _told(application)}


def delete(context: Any, request: Any) -> Any:
    """The application is terminated: it can be described for a while, and nothing else."""
    application = _application(context, request["applicationId"])
    _idle(application)
    application["state"] = "TERMINATED"
    return {}


def list_(context: Any, request: Any) -> Any:
    """Summaries, all on one page."""
    states = request.get("states")
    found = [
        {"id": id_, **{key: application[key] for key in _SUMMARY if key in application}}
        for id_, application in _applications(context).items()
        if not states or application["state"] in states
    ]
    return {"applications": found}


def stop(context: Any, request: Any) -> Any:
    """There is nothing to stop: an idle application stays as it is."""
    _idle(_application(context, request["applicationId"]))
    return {}


def tag(context: Any, request: Any) -> Any:
    """Add tags, or change their values."""
    _by_arn(context, request["resourceArn"])["tags"].update(request["tags"])
    return {}


def untag(context: Any, request: Any) -> Any:
    """Remove tags."""
    tags = _by_arn(context, request["resourceArn"])["tags"]
    for key in request["tagKeys"]:
        tags.pop(key, None)
    return {}


def tags_of(context: Any, request: Any) -> Any:
    """The application's tags."""
    return {"tags": dict(_by_arn(context, request["resourceArn"])["tags"])}


_SERVED = {
    "CreateApplication": create,
    "GetApplication": get,
    "UpdateApplication": update,
    "DeleteApplication": delete,
    "ListApplications": list_,
    "StopApplication": stop,
    "TagResource": tag,
    "UntagResource": untag,
    "ListTagsForResource": tags_of,
}
HANDLERS = dict.fromkeys(load_service(SERVICE).operation_names, refusing("EMR Serverless", WHY)) | _SERVED
"""Every operation of the service: none is left to moto."""
