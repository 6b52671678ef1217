"""Definitions as the SageMaker Python SDK v3 wrote them (``sdk/author.py``) run as they are."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from penstock_services.sagemaker.pipelines.definition import parse

from .conftest import ROLE

pytestmark = pytest.mark.cloud

FOLDER = Path(__file__).parent / "sdk"
TRAIN = """
import json, os, pathlib, sys
root = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
slope = json.load(open(f"{root}/input/config/hyperparameters.json"))["slope"]
if slope == "broken":
    sys.exit("no slope")
channel = pathlib.Path(f"{root}/input/data/train/data.csv")
rows = channel.read_text().count("\\n") if channel.exists() else 0
pathlib.Path(f"{root}/model/model.txt").write_text(f"{float(slope)} {rows}")
"""
FUNCTION = "def handler(event, context):\n    return {'sum': str(sum(event['numbers'])), 'kind': 'n', 'seen': event}\n"


@pytest.fixture(scope="module")
def sagemaker(serving: Any) -> Any:
    serving.image(train=TRAIN)
    serving.aws("s3").create_bucket(Bucket="abalone")
    return serving.client()


def ended(sagemaker: Any, arn: str) -> tuple[str, dict[str, Any]]:
    deadline = time.monotonic() + 90
    while True:
        status = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
        answer = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending", MaxResults=50)
        steps = {step["StepName"]: step for step in answer["PipelineExecutionSteps"]}
        if status != "Executing":
            return status, steps
        assert time.monotonic() < deadline, steps
        time.sleep(0.1)


def test_the_abalone_pipeline(sagemaker: Any, serving: Any) -> None:
    text = (FOLDER / "abalone.json").read_text()
    s3 = serving.aws("s3")
    for step in parse(text).steps.values():
        for given in step.arguments.get("ProcessingInputs", []):
            key = given["S3Input"]["S3Uri"].removeprefix("s3://abalone/")
            s3.put_object(Bucket="abalone", Key=key, Body=(FOLDER / key.rsplit("/", 1)[1]).read_bytes())
    sagemaker.create_pipeline(PipelineName="AbalonePipeline", PipelineDefinition=text, RoleArn=ROLE)
    first = sagemaker.start_pipeline_execution(PipelineName="AbalonePipeline")["PipelineExecutionArn"]
    status, steps = ended(sagemaker, first)
    assert status == "Succeeded", steps
    assert set(steps) == {
        "AbaloneProcess", "AbaloneTrain", "AbaloneEval", "AbaloneMSECond", "AbaloneRegisterModel", "AbaloneCreateModel",
    }  # fmt: skip
    package = sagemaker.describe_model_package(
        ModelPackageName=steps["AbaloneRegisterModel"]["Metadata"]["RegisterModel"]["Arn"]
    )
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    identifier = first.rsplit("/", 1)[1]
    uri = f"s3://abalone/{identifier}/evaluation/evaluation.json"
    assert package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"] == uri
    assert package["DriftCheckBaselines"]["ModelQuality"]["Statistics"]["S3Uri"] == uri
    described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=first)
    assert described["PipelineExperimentConfig"] == {"ExperimentName": "AbalonePipeline", "TrialName": identifier}
    strict = [{"Name": "MseThreshold", "Value": "2.5"}]
    second = sagemaker.start_pipeline_execution(PipelineName="AbalonePipeline", PipelineParameters=strict)
    status, steps = ended(sagemaker, second["PipelineExecutionArn"])
    assert status == "Failed"
    assert steps["AbaloneMSEFail"]["Metadata"]["Fail"]["ErrorMessage"] == "MSE > 2.5"
    assert steps["AbaloneProcess"]["CacheHitResult"] == {"SourcePipelineExecutionArn": first}


def test_every_construct_that_the_sdk_writes(sagemaker: Any, serving: Any) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", FUNCTION)
    function = serving.aws("lambda").create_function(
        FunctionName="sdk-sum",
        Runtime="python3.13",
        Handler="index.handler",
        Role=ROLE,
        Code={"ZipFile": content.getvalue()},
    )["FunctionArn"]
    serving.aws("lambda").get_waiter("function_active_v2").wait(FunctionName="sdk-sum", WaiterConfig={"Delay": 1})
    sqs = serving.aws("sqs")
    queue = sqs.create_queue(QueueName="sdk-queue")["QueueUrl"]
    messages: list[Any] = []

    def answer() -> None:
        deadline = time.monotonic() + 60
        while not messages and time.monotonic() < deadline:
            for each in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []):
                messages.append(json.loads(each["Body"]))
                outputs = [{"Name": "go", "Value": "yes"}]
                sagemaker.send_pipeline_execution_step_success(
                    CallbackToken=messages[0]["token"], OutputParameters=outputs
                )

    text = (FOLDER / "grammar.json").read_text()
    sagemaker.create_pipeline(PipelineName="GrammarPipeline", PipelineDefinition=text, RoleArn=ROLE)
    given = [{"Name": "Function", "Value": function}, {"Name": "Queue", "Value": queue}]
    thread = threading.Thread(target=answer)
    thread.start()
    arn = sagemaker.start_pipeline_execution(PipelineName="GrammarPipeline", PipelineParameters=given)
    status, steps = ended(sagemaker, arn["PipelineExecutionArn"])
    thread.join()
    failures = {name: step.get("FailureReason") for name, step in steps.items() if step["StepStatus"] != "Succeeded"}
    assert list(failures) == ["Broken"], failures
    assert status == "CompletedWithFailures"
    assert messages[0]["arguments"] == {"sum": "3"}
    assert {"Fit-0", "Fit-1", "Score-0", "Score-1", "Notify", "Inner", "Deep", "Last", "Clean", "Record"} < set(steps)
    assert steps["Sweep"]["Metadata"]["ForEach"]["Selector"] == {"StepName": "Score", "Index": 1}
    job = steps["Last"]["Metadata"]["TrainingJob"]["Arn"].rsplit("/", 1)[1]
    assert sagemaker.describe_training_job(TrainingJobName=job)["HyperParameters"] == {"slope": "0.4"}
    assert steps["Clean"]["Metadata"]["Cleanup"]["CleanedSteps"] == ["Last"]
    assert steps["Last"]["StartTime"] >= steps["Deep"]["EndTime"], "a whole condition is waited for"
