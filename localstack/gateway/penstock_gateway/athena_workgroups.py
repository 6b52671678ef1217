"""What moto's Athena lacks: changing a workgroup, and tags; and its queries, which it pretends to run, are refused.

(Athena API reference: UpdateWorkGroup, WorkGroupConfigurationUpdates, TagResource, UntagResource.)
"""

from __future__ import annotations

from typing import Any

from localstack.aws.api import CommonServiceException

from penstock_gateway.refusals import refusing

WHY = "it runs no queries yet. `penstock_pipelines` reads the same tables with DuckDB"
STATES = ("ENABLED", "DISABLED")
_TAKEN_AS_GIVEN = (
    "AdditionalConfiguration",
    "BytesScannedCutoffPerQuery",
    "CustomerContentEncryptionConfiguration",
    "EnableMinimumEncryptionConfiguration",
    "EnforceWorkGroupConfiguration",
    "ExecutionRole",
    "ManagedQueryResultsConfigurationUpdates",
    "PublishCloudWatchMetricsEnabled",
    "QueryResultsS3AccessGrantsConfiguration",
    "RequesterPaysEnabled",
)
_REMOVED_BY = {
    "RemoveBytesScannedCutoffPerQuery": "BytesScannedCutoffPerQuery",
    "RemoveCustomerContentEncryptionConfiguration": "CustomerContentEncryptionConfiguration",
}
_RESULT_REMOVED_BY = {
    "RemoveAclConfiguration": "AclConfiguration",
    "RemoveEncryptionConfiguration": "EncryptionConfiguration",
    "RemoveExpectedBucketOwner": "ExpectedBucketOwner",
    "RemoveOutputLocation": "OutputLocation",
}
_ENGINE = "Athena engine version 3"


def _backend(context: Any) -> Any:
    from moto.athena.models import athena_backends

    return athena_backends[context.account_id][context.region]


def _invalid(message: str) -> CommonServiceException:
    return CommonServiceException("InvalidRequestException", message, status_code=400, sender_fault=True)


def _workgroup(context: Any, name: str) -> Any:
    """The record of a workgroup. Raises AWS's InvalidRequestException."""
    found = _backend(context).work_groups.get(name)
    if found is None:
        raise _invalid(f"WorkGroup {name} is not found.")
    return found


def _engine(selected: Any) -> dict[str, str]:
    """An engine version in full: AUTO and version 3 are the same today."""
    wanted = (selected or {}).get("SelectedEngineVersion") or "AUTO"
    if wanted not in ("AUTO", _ENGINE):
        raise _invalid(f"The engine version {wanted} does not exist.")
    return {"SelectedEngineVersion": wanted, "EffectiveEngineVersion": _ENGINE}


def create_work_group(context: Any, request: Any) -> dict[str, Any]:
    """moto's, with AWS's error for a name in use and the engine version in full."""
    from localstack.services.moto import call_moto

    name = request["Name"]
    if name in _backend(context).work_groups:
        raise _invalid("WorkGroup is already created.")
    engine = _engine((request.get("Configuration") or {}).get("EngineVersion"))
    call_moto(context)
    _workgroup(context, name).configuration["EngineVersion"] = engine
    return {}


def update_work_group(context: Any, request: Any) -> dict[str, Any]:
    """Change what is given and leave the rest."""
    workgroup = _workgroup(context, request["WorkGroup"])
    updates = dict(request.get("ConfigurationUpdates") or {})
    if request.get("State") not in (None, *STATES):
        raise _invalid(f"State must be one of {', '.join(STATES)}.")
    configuration = dict(workgroup.configuration)
    for member in _TAKEN_AS_GIVEN:
        if member in updates:
            configuration[member.removesuffix("Updates")] = updates[member]
    if "EngineVersion" in updates:
        configuration["EngineVersion"] = _engine(updates["EngineVersion"])
    for flag, member in _REMOVED_BY.items():
        if updates.get(flag):
            configuration.pop(member, None)
    given = dict(updates.get("ResultConfigurationUpdates") or {})
    result = dict(configuration.get("ResultConfiguration") or {})
    result |= {member: value for member, value in given.items() if member not in _RESULT_REMOVED_BY}
    for flag, member in _RESULT_REMOVED_BY.items():
        if given.get(flag):
            result.pop(member, None)
    configuration["ResultConfiguration"] = result
    workgroup.configuration = configuration
    if "Description" in request:
        workgroup.description = request["Description"]
    if request.get("State"):
        workgroup.state = request["State"]
    return {}


def tag_resource(context: Any, request: Any) -> dict[str, Any]:
    """Adds tags."""
    _backend(context).tagger.tag_resource(request["ResourceARN"], [dict(tag) for tag in request["Tags"]])
    return {}


def untag_resource(context: Any, request: Any) -> dict[str, Any]:
    """Takes tags away."""
    _backend(context).tagger.untag_resource_using_names(request["ResourceARN"], list(request["TagKeys"]))
    return {}


def list_tags(context: Any, request: Any) -> dict[str, Any]:
    """moto's, which has no answer for what was never tagged."""
    found = _backend(context).tagger.list_tags_for_resource(request["ResourceARN"])
    return {"Tags": found.get("Tags") or []}


HANDLERS = {
    "CreateWorkGroup": create_work_group,
    "UpdateWorkGroup": update_work_group,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags,
    "StartQueryExecution": refusing("Athena", WHY),
}
