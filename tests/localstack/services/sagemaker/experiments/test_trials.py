"""Experiments, trials and trial components (API reference of these operations)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.experiments import associate


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def experiment(sagemaker: Any) -> str:
    name = unique("experiment")
    sagemaker.create_experiment(ExperimentName=name)
    return name


@pytest.fixture
def trial(sagemaker: Any, experiment: str) -> str:
    name = unique("trial")
    sagemaker.create_trial(TrialName=name, ExperimentName=experiment)
    return name


@pytest.fixture
def component(sagemaker: Any) -> str:
    name = unique("component")
    sagemaker.create_trial_component(TrialComponentName=name)
    return name


def names(rows: list[Any], member: str) -> set[str]:
    return {row[member] for row in rows}


def test_what_is_not_named_for_display_shows_its_name(
    sagemaker: Any, experiment: str, trial: str, component: str
) -> None:
    assert sagemaker.describe_experiment(ExperimentName=experiment)["DisplayName"] == experiment
    assert sagemaker.describe_trial(TrialName=trial)["DisplayName"] == trial
    assert sagemaker.describe_trial_component(TrialComponentName=component)["DisplayName"] == component
    sagemaker.update_trial(TrialName=trial, DisplayName="shown")
    assert sagemaker.describe_trial(TrialName=trial)["DisplayName"] == "shown"


def test_names_are_unique_in_any_case(sagemaker: Any, experiment: str) -> None:
    """ "The name must be unique in your AWS account and is not case-sensitive." """
    with pytest.raises(ClientError, match="already exists"):
        sagemaker.create_experiment(ExperimentName=experiment.upper())
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.create_trial(TrialName=unique("t"), ExperimentName="never-made")


def test_components_of_trials(sagemaker: Any, experiment: str, trial: str, component: str) -> None:
    other = unique("trial")
    sagemaker.create_trial(TrialName=other, ExperimentName=experiment)
    for name in (trial, other, trial):
        answer = sagemaker.associate_trial_component(TrialComponentName=component, TrialName=name)
        assert answer["TrialComponentArn"].endswith(f":experiment-trial-component/{component}")
    assert names(sagemaker.list_trials(TrialComponentName=component)["TrialSummaries"], "TrialName") == {trial, other}
    assert names(sagemaker.list_trials(ExperimentName=experiment)["TrialSummaries"], "TrialName") == {trial, other}

    def listed(**filters: str) -> set[str]:
        found = sagemaker.list_trial_components(**filters)["TrialComponentSummaries"]
        return names(found, "TrialComponentName")

    assert listed(TrialName=trial) == {component}
    assert listed(ExperimentName=experiment) == {component}
    assert component in listed(), "the newest are first"
    with pytest.raises(ClientError, match="Only one of"):
        listed(TrialName=trial, ExperimentName=experiment)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        listed(TrialName="never-made")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.list_trials(ExperimentName="never-made")


def test_deletes_go_from_the_inside_out(sagemaker: Any, experiment: str, trial: str, component: str) -> None:
    sagemaker.associate_trial_component(TrialComponentName=component, TrialName=trial)
    with pytest.raises(ClientError, match="it still has trials"):
        sagemaker.delete_experiment(ExperimentName=experiment)
    with pytest.raises(ClientError, match="it still has trial components"):
        sagemaker.delete_trial(TrialName=trial)
    with pytest.raises(ClientError, match="still associated with trials"):
        sagemaker.delete_trial_component(TrialComponentName=component)
    sagemaker.disassociate_trial_component(TrialComponentName=component, TrialName=trial)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.disassociate_trial_component(TrialComponentName=component, TrialName=trial)
    sagemaker.delete_trial_component(TrialComponentName=component)
    sagemaker.delete_trial(TrialName=trial)
    sagemaker.delete_experiment(ExperimentName=experiment)


def test_updates_add_replace_and_remove_entries(sagemaker: Any, component: str) -> None:
    """ "Replaces all of the component's hyperparameters with the specified hyperparameters or add new hyperparameters." """
    sagemaker.update_trial_component(
        TrialComponentName=component,
        Status={"PrimaryStatus": "InProgress"},
        Parameters={"depth": {"NumberValue": 3}, "booster": {"StringValue": "gbtree"}, "old": {"NumberValue": 1}},
        InputArtifacts={"train": {"Value": "s3://bucket/train"}},
    )
    sagemaker.update_trial_component(
        TrialComponentName=component,
        Parameters={"depth": {"StringValue": "deep"}},
        ParametersToRemove=["old", "never"],
        InputArtifacts={"test": {"Value": "s3://bucket/test", "MediaType": "text/csv"}},
        InputArtifactsToRemove=["train"],
        OutputArtifacts={"model": {"Value": "s3://bucket/model"}},
    )
    described = sagemaker.describe_trial_component(TrialComponentName=component)
    assert described["Parameters"] == {"depth": {"StringValue": "deep"}, "booster": {"StringValue": "gbtree"}}
    assert described["InputArtifacts"] == {"test": {"Value": "s3://bucket/test", "MediaType": "text/csv"}}
    assert described["OutputArtifacts"] == {"model": {"Value": "s3://bucket/model"}}
    assert described["Status"] == {"PrimaryStatus": "InProgress"}
    assert "Metrics" not in described, "there are none"


def test_a_job_needs_the_experiment_that_it_names(sagemaker: Any, experiment: str, trial: str) -> None:
    """ExperimentConfig: "the name of an existing experiment", "an existing trial"."""
    other = unique("experiment")
    sagemaker.create_experiment(ExperimentName=other)
    job = {
        "ProcessingJobName": unique("job"),
        "RoleArn": "arn:aws:iam::000000000000:role/training",
        "AppSpecification": {"ImageUri": "none"},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
    }
    for config, text in (
        ({"ExperimentName": "never-made"}, "ResourceNotFound"),
        ({"TrialName": "never-made"}, "ResourceNotFound"),
        ({"ExperimentName": other, "TrialName": trial}, "is not part of experiment"),
    ):
        with pytest.raises(ClientError, match=text):
            sagemaker.create_processing_job(**job, ExperimentConfig=config)
    with pytest.raises(ClientError, match="Could not find"):
        sagemaker.describe_processing_job(ProcessingJobName=job["ProcessingJobName"])


def test_the_runs_of_a_job(sagemaker: Any, experiment: str, trial: str, component: str) -> None:
    """A job whose image is not there fails, and its trial component says so; RunName adds the job to a run."""
    name = unique("job")
    arn = sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn="arn:aws:iam::000000000000:role/training",
        AppSpecification={"ImageUri": "nowhere/none:v1"},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
        ExperimentConfig={"ExperimentName": experiment, "TrialName": trial, "RunName": component},
    )["ProcessingJobArn"]
    source = {"SourceArn": arn, "SourceType": "SageMakerProcessingJob"}
    assert sagemaker.describe_trial_component(TrialComponentName=component)["Sources"] == [source]
    own = f"{name}-aws-processing-job"
    listed = sagemaker.list_trial_components(TrialName=trial)["TrialComponentSummaries"]
    assert names(listed, "TrialComponentName") == {own, component}
    for _ in range(200):
        status = sagemaker.describe_trial_component(TrialComponentName=own)["Status"]
        if status["PrimaryStatus"] != "InProgress":
            break
    assert status["PrimaryStatus"] == "Failed"
    assert status["Message"].startswith("Status: Failed, exit message: null, failure reason: ClientError")


def test_what_a_pipeline_execution_does(control_plane: Any) -> None:
    """``associate``: what a PipelineExperimentConfig names is made if it is not there."""
    plane = control_plane
    context = plane.context()
    config = associate(context, experiment="pipeline", trial="execution-1")
    assert config == {"ExperimentName": "pipeline", "TrialName": "execution-1"}
    assert associate(context, experiment="pipeline", trial="execution-1") == config
    plane.call("CreateTrialComponent", TrialComponentName="step")
    associate(context, experiment="pipeline", trial="execution-2", component="step")
    (row,) = plane.call("ListTrials", TrialComponentName="step")["TrialSummaries"]
    assert row["TrialName"] == "execution-2"
    with pytest.raises(ServiceError, match="is not part of experiment"):
        associate(context, experiment="other", trial="execution-1")
