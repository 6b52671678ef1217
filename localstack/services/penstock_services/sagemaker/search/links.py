"""What is searched beside a resource's own members: parents of trial components, parameters of executions."""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.experiments.metrics import summaries
from penstock_services.sagemaker.experiments.trials import components_of, trials_of
from penstock_services.sagemaker.search.resources import searched

Record = dict[str, Any]


@searched("ExperimentTrialComponent")
def _parents(context: Context, record: Record) -> Record:
    parents = []
    for name in trials_of(context, record["TrialComponentName"]):
        trial = context.store.get(context.scope, "Trial", name)
        if trial is not None:
            parents.append({"TrialName": trial["TrialName"], "ExperimentName": trial["ExperimentName"]})
    values = summaries(context, record)
    return {**({"Parents": parents} if parents else {}), **({"Metrics": values} if values else {})}


@searched("ExperimentTrial")
def _components(context: Context, record: Record) -> Record:
    found = []
    for name in components_of(context, record["TrialName"]):
        component = context.store.get(context.scope, "TrialComponent", name)
        if component is not None:
            members = ("TrialComponentName", "TrialComponentArn", "CreationTime", "CreatedBy")
            found.append({member: component[member] for member in members if member in component})
    return {"TrialComponentSummaries": found} if found else {}


@searched("PipelineExecution")
def _parameters(context: Context, record: Record) -> Record:
    request = {"PipelineExecutionArn": record["PipelineExecutionArn"]}
    try:
        found = context.call("ListPipelineParametersForExecution", request)
    except ServiceError:
        return {}
    return {"PipelineParameters": found["PipelineParameters"]} if found.get("PipelineParameters") else {}
