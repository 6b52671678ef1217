"""The versions of a pipeline: every changed definition makes one; executions and aliases name them.

Kept under ``<pipeline name>:<id>`` with the id in nine digits. The first version has the id 1.
"""

from __future__ import annotations

import re
import threading

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, check, operation
from penstock_services.sagemaker import engine, listing
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.model import load
from penstock_services.store import Record

VERSION = "PipelineVersion"
_ALIASES, _ALIAS_COUNT = "PipelineVersionAliases", 10
_lock = threading.RLock()
_SHOWN = ("PipelineVersionDisplayName", "PipelineVersionDescription", _ALIASES)


def pipeline_of(context: Context, name_or_arn: str) -> Record:
    """The record of a pipeline, by name or ARN; ResourceNotFound where there is none."""
    return engine.find(context, "Pipeline", name_or_arn)[1]


def versions_of(context: Context, pipeline: Record) -> list[Record]:
    """All versions, the oldest first."""
    prefix = f"{pipeline['PipelineName']}:"
    found = [record for _, record in context.store.scan(context.scope, VERSION, prefix)]
    if not found:
        # A pipeline from before versions were kept.
        found = [_add(context, pipeline, 1, [])]
    return found


def choose(context: Context, pipeline: Record, request: Record) -> Record:
    """The version that PipelineVersionId or PipelineVersionAlias names, or the latest."""
    identifier, alias = request.get("PipelineVersionId"), request.get("PipelineVersionAlias")
    if identifier is not None and alias is not None:
        message = "Only one of PipelineVersionId and PipelineVersionAlias may be given."
        raise ServiceError("ValidationException", message)
    versions = versions_of(context, pipeline)
    for version in versions:
        if version["PipelineVersionId"] == identifier or (alias is not None and alias in version.get(_ALIASES, [])):
            return version
    if identifier is None and alias is None:
        return versions[-1]
    named = f"version {identifier}" if alias is None else f"version with the alias '{alias}'"
    raise ServiceError("ResourceNotFound", f"Pipeline '{pipeline['PipelineArn']}' has no {named}.")


def aliases_of(context: Context, pipeline_name: str, identifier: int | None) -> list[str]:
    """The aliases that a version has now."""
    record = context.store.get(context.scope, VERSION, _key(pipeline_name, identifier)) if identifier else None
    found: list[str] = (record or {}).get(_ALIASES, [])
    return found


def executed(context: Context, pipeline: Record, identifier: int, execution_arn: str) -> None:
    """Note the latest execution of a version."""

    def change(record: Record) -> None:
        record["LastExecutionPipelineExecutionArn"] = execution_arn

    context.store.update(context.scope, VERSION, _key(pipeline["PipelineName"], identifier), change)


def _key(name: str, identifier: int) -> str:
    return f"{name}:{identifier:09}"


def _add(context: Context, pipeline: Record, identifier: int, aliases: list[str]) -> Record:
    record: Record = {
        "PipelineArn": pipeline["PipelineArn"],
        "PipelineVersionId": identifier,
        "CreationTime": engine.now(),
        "PipelineDefinition": pipeline["PipelineDefinition"],
        "_order": identifier,
    }
    if aliases:
        record[_ALIASES] = aliases
    context.store.put(context.scope, VERSION, _key(pipeline["PipelineName"], identifier), record)
    return record


def _check_aliases(aliases: list[str], taken: set[str]) -> None:
    for alias in aliases:
        if re.fullmatch(r"\d+", alias):
            message = f"The alias '{alias}' must not consist of digits only."
            raise ServiceError("ValidationException", message)
        if aliases.count(alias) > 1 or alias in taken:
            message = f"The alias '{alias}' must be unique within the pipeline."
            raise ServiceError("ValidationException", message)


@check("CreatePipeline")
def _check_first_aliases(_context: Context, request: Record) -> None:
    _check_aliases(request.get(_ALIASES, []), set())


@check("UpdatePipeline")
def _check_new_aliases(context: Context, request: Record) -> None:
    aliases = request.get(_ALIASES)
    if not aliases:
        return
    pipeline = pipeline_of(context, request["PipelineName"])
    versions = versions_of(context, pipeline)
    if request.get("PipelineDefinition", pipeline["PipelineDefinition"]) == versions[-1]["PipelineDefinition"]:
        message = "PipelineVersionAliases may only be given with a changed PipelineDefinition."
        raise ServiceError("ValidationException", message)
    _check_aliases(aliases, {alias for version in versions for alias in version.get(_ALIASES, [])})


@hook("Pipeline", "created")
def _first_version(context: Context, record: Record) -> None:
    with _lock:
        _add(context, record, 1, record.pop(_ALIASES, []))
        record["PipelineVersionId"] = 1
        context.store.put(context.scope, "Pipeline", record["PipelineName"], record)


@hook("Pipeline", "updated")
def _next_version(context: Context, record: Record) -> None:
    """A changed definition makes a version; the answer of UpdatePipeline names the latest."""
    with _lock:
        aliases = record.pop(_ALIASES, [])
        latest = versions_of(context, record)[-1]
        if latest["PipelineDefinition"] != record["PipelineDefinition"]:
            latest = _add(context, record, latest["PipelineVersionId"] + 1, aliases)
        record["PipelineVersionId"] = latest["PipelineVersionId"]

        def change(kept: Record) -> None:
            kept.pop(_ALIASES, None)
            kept["PipelineVersionId"] = record["PipelineVersionId"]

        context.store.update(context.scope, "Pipeline", record["PipelineName"], change)


@hook("Pipeline", "deleted")
def _forget(context: Context, record: Record) -> None:
    for key, _ in context.store.scan(context.scope, VERSION, f"{record['PipelineName']}:"):
        context.store.delete(context.scope, VERSION, key)


@operation("DescribePipeline")
def describe_pipeline(context: Context, request: Record) -> Record:
    """The pipeline with the definition of the named version, or of the latest."""
    pipeline = pipeline_of(context, request["PipelineName"])
    described = kinds().by_name["Pipeline"].described
    answer = {member: value for member, value in pipeline.items() if member in described}
    version = choose(context, pipeline, request)
    answer["PipelineDefinition"] = version["PipelineDefinition"]
    return answer | {member: version[member] for member in _SHOWN if version.get(member)}


@operation("ListPipelineVersions")
def list_pipeline_versions(context: Context, request: Record) -> Record:
    """The versions, the latest first."""
    pipeline = pipeline_of(context, request["PipelineName"])
    wanted = {member: value for member, value in request.items() if member != "PipelineName"}
    wanted = {"SortBy": "CreationTime", "SortOrder": "Descending", **wanted}
    chosen, token = listing.page(
        load("sagemaker"), "ListPipelineVersions", wanted, versions_of(context, pipeline), "PipelineArn", None
    )
    shown = load("sagemaker").shapes["PipelineVersionSummary"]["members"]
    rows = [{member: value for member, value in record.items() if member in shown} for record in chosen]
    return {"PipelineVersionSummaries": rows, **({"NextToken": token} if token else {})}


@operation("UpdatePipelineVersion")
def update_pipeline_version(context: Context, request: Record) -> Record:
    """Change the display name, description or aliases of a version."""
    pipeline = pipeline_of(context, request["PipelineArn"])
    identifier: int = request["PipelineVersionId"]
    operations = request.get("PipelineVersionAliasOperations", {})
    added, removed = operations.get("Add", []), operations.get("Remove", [])
    with _lock:
        chosen = choose(context, pipeline, {"PipelineVersionId": identifier})
        others = {
            alias
            for version in versions_of(context, pipeline)
            if version["PipelineVersionId"] != identifier
            for alias in version.get(_ALIASES, [])
        }
        _check_aliases(added, others)
        missing = [alias for alias in removed if alias not in chosen.get(_ALIASES, [])]
        if missing:
            message = f"Version {identifier} does not have the aliases [{', '.join(missing)}]."
            raise ServiceError("ValidationException", message)
        kept = [alias for alias in chosen.get(_ALIASES, []) if alias not in removed]
        aliases = kept + [alias for alias in added if alias not in kept]
        if len(aliases) > _ALIAS_COUNT:
            raise ServiceError("ValidationException", f"A version has at most {_ALIAS_COUNT} aliases.")

        def change(record: Record) -> None:
            for member in ("PipelineVersionDisplayName", "PipelineVersionDescription"):
                if member in request:
                    record[member] = request[member]
            if operations:
                record[_ALIASES] = aliases

        context.store.update(context.scope, VERSION, _key(pipeline["PipelineName"], identifier), change)
    return {"PipelineArn": pipeline["PipelineArn"], "PipelineVersionId": identifier}
