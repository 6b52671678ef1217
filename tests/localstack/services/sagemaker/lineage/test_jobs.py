"""What the lineage of each kind of job holds, and what a killed process leaves for the next.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/lineage-tracking-auto-creation.html, "Tracking Entities for
SageMaker AI Jobs".
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from penstock_services.sagemaker import hooks
from penstock_services.sagemaker.lineage import jobs

ARN = "arn:aws:sagemaker:us-east-1:000000000000:"


def processing(status: str = "InProgress") -> dict[str, Any]:
    name = f"prepare-{uuid.uuid4().hex[:8]}"
    return {
        "ProcessingJobName": name,
        "ProcessingJobArn": f"{ARN}processing-job/{name}",
        "ProcessingJobStatus": status,
        "CreationTime": 1.0,
        "AppSpecification": {"ImageUri": "image:p"},
        "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large"}},
        "ProcessingInputs": [
            {"InputName": "raw", "S3Input": {"S3Uri": f"s3://b/{name}/raw", "LocalPath": "/opt/ml/processing/raw"}},
            {"InputName": "other", "DatasetDefinition": {}},
        ],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "clean", "S3Output": {"S3Uri": f"s3://b/{name}/clean"}}]},
    }


def graph(plane: Any, name: str) -> tuple[set[str], set[str]]:
    """Where what went into the trial component of that name lies, and what came out of it."""
    arn = plane.call("DescribeTrialComponent", TrialComponentName=name)["TrialComponentArn"]

    def sources(**filters: str) -> set[str]:
        found = plane.call("ListAssociations", MaxResults=100, **filters)["AssociationSummaries"]
        end = "SourceArn" if "DestinationArn" in filters else "DestinationArn"
        return {plane.call("DescribeArtifact", ArtifactArn=each[end])["Source"]["SourceUri"] for each in found}

    return sources(DestinationArn=arn), sources(SourceArn=arn)


def test_processing_jobs(control_plane: Any) -> None:
    context, job = control_plane.context(), processing()
    name = job["ProcessingJobName"]
    jobs.began(context, "ProcessingJob", job)
    jobs.ended(context, "ProcessingJob", job)
    component = f"{name}-aws-processing-job"
    assert graph(control_plane, component) == ({"image:p", f"s3://b/{name}/raw"}, set()), (
        "nothing before it is completed"
    )
    jobs.ended(context, "ProcessingJob", {**job, "ProcessingJobStatus": "Failed"})
    assert graph(control_plane, component)[1] == set()
    jobs.ended(context, "ProcessingJob", {**job, "ProcessingJobStatus": "Completed"})
    assert graph(control_plane, component)[1] == {f"s3://b/{name}/clean"}
    described = control_plane.call("DescribeTrialComponent", TrialComponentName=component)
    assert described["InputArtifacts"] == {"raw": {"Value": f"s3://b/{name}/raw"}}
    assert described["Source"]["SourceType"] == "SageMakerProcessingJob"


def test_transform_jobs(control_plane: Any) -> None:
    context, name = control_plane.context(), f"score-{uuid.uuid4().hex[:8]}"
    container = {"Image": "image:t", "ModelDataUrl": f"s3://b/{name}/model.tar.gz"}
    role = "arn:aws:iam::000000000000:role/training"
    control_plane.call("CreateModel", ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    job = {
        "TransformJobName": name,
        "TransformJobArn": f"{ARN}transform-job/{name}",
        "TransformJobStatus": "Completed",
        "ModelName": name,
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://b/{name}/in"}}},
        "TransformOutput": {"S3OutputPath": f"s3://b/{name}/out"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    jobs.began(context, "TransformJob", job)
    jobs.ended(context, "TransformJob", job)
    given, made = graph(control_plane, f"{name}-aws-transform-job")
    assert given == {"image:t", f"s3://b/{name}/model.tar.gz", f"s3://b/{name}/in"}
    assert made == {f"s3://b/{name}/out"}


def test_what_a_killed_process_left_is_recorded_at_the_next_start(control_plane: Any) -> None:
    context, job = control_plane.context(), processing()
    name = job["ProcessingJobName"]
    hooks.run("ProcessingJob", "prepare", context, job)
    # Here the process was killed; the job is stored, its lineage is not.
    context.store.put(context.scope, "ProcessingJob", name, {**job, "ProcessingJobStatus": "Completed"})
    jobs._catch_up(lambda scope: control_plane.context(scope))
    component = f"{name}-aws-processing-job"
    assert graph(control_plane, component)[1] == {f"s3://b/{name}/clean"}
    status = control_plane.call("DescribeTrialComponent", TrialComponentName=component)["Status"]
    assert status["PrimaryStatus"] == "Completed"
    # What a user deletes afterwards does not come back.
    control_plane.call("DeleteTrialComponent", TrialComponentName=component)
    jobs._catch_up(lambda scope: control_plane.context(scope))
    assert control_plane.call("ListTrialComponents", SourceArn=job["ProcessingJobArn"])["TrialComponentSummaries"] == []


def test_lineage_never_makes_a_job_fail(control_plane: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        message = "the disk is full"
        raise OSError(message)

    context, job = control_plane.context(), processing("Completed")
    monkeypatch.setattr("penstock_services.sagemaker.lineage.jobs.link", broken)
    monkeypatch.setattr("penstock_services.sagemaker.experiments.jobs.component_of", broken)
    hooks.run("ProcessingJob", "updated", context, job)
