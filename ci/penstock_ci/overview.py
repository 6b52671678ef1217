"""What there is: stacks with their resources, and of a model its latest execution, versions and endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock_ci import executions, registry, releases
from penstock_ci.errors import explain
from penstock_ci.projects import Project, platform
from penstock_ci.stacks import open_stack

if TYPE_CHECKING:
    from penstock_ci.repository import Repository
    from penstock_ci.target import Target


def stacks(target: Target, repository: Repository | None) -> list[dict[str, Any]]:
    """Each project's number of resources and state: up, not up, or what is wrong with reading it."""
    chosen = platform()
    if repository is not None and (repository.infrastructure / "Pulumi.yaml").is_file():
        chosen = [*chosen, Project("infra", repository.infrastructure)]
    found = []
    for project in chosen:
        try:
            count = len(
                [entry for entry in open_stack(project, target).resources() if not _is_structure(entry["type"])]
            )
        except Exception as error:
            explained = explain(error)
            if explained is None:
                raise
            found.append({"project": project.name, "resources": 0, "state": explained.message})
            continue
        found.append({"project": project.name, "resources": count, "state": "up" if count else "not up"})
    return found


def _is_structure(type_: str) -> bool:
    """Stacks, providers and components are not resources of the cloud."""
    return type_.startswith(("pulumi:pulumi:Stack", "pulumi:providers:", "penstock:"))


def of_model(target: Target, model: str) -> dict[str, Any]:
    """Latest execution, endpoint and versions of a model."""
    versions = registry.versions(target, model)
    live = releases.live(target, model)
    return {
        "model": model,
        "execution": _execution(target, model),
        "endpoint": _endpoint(target, model, live, releases.challenger(target, model)),
        "versions": [
            version.summary() | {"live": version.arn == live, "metrics": _metrics(target, version)}
            for version in versions
        ],
    }


def _execution(target: Target, model: str) -> dict[str, Any] | None:
    arn = executions.latest(target, target.model_name(model))
    if arn is None:
        return None
    execution = executions.describe(target, arn)
    return {
        "id": execution.name,
        "arn": arn,
        "status": execution.status,
        "failure": execution.failure,
        "started": execution.started.isoformat(timespec="seconds") if execution.started else "",
        "seconds": execution.seconds,
        "steps": [step.summary() for step in execution.steps],
    }


def _endpoint(target: Target, model: str, live: str, challenger: str) -> dict[str, Any]:
    """The model's endpoint: of its name, or the one of their own that serverless and asynchronous ones have."""
    name, status = target.model_name(model), "none"
    for candidate in (name, f"{name}-serverless", f"{name}-async"):
        if found := _status(target, candidate):
            name, status = candidate, found
            break
    return {
        "name": name,
        "status": status,
        "model_package_arn": live or None,
        "version": int(live.rsplit("/", 1)[-1]) if live else None,
        "challenger": int(challenger.rsplit("/", 1)[-1]) if challenger else None,
    }


def _status(target: Target, endpoint: str) -> str:
    """An endpoint's status; empty when there is none of the name."""
    client = target.client("sagemaker")
    try:
        return str(client.describe_endpoint(EndpointName=endpoint)["EndpointStatus"])
    except client.exceptions.ClientError as error:
        if "could not find" not in str(error).lower():
            raise
        return ""


def _metrics(target: Target, version: registry.Version) -> dict[str, float]:
    """The version's numbers; empty when its evaluation cannot be read (status shows the rest all the same)."""
    from penstock_ci.errors import Failure

    try:
        return registry.metrics(target, version)
    except Failure:
        return {}
