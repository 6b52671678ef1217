"""Monitoring: definitions are metadata, schedules run processing jobs."""

from __future__ import annotations

from penstock_services.sagemaker.overlay.entry import Overlay, in_use, not_found


def _definition(monitored: str, arn_type: str) -> Overlay:
    return Overlay(
        arn_type,
        missing=not_found("Job definition {name} does not exist."),
        exists=in_use("Job definition {arn} already exists."),
        summary={
            "MonitoringJobDefinitionName": "JobDefinitionName",
            "MonitoringJobDefinitionArn": "JobDefinitionArn",
            "EndpointName": f"{monitored}JobInput.EndpointInput.EndpointName",
        },
        why="settings of a monitoring job",
    )


KINDS: dict[str, Overlay] = {
    "DataQualityJobDefinition": _definition("DataQuality", "data-quality-job-definition"),
    "ModelQualityJobDefinition": _definition("ModelQuality", "model-quality-job-definition"),
    "ModelBiasJobDefinition": _definition("ModelBias", "model-bias-job-definition"),
    "ModelExplainabilityJobDefinition": _definition("ModelExplainability", "model-explainability-job-definition"),
    "MonitoringSchedule": Overlay(
        "monitoring-schedule",
        missing=not_found("MonitoringSchedule {arn} does not exist."),
        exists=in_use("MonitoringSchedule {arn} already exists."),
        initial="Pending",
        settled="Scheduled",
        answers="real",
        summary={"MonitoringJobDefinitionName": "MonitoringScheduleConfig.MonitoringJobDefinitionName"},
        why="runs processing jobs by the clock",
    ),
}
