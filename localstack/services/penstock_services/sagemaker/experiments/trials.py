"""Which trial components belong to which trials, and what that means for lists and deletes.

Source: the API reference of AssociateTrialComponent, DisassociateTrialComponent, DeleteTrial, DeleteTrialComponent,
ListTrials, ListTrialComponents and ExperimentConfig.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, check, operation
from penstock_services.sagemaker import listing
from penstock_services.sagemaker.engine import find, now
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.index import index
from penstock_services.sagemaker.kinds import Kind, kinds
from penstock_services.sagemaker.model import load
from penstock_services.store import Columns, Where

Record = dict[str, Any]
_MEMBER = "TrialMember"


def _columns(pair: Record) -> Columns:
    """A membership is found by its trial and by its component."""
    return Columns(name=pair["Trial"], parent=pair["TrialComponent"], created=pair["CreationTime"])


index(_MEMBER, _columns)


def associate(context: Context, *, experiment: str, trial: str, component: str | None = None) -> dict[str, str]:
    """Make the experiment and the trial where they are not there, and put ``component`` (a trial component's name) into
    the trial; the ``ExperimentConfig`` that puts a job there too.

    This is what a pipeline execution does with its ``PipelineExperimentConfig``: what it names is created if it does not
    exist (https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-experiments.html). Raises ServiceError for a name
    that is not allowed, a trial of another experiment, and a component that is not there.
    """
    _ensure(context, "Experiment", experiment, {"ExperimentName": experiment})
    _ensure(context, "Trial", trial, {"TrialName": trial, "ExperimentName": experiment})
    agree(context, experiment, trial)
    if component is not None:
        join(context, component, trial)
    return {"ExperimentName": experiment, "TrialName": trial}


def _ensure(context: Context, kind: str, name: str, request: Record) -> None:
    """Create a resource unless it is there; a Create at the same moment by somebody else is as good."""
    try:
        find(context, kind, name)
    except ServiceError:
        try:
            context.call(f"Create{kind}", request)
        except ServiceError:
            find(context, kind, name)


def agree(context: Context, experiment: str, trial: str) -> None:
    """Refuse a trial that belongs to another experiment."""
    _, record = find(context, "Trial", trial)
    key, _ = find(context, "Experiment", experiment)
    if not _part_of(record, key):
        message = f"Trial '{trial}' is not part of experiment '{experiment}'."
        raise ServiceError("ValidationException", message)


def _part_of(trial: Record, experiment: str) -> bool:
    """Whether a trial is of the experiment with that key; names are "not case-sensitive"."""
    name: str = trial["ExperimentName"]
    return name.lower() == experiment.lower()


def join(context: Context, component: str, trial: str) -> tuple[Record, Record]:
    """Put a trial component into a trial (again is the same); the records of both."""
    component_key, component_record = find(context, "TrialComponent", component)
    trial_key, trial_record = find(context, "Trial", trial)
    pair = {"Trial": trial_key, "TrialComponent": component_key, "CreationTime": now()}
    context.store.insert(context.scope, _MEMBER, f"{trial_key}/{component_key}", pair)
    return component_record, trial_record


def components_of(context: Context, trial: str) -> list[str]:
    """The keys of the trial components in a trial, by the trial's key."""
    found = context.store.select(context.scope, _MEMBER, [Where("name", "=", trial)])
    return [row.record["TrialComponent"] for row in found]


def trials_of(context: Context, component: str) -> list[str]:
    """The keys of the trials that a trial component is in, by its key."""
    found = context.store.select(context.scope, _MEMBER, [Where("parent", "=", component)])
    return [row.record["Trial"] for row in found]


@operation("AssociateTrialComponent", "record")
def _associate(context: Context, request: Record) -> Record:
    component, trial = join(context, request["TrialComponentName"], request["TrialName"])
    return {"TrialComponentArn": component["TrialComponentArn"], "TrialArn": trial["TrialArn"]}


@operation("DisassociateTrialComponent", "record")
def _disassociate(context: Context, request: Record) -> Record:
    component_key, component = find(context, "TrialComponent", request["TrialComponentName"])
    trial_key, trial = find(context, "Trial", request["TrialName"])
    if not context.store.delete(context.scope, _MEMBER, f"{trial_key}/{component_key}"):
        message = f"Trial component '{component_key}' is not associated with trial '{trial_key}'."
        raise ServiceError("ResourceNotFound", message)
    return {"TrialComponentArn": component["TrialComponentArn"], "TrialArn": trial["TrialArn"]}


@check("DeleteTrial")
def _empty(context: Context, request: Record) -> None:
    """ "All trial components that make up the trial must be deleted first.\""""
    key, _ = find(context, "Trial", request["TrialName"])
    if components_of(context, key):
        message = f"Trial '{key}' can't be deleted: it still has trial components."
        raise ServiceError("ValidationException", message)


@check("DeleteTrialComponent")
def _free(context: Context, request: Record) -> None:
    """ "A trial component must be disassociated from all trials before the trial component can be deleted.\""""
    key, _ = find(context, "TrialComponent", request["TrialComponentName"])
    if trials_of(context, key):
        message = f"Trial component '{key}' can't be deleted: it is still associated with trials."
        raise ServiceError("ValidationException", message)


@hook("Experiment", "prepare")
@hook("Trial", "prepare")
def _shown(_context: Context, record: Record) -> None:
    """ "If DisplayName isn't specified, TrialName is displayed.\""""
    record.setdefault("DisplayName", record["TrialName" if "TrialName" in record else "ExperimentName"])


@operation("ListTrials", "record")
def _list_trials(context: Context, request: Record) -> Record:
    asked = dict(request)
    component = asked.pop("TrialComponentName", None)
    if "ExperimentName" in asked:
        asked["ExperimentName"] = find(context, "Experiment", asked["ExperimentName"])[0]
    if component is None:
        return _rows(context, "Trial", asked)
    key, _ = find(context, "TrialComponent", component)
    return _page(context, "Trial", asked, trials_of(context, key))


@operation("ListTrialComponents", "record")
def _list_components(context: Context, request: Record) -> Record:
    asked = dict(request)
    names = ("ExperimentName", "TrialName", "SourceArn")
    filters: Record = {member: asked.pop(member) for member in names if member in asked}
    if len(filters) > 1:
        message = f"Only one of ExperimentName, TrialName and SourceArn can be given, not {' and '.join(filters)}."
        raise ServiceError("ValidationException", message)
    if "TrialName" in filters:
        key, _ = find(context, "Trial", filters["TrialName"])
        return _page(context, "TrialComponent", asked, components_of(context, key))
    if "ExperimentName" in filters:
        key, _ = find(context, "Experiment", filters["ExperimentName"])
        found = context.store.select(context.scope, "Trial", [Where("parent", "=", key)])
        members = {component: None for row in found for component in components_of(context, row.key)}
        return _page(context, "TrialComponent", asked, list(members))
    where = [Where("parent", "=", filters["SourceArn"])] if "SourceArn" in filters else []
    return _rows(context, "TrialComponent", asked, where)


def _rows(context: Context, kind_name: str, request: Record, where: Sequence[Where] = ()) -> Record:
    """A page of a kind's List, as the engine answers it."""
    kind = kinds().by_name[kind_name]
    found, token = listing.rows(context, kind, f"List{kind_name}s", request, where)
    return _answer(kind, found, token)


def _page(context: Context, kind_name: str, request: Record, keys: list[str]) -> Record:
    """A page of the records under ``keys``."""
    kind = kinds().by_name[kind_name]
    records = [record for key in keys if (record := context.store.get(context.scope, kind_name, key)) is not None]
    model = load("sagemaker")
    found, token = listing.page(model, f"List{kind_name}s", request, records, kind.name_member, kind.status_member)
    return _answer(kind, found, token)


def _answer(kind: Kind, records: list[Record], token: str | None) -> Record:
    rows = [listing.summarize(kind, record) for record in records]
    return {kind.list_member: rows, **({"NextToken": token} if token else {})}
