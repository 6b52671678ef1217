"""Trial components: updates that add and remove entries, and the summaries of their metrics.

Source: the API reference of UpdateTrialComponent and DescribeTrialComponent.
"""

from __future__ import annotations

from typing import Any

from penstock_services.operations import Context, operation
from penstock_services.sagemaker.engine import find, now
from penstock_services.sagemaker.experiments import metrics
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.index import index
from penstock_services.sagemaker.model import load
from penstock_services.store import Columns

Record = dict[str, Any]
KIND = "TrialComponent"
_MAPS = ("Parameters", "InputArtifacts", "OutputArtifacts")
_PLAIN = ("DisplayName", "Status", "StartTime", "EndTime")
LIMITS = {"Parameters": 300, "InputArtifacts": 60, "OutputArtifacts": 60}


def _columns(record: Record) -> Columns:
    """A trial component is found by what it stands for: the ARN of its source is its parent."""
    return Columns(
        record["TrialComponentName"],
        record.get("Status", {}).get("PrimaryStatus", ""),
        record["CreationTime"],
        record["LastModifiedTime"],
        record.get("Source", {}).get("SourceArn", ""),
    )


index(KIND, _columns)


def described(context: Context, record: Record) -> Record:
    """A trial component as DescribeTrialComponent answers it, with summaries of its metrics."""
    members = load("sagemaker").outputs("DescribeTrialComponent")
    answer = {member: value for member, value in record.items() if member in members}
    summaries = metrics.summaries(context, record)
    if summaries:
        answer["Metrics"] = summaries
    return answer


@hook(KIND, "prepare")
def _shown(_context: Context, record: Record) -> None:
    """ "If DisplayName isn't specified, TrialComponentName is displayed.\""""
    record.setdefault("DisplayName", record["TrialComponentName"])


@hook(KIND, "deleted")
def _forgotten(context: Context, record: Record) -> None:
    metrics.forget(context, record)


@operation("DescribeTrialComponent", "record")
def _describe(context: Context, request: Record) -> Record:
    _, record = find(context, KIND, request["TrialComponentName"])
    return described(context, record)


@operation("UpdateTrialComponent", "record")
def _update(context: Context, request: Record) -> Record:
    key, _ = find(context, KIND, request["TrialComponentName"])

    def change(record: Record) -> None:
        apply(record, request)

    record = context.store.update(context.scope, KIND, key, change)
    if record is None:
        find(context, KIND, request["TrialComponentName"])
        return {}
    return {"TrialComponentArn": record["TrialComponentArn"]}


def apply(record: Record, changes: Record) -> None:
    """Make the changes of an UpdateTrialComponent: entries are replaced or added, then removed."""
    for member in _PLAIN:
        if member in changes:
            record[member] = changes[member]
    for member in _MAPS:
        if member in changes or f"{member}ToRemove" in changes:
            entries = {**record.get(member, {}), **changes.get(member, {})}
            for key in changes.get(f"{member}ToRemove", []):
                entries.pop(key, None)
            record[member] = dict(list(entries.items())[: LIMITS[member]])
    record["LastModifiedTime"] = now()
