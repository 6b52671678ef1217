"""An AutoML step of a pipeline, and a model step that takes the best candidate, as the SDK writes them."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from tests.localstack.services.sagemaker.automl.jobs import ROLE, customers, first, put_csv
from tests.localstack.services.waiting import until

pytestmark = [pytest.mark.cloud, pytest.mark.slow]


def test_a_step_makes_a_model_of_the_best_candidate(serving: Any) -> None:
    sagemaker = serving.client()
    arguments = first(put_csv(serving, "automl/pipeline.csv", customers(600, 1)))
    del arguments["AutoMLJobName"]
    container = "Steps.Search.BestCandidate.InferenceContainers[0]"
    members = ("Image", "ModelDataUrl", "Environment")
    steps = [
        {"Name": "Search", "Type": "AutoML", "Arguments": arguments},
        {
            "Name": "Best",
            "Type": "Model",
            "Arguments": {
                "ExecutionRoleArn": ROLE,
                "PrimaryContainer": {member: {"Get": f"{container}.{member}"} for member in members},
            },
        },
    ]
    name = f"search-{uuid.uuid4().hex[:8]}"
    definition = json.dumps({"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": steps})
    sagemaker.create_pipeline(
        PipelineName=name, PipelineDefinition=definition, RoleArn=ROLE, ClientRequestToken="a" * 32
    )
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    until(
        lambda: sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"],
        lambda status: status not in ("Executing", "Stopping"),
        240,
    )
    ran = {
        step["StepName"]: step
        for step in sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    }
    assert {step: each["StepStatus"] for step, each in ran.items()} == {"Search": "Succeeded", "Best": "Succeeded"}, ran
    job = sagemaker.describe_auto_ml_job(AutoMLJobName=ran["Search"]["Metadata"]["AutoMLJob"]["Arn"].rsplit("/", 1)[1])
    model = sagemaker.describe_model(ModelName=ran["Best"]["Metadata"]["Model"]["Arn"].rsplit("/", 1)[1])
    (best,) = job["BestCandidate"]["InferenceContainers"]
    assert {member: model["PrimaryContainer"][member] for member in members} == best
