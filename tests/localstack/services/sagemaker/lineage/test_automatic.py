"""Lineage that comes by itself: a real training job, a registered package, a deployed endpoint.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/lineage-tracking-auto-creation.html
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from tests.localstack.services.waiting import until

pytestmark = pytest.mark.cloud

ROLE = "arn:aws:iam::000000000000:role/training"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:v1"

TRAIN = """
import os
base = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
print("loss=0.25;", flush=True)
with open(f"{base}/model/model.txt", "w") as file:
    file.write("trained")
"""


@pytest.fixture(scope="module")
def sagemaker(serving: Any) -> Any:
    serving.image(train=TRAIN)
    serving.aws("s3").put_object(Bucket="job-data", Key="lineage/train/a.csv", Body=b"1,2")
    return serving.client()


@pytest.fixture(scope="module")
def job(sagemaker: Any) -> Any:
    name = f"train-{uuid.uuid4().hex[:8]}"
    sagemaker.create_experiment(ExperimentName=f"experiment-{name}")
    sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=ROLE,
        AlgorithmSpecification={
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": r"loss=([0-9.]+);"}],
        },
        HyperParameters={"depth": "6", "booster": "gbtree"},
        InputDataConfig=[
            {
                "ChannelName": "train",
                "ContentType": "text/csv",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://job-data/lineage/train"}},
            }
        ],
        OutputDataConfig={"S3OutputPath": "s3://job-data/lineage/models"},
        ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
        ExperimentConfig={"ExperimentName": f"experiment-{name}", "TrialComponentDisplayName": "shown"},
    )

    def ended() -> Any:
        described = sagemaker.describe_training_job(TrainingJobName=name)
        return described if described["TrainingJobStatus"] not in ("InProgress", "Stopping") else None

    described = until(ended)
    assert described["TrainingJobStatus"] == "Completed", described
    return described


@pytest.fixture(scope="module")
def component(sagemaker: Any, job: Any) -> Any:
    def ended() -> Any:
        (summary,) = sagemaker.list_trial_components(SourceArn=job["TrainingJobArn"])["TrialComponentSummaries"]
        return summary if summary["Status"]["PrimaryStatus"] == "Completed" else None

    return sagemaker.describe_trial_component(TrialComponentName=until(ended)["TrialComponentName"])


@pytest.fixture(scope="module")
def package(sagemaker: Any, component: Any, job: Any) -> str:
    group = f"group-{uuid.uuid4().hex[:8]}"
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    container = {"Image": IMAGE, "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]}
    answer = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        MetadataProperties={"GeneratedBy": "arn:aws:sagemaker:us-east-1:000000000000:pipeline/p/execution/abc"},
    )
    return str(answer["ModelPackageArn"])


def only(found: list[Any]) -> Any:
    assert len(found) == 1, found
    return found[0]


def artifact_of(sagemaker: Any, uri: str) -> str:
    return str(only(sagemaker.list_artifacts(SourceUri=uri)["ArtifactSummaries"])["ArtifactArn"])


def sources(sagemaker: Any, start: str, direction: str = "Ascendants", **filters: list[str]) -> list[str]:
    answer = sagemaker.query_lineage(StartArns=[start], Direction=direction, IncludeEdges=False, Filters=filters)
    found = []
    for vertex in answer["Vertices"]:
        if vertex["LineageType"] == "TrialComponent":
            name = vertex["Arn"].rpartition("/")[2]
            found.append(sagemaker.describe_trial_component(TrialComponentName=name)["Source"]["SourceArn"])
        elif vertex["LineageType"] == "Artifact":
            found.append(sagemaker.describe_artifact(ArtifactArn=vertex["Arn"])["Source"]["SourceUri"])
        elif vertex["LineageType"] == "Context":
            found.append(
                sagemaker.describe_context(ContextName=vertex["Arn"].rpartition("/")[2])["Source"]["SourceUri"]
            )
        else:
            found.append(sagemaker.describe_action(ActionName=vertex["Arn"].rpartition("/")[2])["Source"]["SourceUri"])
    return found


def test_the_trial_component_of_a_job(component: Any, job: Any) -> None:
    assert component["TrialComponentName"] == f"{job['TrainingJobName']}-aws-training-job"
    assert component["DisplayName"] == "shown"
    assert component["Source"] == {"SourceArn": job["TrainingJobArn"], "SourceType": "SageMakerTrainingJob"}
    message = "Status: Completed, secondary status: Completed, failure reason: ."
    assert component["Status"] == {"PrimaryStatus": "Completed", "Message": message}
    assert component["StartTime"] == job["TrainingStartTime"]
    assert component["EndTime"] == job["TrainingEndTime"]
    assert component["Parameters"] == {
        "SageMaker.ImageUri": {"StringValue": IMAGE},
        "SageMaker.InstanceCount": {"NumberValue": 1.0},
        "SageMaker.InstanceType": {"StringValue": "ml.m5.large"},
        "SageMaker.VolumeSizeInGB": {"NumberValue": 1.0},
        "depth": {"NumberValue": 6.0},
        "booster": {"StringValue": "gbtree"},
    }
    assert component["InputArtifacts"] == {"train": {"MediaType": "text/csv", "Value": "s3://job-data/lineage/train"}}
    model = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert component["OutputArtifacts"] == {"SageMaker.ModelArtifact": {"Value": model}}
    metric = only(component["Metrics"])
    assert (metric["MetricName"], metric["Last"], metric["SourceArn"]) == ("loss", 0.25, job["TrainingJobArn"])


def test_a_job_without_a_trial_gets_one_in_its_experiment(sagemaker: Any, component: Any, job: Any) -> None:
    """ "TrialName: If not specified, a new trial is created" (ExperimentConfig)."""
    experiment = job["ExperimentConfig"]["ExperimentName"]
    trial = only(sagemaker.list_trials(ExperimentName=experiment)["TrialSummaries"])
    listed = sagemaker.list_trial_components(TrialName=trial["TrialName"])["TrialComponentSummaries"]
    assert only(listed)["TrialComponentName"] == component["TrialComponentName"]


def test_from_data_to_model_to_package(sagemaker: Any, job: Any, component: Any, package: str) -> None:
    model = job["ModelArtifacts"]["S3ModelArtifacts"]
    start = artifact_of(sagemaker, package)
    assert sources(sagemaker, start, Types=["DataSet"]) == ["s3://job-data/lineage/train"]
    assert sources(sagemaker, start, Types=["TrainingJob"]) == [job["TrainingJobArn"]]
    assert model in sources(sagemaker, start, Types=["Model"])
    assert IMAGE in sources(sagemaker, start, Types=["Image"])
    data = artifact_of(sagemaker, "s3://job-data/lineage/train")
    assert sources(sagemaker, data, "Descendants", Types=["Model"]) == [model, package]
    group = only(sources(sagemaker, data, "Descendants", Types=["ModelGroup"]))
    assert (
        group
        == sagemaker.describe_model_package_group(ModelPackageGroupName=package.split("/")[1])["ModelPackageGroupArn"]
    )
    edges = {
        (each["SourceType"], each["AssociationType"])
        for each in sagemaker.list_associations(DestinationArn=component["TrialComponentArn"])["AssociationSummaries"]
    }
    assert edges == {("DataSet", "ContributedTo"), ("Image", "ContributedTo")}
    produced = sagemaker.list_associations(SourceArn=component["TrialComponentArn"])["AssociationSummaries"]
    assert only(produced)["AssociationType"] == "Produced"
    assert only(produced)["SourceType"] == "SageMakerTrainingJob"


def test_approvals_are_actions(sagemaker: Any, package: str) -> None:
    start = artifact_of(sagemaker, package)

    def approvals() -> list[str]:
        found = sagemaker.list_associations(DestinationArn=start, SourceType="Approval", SortOrder="Ascending")
        names = [each["SourceName"] for each in found["AssociationSummaries"]]
        return [sagemaker.describe_action(ActionName=name)["Properties"]["ModelApprovalStatus"] for name in names]

    assert approvals() == ["PendingManualApproval"]
    sagemaker.update_model_package(ModelPackageArn=package, CustomerMetadataProperties={"a": "b"})
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    assert approvals() == ["PendingManualApproval", "Approved"]
    context = only(sagemaker.list_associations(SourceArn=start, DestinationType="ModelGroup")["AssociationSummaries"])
    described = sagemaker.describe_context(ContextName=context["DestinationName"])
    assert described["Properties"]["PipelineExecutionArn"].endswith("/execution/abc")


def test_lineage_survives_a_kill(serving: Any, sagemaker: Any, package: str) -> None:
    start = artifact_of(sagemaker, package)
    before = sagemaker.query_lineage(StartArns=[start], IncludeEdges=True)
    serving.kill()
    serving.start()
    after = serving.client().query_lineage(StartArns=[start], IncludeEdges=True)
    assert after["Vertices"] == before["Vertices"]
    assert sorted(map(str, after["Edges"])) == sorted(map(str, before["Edges"]))


SERVE = """
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


def test_from_an_endpoint_back_to_the_data(serving: Any, job: Any, package: str) -> None:
    """ "Retrieve all data sets that went into the creation of a model", "all jobs that went into the creation of an
    endpoint" (querying-lineage-entities.html); each update is a deployment."""
    serving.image(train=TRAIN, serve=SERVE)
    sagemaker, name = serving.client(), f"endpoint-{uuid.uuid4().hex[:8]}"
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": package})
    for config in (f"{name}-a", f"{name}-b"):
        variant = {"VariantName": "A", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant])
    arn = sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-a")["EndpointArn"]

    def deployments(number: int) -> Any:
        (context,) = sagemaker.list_contexts(SourceUri=arn)["ContextSummaries"]
        assert context["ContextType"] == "Endpoint"
        found = sagemaker.list_associations(DestinationArn=context["ContextArn"])["AssociationSummaries"]
        assert all(each["SourceType"] == "ModelDeployment" for each in found)
        return context["ContextArn"] if len(found) == number else None

    start = until(lambda: deployments(1))
    assert sources(sagemaker, start, Types=["DataSet"]) == ["s3://job-data/lineage/train"]
    assert sources(sagemaker, start, Types=["TrainingJob"]) == [job["TrainingJobArn"]]
    assert package in sources(sagemaker, start, Types=["Model"])
    until(lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService")
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-b")
    until(lambda: deployments(2))
    data = artifact_of(sagemaker, "s3://job-data/lineage/train")
    assert sources(sagemaker, data, "Descendants", Types=["Endpoint"]) == [arn]
    until(lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService")
    sagemaker.delete_endpoint(EndpointName=name)
