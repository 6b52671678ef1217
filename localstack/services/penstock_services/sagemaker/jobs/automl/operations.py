"""The operations of Autopilot jobs. Both versions of the API share names, ARNs and records (API reference,
DescribeAutoMLJobV2: it tells of jobs of either version; DescribeAutoMLJob only of those of the first)."""

from __future__ import annotations

from typing import Any

from penstock_services.operations import Context, check, operation
from penstock_services.sagemaker import engine, page_tokens
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.jobs.automl.job import CANDIDATES, AutoMLJob
from penstock_services.sagemaker.jobs.automl.request import asked
from penstock_services.sagemaker.jobs.runner import QUEUE, Record, stop
from penstock_services.sagemaker.kinds import kinds

_KIND, _SECOND = "AutoMLJob", "AutoMLJobV2"
_SECOND_ONLY = "AutoMLProblemTypeConfig"
_PAGE = 10


@check("CreateAutoMLJob", "CreateAutoMLJobV2")
def _runnable(_context: Context, request: Record) -> None:
    asked(request)


@hook(_KIND, "prepare")
def _prepare(_context: Context, record: Record) -> None:
    record["AutoMLJobSecondaryStatus"] = "Starting"
    record[CANDIDATES] = []


@hook(_KIND, "created")
def _start(context: Context, record: Record) -> None:
    QUEUE.submit(record["AutoMLJobArn"], AutoMLJob(context, record))


@operation("CreateAutoMLJobV2")
def _create_second(context: Context, request: Record) -> Record:
    return engine.create(context, kinds().by_name[_KIND], "CreateAutoMLJobV2", request)


@operation("DescribeAutoMLJob")
def _describe(context: Context, request: Record) -> Record:
    kind = kinds().by_name[_KIND]
    key, record = engine.requested(context, kind, request)
    if _SECOND_ONLY in record:
        raise engine.problem(context, kind, key, exists=False)
    return engine.describe(kind, record)


@operation("DescribeAutoMLJobV2")
def _describe_second(context: Context, request: Record) -> Record:
    _, record = engine.requested(context, kinds().by_name[_KIND], request)
    return engine.describe(kinds().by_name[_SECOND], _as_second(record))


def _as_second(record: Record) -> Record:
    """A record with the members of the second version."""
    found = {**record, "AutoMLProblemTypeConfigName": "Tabular"}
    if _SECOND_ONLY not in record:
        common = record.get("AutoMLJobConfig", {})
        found |= {member: common[member] for member in ("DataSplitConfig", "SecurityConfig") if member in common}
        found["AutoMLJobInputDataConfig"] = [
            {member: value for member, value in channel.items() if not member.endswith("AttributeName")}
            for channel in record["InputDataConfig"]
        ]
        found[_SECOND_ONLY] = {"TabularJobConfig": _table(record, common)}
    if "ResolvedAttributes" in record:
        resolved = dict(record["ResolvedAttributes"])
        of_type = {"ProblemType": resolved.pop("ProblemType")}
        resolved["AutoMLProblemTypeResolvedAttributes"] = {"TabularResolvedAttributes": of_type}
        found["ResolvedAttributes"] = resolved
    return found


def _table(record: Record, common: Record) -> Record:
    """TabularJobConfig of a job of the first version."""
    found: Record = {member: common[member] for member in ("CompletionCriteria", "Mode") if member in common}
    algorithms = common.get("CandidateGenerationConfig", {}).get("AlgorithmsConfig")
    if algorithms is not None:
        found["CandidateGenerationConfig"] = {"AlgorithmsConfig": algorithms}
    for member in ("ProblemType", "GenerateCandidateDefinitionsOnly"):
        if member in record:
            found[member] = record[member]
    return {**found, "TargetAttributeName": record["InputDataConfig"][0]["TargetAttributeName"]}


@operation("StopAutoMLJob")
def _stop(context: Context, request: Record) -> Record:
    stop(context, _KIND, request["AutoMLJobName"])
    return {}


@operation("ListCandidatesForAutoMLJob")
def _list(context: Context, request: Record) -> Record:
    _, record = engine.find(context, _KIND, request["AutoMLJobName"])
    found: list[Record] = record[CANDIDATES]
    for member, filtered in (("StatusEquals", "CandidateStatus"), ("CandidateNameEquals", "CandidateName")):
        if member in request:
            found = [each for each in found if each[filtered] == request[member]]
    by = request.get("SortBy", "CreationTime")
    if by == "FinalObjectiveMetricValue":
        # Candidates without a value are not among those that are sorted by it.
        found = [each for each in found if "FinalAutoMLJobObjectiveMetric" in each]
    found = sorted(found, key=lambda each: _position(each, by), reverse=request.get("SortOrder") == "Descending")
    shown, more = page_tokens.page(found, request, _PAGE)
    return {"Candidates": shown, **more}


def _position(candidate: Record, by: str) -> Any:
    if by == "FinalObjectiveMetricValue":
        return candidate["FinalAutoMLJobObjectiveMetric"]["Value"]
    return candidate["CandidateStatus" if by == "Status" else "CreationTime"]
