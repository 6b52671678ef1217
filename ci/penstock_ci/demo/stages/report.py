"""Stage 12: what the report shows beside the stages: the pipeline, the versions, the resources with their state."""

from __future__ import annotations

import json
from typing import Any

from penstock_ci.demo.session import Facts, Session
from penstock_ci.demo.settings import MODEL


def run(session: Session) -> Facts:
    """Gather it; the page is written when the run's record is whole."""
    findings = session.findings
    findings["definition"] = json.loads((session.settings.repository / "pipeline.json").read_text(encoding="utf-8"))
    status = session.in_repository("status")
    versions = status["models"][0]["versions"]
    findings["versions"] = [_version(session, entry) for entry in sorted(versions, key=lambda entry: entry["version"])]
    findings["resources"] = _resources(session)
    return {
        "versions": len(versions),
        "resources": len(findings["resources"]),
        "page": str(session.settings.report.relative_to(session.settings.checkout))
        if session.settings.report.is_relative_to(session.settings.checkout)
        else str(session.settings.report),
    }


def _version(session: Session, entry: dict[str, Any]) -> dict[str, Any]:
    from penstock_ci.demo.stages.merge import registered

    metadata = registered(session, entry["version"]).get("CustomerMetadataProperties", {})
    return {
        "version": entry["version"],
        "status": entry["approval"] + (", live" if entry.get("live") else ""),
        "metrics": entry["metrics"],
        "trained": f"{metadata.get('train_from', '')} to {metadata.get('train_to', '')}",
        "evaluated": f"{metadata.get('evaluate_from', '')} to {metadata.get('evaluate_to', '')}",
        "git_commit": metadata.get("git_commit", ""),
        "data_version": metadata.get("data_version", ""),
        "image": metadata.get("image_uri", ""),
    }


def _resources(session: Session) -> list[dict[str, str]]:
    """Every resource of every stack, and the state of those that have one of their own."""
    from penstock_ci.projects import Project, platform
    from penstock_ci.stacks import open_stack
    from penstock_ci.target import Target

    target = Target("local", "local", session.environment(), session.variables["AWS_REGION"])
    states = _states(session)
    found = []
    for project in [*platform(), Project(MODEL, session.settings.repository / "infra")]:
        for resource in open_stack(project, target).resources():
            kind = str(resource["type"])
            if kind.startswith(("pulumi:", "penstock:")):
                continue
            name = str(resource.get("name") or str(resource["urn"]).rsplit("::", 1)[-1])
            identifier = str(resource.get("id", ""))
            state = states.get((kind.split(":")[-1], identifier)) or states.get((kind.split(":")[-1], name)) or "up"
            found.append({"project": project.name, "type": kind, "name": name, "state": state})
    return found


def _states(session: Session) -> dict[tuple[str, str], str]:
    """(kind, name) -> state, as the services say it."""
    sagemaker, cloudwatch = session.client("sagemaker"), session.client("cloudwatch")
    found: dict[tuple[str, str], str] = {}
    for endpoint in sagemaker.list_endpoints()["Endpoints"]:
        found["Endpoint", endpoint["EndpointName"]] = endpoint["EndpointStatus"]
    for group in sagemaker.list_feature_groups()["FeatureGroupSummaries"]:
        found["FeatureGroup", group["FeatureGroupName"]] = group["FeatureGroupStatus"]
    for alarm in cloudwatch.describe_alarms()["MetricAlarms"]:
        found["MetricAlarm", alarm["AlarmName"]] = alarm["StateValue"]
    return found
