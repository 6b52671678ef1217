"""Every step type against the local services: jobs in processes, models that serve, a queue, a function, events."""

from __future__ import annotations

import io
import json
import os
import signal
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.localstack.services.waiting import until

from .conftest import ROLE, callback, compare, condition, for_each, function

pytestmark = pytest.mark.cloud

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:v1"
CLUSTER = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}}
TRAIN = """
import json, os, pathlib
root = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
rate = float(json.load(open(f"{root}/input/config/hyperparameters.json")).get("rate", 0.5))
print(f"validation-loss={(rate - 0.3) ** 2:.6f}", flush=True)
pathlib.Path(f"{root}/model/model.txt").write_text(str(rate))
"""
SERVE = """
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
root = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
model = open(f"{root}/model/model.txt").read()
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_):
        pass
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(b"{}" if "parameters" in self.path else b"")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer((model + ":" + body.decode().strip() + chr(10)).encode())
ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""
FUNCTION = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError("on purpose")
    return {"sum": sum(event["numbers"]), "kind": "int"}
"""


@pytest.fixture(scope="module")
def sagemaker(serving: Any) -> Any:
    serving.image(train=TRAIN, serve=SERVE)
    return serving.client()


@pytest.fixture
def run(sagemaker: Any) -> Iterator[Callable[..., tuple[str, dict[str, Any]]]]:
    """Create a pipeline of these steps, run it to its end; status and steps by name."""
    made: list[str] = []

    def execute(
        steps: list[dict[str, Any]], parameters: list[dict[str, Any]] | None = None, **given: str
    ) -> tuple[str, dict[str, Any]]:
        name = f"p-{uuid.uuid4().hex[:8]}"
        definition = {"Version": "2020-12-01", "Parameters": parameters or [], "Steps": steps}
        sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=json.dumps(definition), RoleArn=ROLE)
        made.append(name)
        values = [{"Name": key, "Value": value} for key, value in given.items()]
        arn = sagemaker.start_pipeline_execution(PipelineName=name, PipelineParameters=values)["PipelineExecutionArn"]
        return ended(sagemaker, arn), steps_of(sagemaker, arn)

    yield execute
    for name in made:
        sagemaker.delete_pipeline(PipelineName=name)


def ended(sagemaker: Any, arn: str, seconds: float = 90) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status: str = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
        if status not in ("Executing", "Stopping"):
            return status
        time.sleep(0.05)
    pytest.fail(f"{arn} does not end: {steps_of(sagemaker, arn)}")


def steps_of(sagemaker: Any, arn: str) -> dict[str, Any]:
    answer = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending", MaxResults=100)
    return {step["StepName"]: step for step in answer["PipelineExecutionSteps"]}


def shell(name: str, command: str, *outputs: str, **more: Any) -> dict[str, Any]:
    """A Processing step that runs a shell command; its outputs are folders below /opt/ml/processing."""
    arguments: dict[str, Any] = {
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["/bin/sh", "-c", command]},
        "ProcessingResources": CLUSTER,
        "RoleArn": ROLE,
        "Environment": more.pop("environment", {}),
    }
    places = [
        {
            "OutputName": output,
            "S3Output": {
                "S3Uri": {
                    "Std:Join": {
                        "On": "/",
                        "Values": ["s3://job-data", {"Get": "Execution.PipelineExecutionId"}, output],
                    }
                },
                "LocalPath": f"/opt/ml/processing/{output}",
                "S3UploadMode": "EndOfJob",
            },
        }
        for output in outputs
    ]
    if places:
        arguments["ProcessingOutputConfig"] = {"Outputs": places}
    return {"Name": name, "Type": "Processing", "Arguments": arguments, **more}


def fit(name: str, rate: Any = "0.25", **more: Any) -> dict[str, Any]:
    arguments = {
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": "validation-loss=([0-9.]+)"}],
        },
        "OutputDataConfig": {"S3OutputPath": "s3://job-data/models"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "RoleArn": ROLE,
        "HyperParameters": {"rate": rate},
    }
    return {"Name": name, "Type": "Training", "Arguments": arguments, **more}


def model(name: str, trained: str) -> dict[str, Any]:
    data = {"Get": f"Steps.{trained}.ModelArtifacts.S3ModelArtifacts"}
    return {
        "Name": name,
        "Type": "Model",
        "Arguments": {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": data}},
    }


def test_from_data_to_the_registry(run: Any, serving: Any, sagemaker: Any) -> None:
    write = "echo 1,2 > /opt/ml/processing/train/data.csv"
    evaluate = (
        """echo '{"loss": {"value": 0.0025}, "model": "'$MODEL'"}' > /opt/ml/processing/metrics/evaluation.json"""
    )
    loss = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": "loss.value"}}
    report_uri = {"Get": "Steps.Evaluate.ProcessingOutputConfig.Outputs['metrics'].S3Output.S3Uri"}
    report = {"Std:Join": {"On": "/", "Values": [report_uri, "evaluation.json"]}}
    register = {
        "Name": "Register",
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": "real-steps",
            "ModelMetrics": {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": report}}},
            "InferenceSpecification": {
                "Containers": [
                    {"Image": IMAGE, "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}}
                ],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        },
    }
    fail = {
        "Name": "Stop",
        "Type": "Fail",
        "Arguments": {"ErrorMessage": {"Std:Join": {"On": " ", "Values": ["loss", loss]}}},
    }
    train = fit("Train")
    data = {"Get": "Steps.Prep.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": data, "S3DataDistributionType": "FullyReplicated"}}
    train["Arguments"]["InputDataConfig"] = [{"ChannelName": "train", "DataSource": source}]
    files = [{"PropertyFileName": "Report", "OutputName": "metrics", "FilePath": "evaluation.json"}]
    artifacts = {"MODEL": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}}
    steps = [
        shell("Prep", write, "train"),
        train,
        shell("Evaluate", evaluate, "metrics", environment=artifacts, PropertyFiles=files),
        condition("Gate", [compare("LessThanOrEqualTo", loss, {"Get": "Parameters.Limit"})], [register], [fail]),
    ]
    parameters = [{"Name": "Limit", "Type": "Float", "DefaultValue": 0.01}]
    status, done = run(steps, parameters)
    assert status == "Succeeded", done
    package = sagemaker.describe_model_package(ModelPackageName=done["Register"]["Metadata"]["RegisterModel"]["Arn"])
    uri = package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    evaluation = json.load(serving.aws("s3").get_object(Bucket=bucket, Key=key)["Body"])
    assert evaluation["model"] == package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    status, done = run(steps, parameters, Limit="0.001")
    assert status == "Failed"
    assert done["Stop"]["Metadata"]["Fail"]["ErrorMessage"] == "loss 0.0025"


def test_a_model_is_deployed_and_replaced(run: Any, serving: Any, sagemaker: Any) -> None:
    name = f"endpoint-{uuid.uuid4().hex[:8]}"
    variant = {
        "VariantName": "all",
        "ModelName": {"Get": "Steps.Model.ModelName"},
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
    }
    config = {"Std:Join": {"On": "-", "Values": ["config", {"Get": "Execution.PipelineExecutionId"}]}}
    deploy = {
        "Name": "Deploy",
        "Type": "Endpoint",
        "Arguments": {"EndpointName": name, "EndpointConfigName": {"Get": "Steps.Config.EndpointConfigName"}},
    }
    steps = [
        fit("Train", {"Get": "Parameters.Rate"}),
        model("Model", "Train"),
        {
            "Name": "Config",
            "Type": "EndpointConfig",
            "Arguments": {"EndpointConfigName": config, "ProductionVariants": [variant]},
        },
        deploy,
    ]
    runtime = serving.client("sagemaker-runtime")
    try:
        for rate in ("0.25", "0.5"):
            status, done = run(steps, [{"Name": "Rate", "Type": "String"}], Rate=rate)
            assert status == "Succeeded", done
            assert done["Deploy"]["Metadata"]["Endpoint"]["Arn"].endswith(f":endpoint/{name}")
            answer = runtime.invoke_endpoint(EndpointName=name, Body=b"7", ContentType="text/csv")
            assert answer["Body"].read() == f"{rate}:7\n".encode()
    finally:
        sagemaker.delete_endpoint(EndpointName=name)


def test_a_model_is_deployed_as_an_inference_component_and_replaced(run: Any, serving: Any, sagemaker: Any) -> None:
    name = f"hosts-{uuid.uuid4().hex[:8]}"
    host = {"VariantName": "all", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[host], ExecutionRoleArn=ROLE)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    until(lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService")
    specification = {
        "ModelName": {"Get": "Steps.Model.ModelName"},
        "ComputeResourceRequirements": {"NumberOfCpuCoresRequired": 1, "MinMemoryRequiredInMb": 512},
    }
    component = {
        "InferenceComponentName": name,
        "EndpointName": name,
        "VariantName": "all",
        "Specification": specification,
        "RuntimeConfig": {"CopyCount": 1},
    }
    deploy = {"Name": "Deploy", "Type": "InferenceComponent", "Arguments": component}
    steps = [fit("Train", {"Get": "Parameters.Rate"}), model("Model", "Train"), deploy]
    runtime = serving.client("sagemaker-runtime")
    for rate in ("0.25", "0.5"):
        status, done = run(steps, [{"Name": "Rate", "Type": "String"}], Rate=rate)
        assert status == "Succeeded", done
        assert done["Deploy"]["Metadata"]["InferenceComponent"]["Arn"].endswith(f":inference-component/{name}")
        asked = {"EndpointName": name, "InferenceComponentName": name, "ContentType": "text/csv"}
        assert runtime.invoke_endpoint(**asked, Body=b"7")["Body"].read() == f"{rate}:7\n".encode()
    sagemaker.delete_inference_component(InferenceComponentName=name)
    until(lambda: not sagemaker.list_inference_components(EndpointNameEquals=name)["InferenceComponents"])
    sagemaker.delete_endpoint(EndpointName=name)


def test_batch_transform(run: Any, serving: Any) -> None:
    s3 = serving.aws("s3")
    s3.put_object(Bucket="job-data", Key="transform/in/rows.csv", Body=b"1\n2\n3\n")
    transform = {
        "Name": "Score",
        "Type": "Transform",
        "Arguments": {
            "ModelName": {"Get": "Steps.Model.ModelName"},
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://job-data/transform/in"}},
                "ContentType": "text/csv",
            },
            "TransformOutput": {"S3OutputPath": "s3://job-data/transform/out"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        },
    }
    status, done = run([fit("Train"), model("Model", "Train"), transform])
    assert status == "Succeeded", done
    assert ":transform-job/pipelines-" in done["Score"]["Metadata"]["TransformJob"]["Arn"]
    body = s3.get_object(Bucket="job-data", Key="transform/out/rows.csv.out")["Body"].read()
    assert body.startswith(b"0.25:1")


def test_tuning_offers_its_best_jobs(run: Any, sagemaker: Any) -> None:
    training = fit("x")["Arguments"]
    training["StaticHyperParameters"] = {"kind": "linear"}
    del training["HyperParameters"]
    tuning = {
        "Name": "Tune",
        "Type": "Tuning",
        "Arguments": {
            "HyperParameterTuningJobConfig": {
                "Strategy": "Random",
                "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 2},
                "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0", "MaxValue": "1"}]},
            },
            "TrainingJobDefinition": training,
        },
    }
    best = {
        "Std:Join": {
            "On": "/",
            "Values": [
                "s3://job-data/models",
                {"Get": "Steps.Tune.TrainingJobSummaries[0].TrainingJobName"},
                "output/model.tar.gz",
            ],
        }
    }
    created = {
        "Name": "Best",
        "Type": "Model",
        "Arguments": {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": best}},
    }
    check = condition(
        "Gate",
        [
            compare(
                "Equals",
                {"Get": "Steps.Tune.BestTrainingJob.TrainingJobName"},
                {"Get": "Steps.Tune.TrainingJobSummaries[0].TrainingJobName"},
            )
        ],
        [],
        [{"Name": "Stop", "Type": "Fail", "Arguments": {}}],
    )
    status, done = run([tuning, created, check])
    assert status == "Succeeded", done
    job = done["Tune"]["Metadata"]["TuningJob"]["Arn"].rsplit("/", 1)[1]
    assert len(job) <= 32
    winner = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=job)["BestTrainingJob"]
    described = sagemaker.describe_model(ModelName=done["Best"]["Metadata"]["Model"]["Arn"].rsplit("/", 1)[1])
    assert winner["TrainingJobName"] in described["PrimaryContainer"]["ModelDataUrl"]


def test_a_callback_over_a_real_queue(serving: Any, sagemaker: Any) -> None:
    sqs = serving.aws("sqs")
    queue = sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    ask = callback("Ask", {"Answer": "String"})
    ask |= {"SqsQueueUrl": queue, "Arguments": {"question": "ready?"}}
    after = shell(
        "After", 'test "$ANSWER" = yes', environment={"ANSWER": {"Get": "Steps.Ask.OutputParameters['Answer']"}}
    )
    definition = json.dumps({"Version": "2020-12-01", "Steps": [ask, after]})
    name = f"p-{uuid.uuid4().hex[:8]}"
    sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition, RoleArn=ROLE)
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    received = until(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2).get("Messages"))
    message = json.loads(received[0]["Body"])
    assert (message["pipelineExecutionArn"], message["arguments"]) == (arn, {"question": "ready?"})
    sagemaker.send_pipeline_execution_step_success(
        CallbackToken=message["token"], OutputParameters=[{"Name": "Answer", "Value": "yes"}]
    )
    assert ended(sagemaker, arn) == "Succeeded", steps_of(sagemaker, arn)


def test_a_real_function(run: Any, serving: Any) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", FUNCTION)
    client = serving.aws("lambda")
    name = f"f-{uuid.uuid4().hex[:8]}"
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=ROLE,
        Code={"ZipFile": content.getvalue()},
    )
    arn = until(lambda: client.get_function(FunctionName=name)["Configuration"])["FunctionArn"]
    until(lambda: client.get_function(FunctionName=name)["Configuration"]["State"] == "Active")
    good = function("Sum", arn, {"sum": "Integer", "kind": "String"})
    good["Arguments"] = {"numbers": [1, 2, {"Get": "Parameters.N"}]}
    gate = condition("Gate", [compare("Equals", {"Get": "Steps.Sum.OutputParameters['sum']"}, 6)], [], [])
    status, done = run([good, gate], [{"Name": "N", "Type": "Integer"}], N="3")
    assert (status, done["Gate"]["Metadata"]["Condition"]["Outcome"]) == ("Succeeded", "True"), done
    bad = function("Bad", arn, {"sum": "Integer"})
    bad["Arguments"] = {"fail": True}
    status, done = run([bad])
    assert status == "Failed"
    assert "on purpose" in done["Bad"]["FailureReason"]


def test_iterations_and_clean_up_with_real_jobs(run: Any, serving: Any) -> None:
    body = [fit("Fit", {"Get": "ForEach.CurrentItem"})]
    loop = for_each("Loop", ["0.1", "0.2", "0.3"], body, 2)
    clean = {
        "Name": "Clean",
        "Type": "Cleanup",
        "DependsOn": ["One", "Loop"],
        "Arguments": {"Resources": {"S3": [{"StepName": "One"}]}},
    }
    status, done = run([loop, fit("One"), clean])
    assert status == "Succeeded", done
    assert done["Loop"]["Metadata"]["ForEach"]["SucceededStepCount"] == 3
    assert done["Clean"]["Metadata"]["Cleanup"]["CleanedSteps"] == ["One"]
    s3 = serving.aws("s3")
    left = {
        name: s3.list_objects_v2(Bucket="job-data", Prefix=f"models/{arn.rsplit('/', 1)[1]}/")["KeyCount"]
        for name, arn in ((each, done[each]["Metadata"]["TrainingJob"]["Arn"]) for each in ("One", "Fit-0"))
    }
    assert (left["One"], left["Fit-0"] > 0) == (0, True)


def test_lineage_is_recorded(run: Any, sagemaker: Any) -> None:
    uri = f"s3://job-data/{uuid.uuid4()}"
    line = {
        "Name": "Line",
        "Type": "Lineage",
        "Arguments": {"Artifacts": [{"ArtifactName": "data", "ArtifactType": "DataSet", "Source": {"SourceUri": uri}}]},
    }
    status, done = run([line])
    assert status == "Succeeded", done
    (artifact,) = sagemaker.list_artifacts(SourceUri=uri)["ArtifactSummaries"]
    assert done["Line"]["Metadata"]["Lineage"]["ArtifactArns"] == {"data": artifact["ArtifactArn"]}


def job_process(marker: str) -> psutil.Process:
    def found() -> psutil.Process | None:
        for process in psutil.process_iter(["cmdline"]):
            if process.info["cmdline"] == ["sleep", marker]:
                return process
        return None

    process: psutil.Process = until(found)
    return process


def test_a_killed_job_is_a_failed_step(sagemaker: Any) -> None:
    marker = f"98{uuid.uuid4().int % 10**6}"
    steps = [shell("Sleep", f"sleep {marker}"), shell("After", "true", DependsOn=["Sleep"])]
    name = f"p-{uuid.uuid4().hex[:8]}"
    definition = json.dumps({"Version": "2020-12-01", "Steps": steps})
    sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition, RoleArn=ROLE)
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    os.kill(job_process(marker).pid, signal.SIGKILL)
    assert ended(sagemaker, arn) == "Failed"
    done = steps_of(sagemaker, arn)
    assert {step: each["StepStatus"] for step, each in done.items()} == {"Sleep": "Failed"}
    assert done["Sleep"]["FailureReason"].startswith("ClientError: ")


def test_a_stop_ends_the_job(sagemaker: Any) -> None:
    marker = f"97{uuid.uuid4().int % 10**6}"
    name = f"p-{uuid.uuid4().hex[:8]}"
    definition = json.dumps({"Version": "2020-12-01", "Steps": [shell("Sleep", f"exec sleep {marker}")]})
    sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition, RoleArn=ROLE)
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    process = job_process(marker)
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    assert ended(sagemaker, arn) == "Stopped"
    assert not process.is_running()
    assert {step: each["StepStatus"] for step, each in steps_of(sagemaker, arn).items()} == {"Sleep": "Stopped"}


def test_events_of_executions_and_steps_reach_a_rule(run: Any, serving: Any) -> None:
    sqs, events = serving.aws("sqs"), serving.aws("events")
    queue = sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = f"r-{uuid.uuid4().hex[:8]}"
    title = "SageMaker Model Building Pipeline Execution"
    pattern = {"source": ["aws.sagemaker"], "detail-type": [f"{title} Status Change", f"{title} Step Status Change"]}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": queue_arn}])
    try:
        status, _ = run([shell("Only", "true")])
        assert status == "Succeeded"
        told: list[Any] = []

        def finished() -> bool:
            for each in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
                "Messages", []
            ):
                told.append(json.loads(each["Body"])["detail"])
            return any(each.get("currentPipelineExecutionStatus") == "Succeeded" for each in told)

        until(finished)
        steps = {each["currentStepStatus"] for each in told if "stepName" in each}
        assert steps == {"Starting", "Executing", "Succeeded"}
    finally:
        events.remove_targets(Rule=rule, Ids=["q"])
        events.delete_rule(Name=rule)


def test_a_killed_process_leaves_failed_executions(serving: Any, tmp_path: Path) -> None:
    own = type(serving)(tmp_path, serving.gateway_url).start()
    try:
        own.image(train=TRAIN)
        client = own.client()
        definition = json.dumps({"Version": "2020-12-01", "Steps": [shell("Sleep", "sleep 60")]})
        client.create_pipeline(PipelineName="p", PipelineDefinition=definition, RoleArn=ROLE)
        arn = client.start_pipeline_execution(PipelineName="p")["PipelineExecutionArn"]
        until(lambda: steps_of(client, arn).get("Sleep", {}).get("StepStatus") == "Executing")
        own.kill()
        own.start()
        description = client.describe_pipeline_execution(PipelineExecutionArn=arn)
        assert description["PipelineExecutionStatus"] == "Failed"
        assert "was stopped while the execution was running" in description["FailureReason"]
        assert steps_of(client, arn)["Sleep"]["StepStatus"] == "Failed"
    finally:
        own.stop()
