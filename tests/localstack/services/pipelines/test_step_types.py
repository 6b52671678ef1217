"""Step types that are not jobs: what they call, what they say of themselves, what later steps see of them."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from tests.localstack.services.waiting import until

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.pipelines.steps.callback import CALLBACK

from .conftest import ROLE, SCOPE, Cloud, callback, compare, condition, for_each, function, processing, training


def test_a_callback_sends_a_message_and_waits_for_its_token(cloud: Cloud) -> None:
    ask = callback("Ask", {"Answer": "Integer", "Note": "String"})
    ask["Arguments"] = {"in": {"Get": "Parameters.In"}, "deep": {"list": [1, True]}}
    after = processing("After", environment={"A": {"Get": "Steps.Ask.OutputParameters['Answer']"}})
    cloud.pipeline([ask, after], [{"Name": "In", "Type": "String"}])
    arn = cloud.start(In="x")
    queue, message = until(lambda: cloud.clients.messages and cloud.clients.messages[0])
    token = message["token"]
    assert queue == "http://queue"
    assert message == {
        "token": token,
        "pipelineExecutionArn": arn,
        "status": "Executing",
        "arguments": {"in": "x", "deep": {"list": [1, True]}},
    }
    assert len(token) == 10
    until(lambda: cloud.steps(arn)["Ask"]["StepStatus"] == "Executing")
    assert cloud.steps(arn)["Ask"]["Metadata"] == {"Callback": {"CallbackToken": token, "SqsQueueUrl": "http://queue"}}

    def send(operation: str, **members: Any) -> Any:
        return cloud.call(f"SendPipelineExecutionStep{operation}", {"CallbackToken": token, **members})

    good = [{"Name": "Answer", "Value": "42"}, {"Name": "Note", "Value": "ok"}]
    for wrong, message_part in (
        (good[:1], "Step 'Ask': output parameter 'Note' is missing"),
        ([{"Name": "Answer", "Value": "many"}, good[1]], "'Answer' is not of type Integer"),
        ([*good, {"Name": "Else", "Value": "1"}], r"declares no output parameters \[Else\]"),
    ):
        with pytest.raises(ServiceError, match=message_part):
            send("Success", OutputParameters=wrong)
    assert send("Success", OutputParameters=good) == {"PipelineExecutionArn": arn}
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Succeeded"
    metadata = cloud.steps(arn)["Ask"]["Metadata"]["Callback"]
    assert metadata["OutputParameters"] == [{"Name": "Answer", "Value": "42"}, {"Name": "Note", "Value": "ok"}]
    assert [job["Environment"] for job in cloud.jobs.values()] == [{"A": "42"}]
    with pytest.raises(ServiceError, match="ConflictException"):
        send("Failure")
    with pytest.raises(ServiceError, match="ResourceNotFound"):
        cloud.call("SendPipelineExecutionStepFailure", {"CallbackToken": "abcdefghij"})


def test_a_callback_can_fail_and_run_out_of_time(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.pipeline([callback("Ask")])
    arn = cloud.start()
    _, message = until(lambda: cloud.clients.messages and cloud.clients.messages[0])
    cloud.call("SendPipelineExecutionStepFailure", {"CallbackToken": message["token"], "FailureReason": "nobody there"})
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Failed"
    assert cloud.steps(arn)["Ask"]["FailureReason"] == "ClientError: nobody there"
    monkeypatch.setattr(CALLBACK, "timeout_seconds", 0.05)
    arn = cloud.start()
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Failed"
    assert "was not answered within" in cloud.steps(arn)["Ask"]["FailureReason"]


def test_a_stop_waits_for_the_callback(cloud: Cloud) -> None:
    cloud.pipeline([callback("Ask"), processing("After", DependsOn=["Ask"])])
    arn = cloud.start()
    _, message = until(lambda: cloud.clients.messages and cloud.clients.messages[0])
    cloud.call("StopPipelineExecution", {"PipelineExecutionArn": arn})
    _, again = until(lambda: len(cloud.clients.messages) > 1 and cloud.clients.messages[1])
    assert again == {**message, "status": "Stopping"}
    time.sleep(0.05)
    description = cloud.call("DescribePipelineExecution", {"PipelineExecutionArn": arn})
    assert description["PipelineExecutionStatus"] == "Stopping"
    cloud.call("SendPipelineExecutionStepSuccess", {"CallbackToken": message["token"]})
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Stopped"
    assert list(cloud.steps(arn)) == ["Ask"]


def test_a_lambda_step_gives_on_what_the_function_returns(cloud: Cloud) -> None:
    cloud.clients.functions["arn:f"] = lambda event: {"twice": event["n"] * 2, "ok": True, "rest": [1]}
    step = function("Twice", outputs={"twice": "Integer", "ok": "Boolean"})
    step["Arguments"] = {"n": {"Get": "Parameters.N"}}
    gate = condition("Gate", [compare("Equals", {"Get": "Steps.Twice.OutputParameters['twice']"}, 6)], [], [])
    cloud.pipeline([step, gate], [{"Name": "N", "Type": "Integer"}])
    arn = cloud.start(N="3")
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Succeeded"
    outputs = [{"Name": "twice", "Value": "6"}, {"Name": "ok", "Value": "true"}]
    assert cloud.steps(arn)["Twice"]["Metadata"] == {"Lambda": {"Arn": "arn:f", "OutputParameters": outputs}}
    assert cloud.steps(arn)["Gate"]["Metadata"]["Condition"]["Outcome"] == "True"


@pytest.mark.parametrize(
    ("returns", "reason"),
    [
        (lambda _event: {}, "output parameter 'x' is missing"),
        (lambda _event: "text", "must return an object with its output parameters"),
        (lambda _event: {"x": {"nested": 1}}, "'x' must be a text, a number or a boolean"),
        (lambda _event: {"x": "many"}, "'x' is not of type Float"),
        (lambda _event: 1 / 0, "arn:f failed: division by zero"),
    ],
)
def test_a_lambda_step_fails_with_the_reason(cloud: Cloud, returns: Any, reason: str) -> None:
    cloud.clients.functions["arn:f"] = returns
    cloud.pipeline([function("F", outputs={"x": "Float"})])
    arn = cloud.start()
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Failed"
    assert reason in cloud.steps(arn)["F"]["FailureReason"]


def test_a_stop_waits_for_the_function(cloud: Cloud) -> None:
    started, go = threading.Event(), threading.Event()

    def slow(_event: Any) -> dict[str, Any]:
        started.set()
        go.wait(60)
        return {}

    cloud.clients.functions["arn:f"] = slow
    cloud.pipeline([function("F"), processing("After", DependsOn=["F"])])
    arn = cloud.start()
    assert started.wait(60)
    cloud.call("StopPipelineExecution", {"PipelineExecutionArn": arn})
    time.sleep(0.05)
    describe = {"PipelineExecutionArn": arn}
    assert cloud.call("DescribePipelineExecution", describe)["PipelineExecutionStatus"] == "Stopping"
    go.set()
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Stopped"
    assert {name: step["StepStatus"] for name, step in cloud.steps(arn).items()} == {"F": "Succeeded"}


def test_for_each_runs_its_body_for_every_item_and_picks_one(cloud: Cloud) -> None:
    cloud.clients.functions["arn:f"] = lambda event: {"loss": (event["rate"] - 0.2) ** 2, "name": event["job"]}
    score = function("Score", outputs={"loss": "Float", "name": "String"})
    score["Arguments"] = {
        "rate": {"Get": "ForEach.CurrentItem.rate"},
        "job": {"Get": "Steps.Fit.ModelArtifacts.S3ModelArtifacts"},
    }
    fit = training("Fit", hyperparameters={"rate": {"Get": "ForEach.CurrentItem['rate']"}})
    selector = {"Pick": "MinBy", "Field": {"Get": "IterationOutput.Score.OutputParameters['loss']"}}
    loop = for_each("Loop", {"Get": "Parameters.Items"}, [score, fit], selector=selector)
    after = processing(
        "After",
        environment={
            "Best": {"Get": "Steps.Loop.Selected.OutputParameters['name']"},
            "First": {"Get": "Steps.Loop.IterationOutputs[0].Fit.ModelArtifacts.S3ModelArtifacts"},
            "Count": {"Get": "Steps.Loop.InputItemCount"},
        },
    )
    cloud.pipeline([after, loop], [{"Name": "Items", "Type": "String"}])
    arn = cloud.start(Items='[{"rate": 0.9}, "{\\"rate\\": 0.25}", {"rate": 0.5}]')
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Succeeded", cloud.steps(arn)
    steps = cloud.steps(arn)
    assert set(steps) == {"Loop", "After", *(f"{name}-{index}" for name in ("Fit", "Score") for index in range(3))}
    assert steps["Fit-1"]["IterationContext"] == {"ParentStepName": "Loop", "Index": 1, "Item": '{"rate": 0.25}'}
    assert steps["Fit-0"]["IterationContext"]["Item"] == '{"rate": 0.9}'
    assert steps["Loop"]["Metadata"]["ForEach"] == {
        "Status": "Succeeded",
        "InputItemCount": 3,
        "TotalStepCount": 6,
        "SucceededStepCount": 6,
        "FailedStepCount": 0,
        "StoppedStepCount": 0,
        "Selector": {"StepName": "Score", "Index": 1},
    }
    assert [job["HyperParameters"] for job in cloud.jobs.values() if "HyperParameters" in job] == [
        {"rate": "0.9"},
        {"rate": "0.25"},
        {"rate": "0.5"},
    ]
    names = {name.split("-")[2] + name.split("-")[3]: name for name in cloud.jobs if "-Fit-" in name}
    (environment,) = [job["Environment"] for job in cloud.jobs.values() if "Environment" in job]
    assert environment == {
        "Best": f"s3://models/{names['Fit1']}/model.tar.gz",
        "First": f"s3://models/{names['Fit0']}/model.tar.gz",
        "Count": "3",
    }


def test_for_each_over_nothing_over_no_list_and_stopped(cloud: Cloud) -> None:
    cloud.pipeline(
        [for_each("Loop", {"Get": "Parameters.Items"}, [processing("Item")])], [{"Name": "Items", "Type": "String"}]
    )
    arn = cloud.start(Items="[]")
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert cloud.steps(arn)["Loop"]["Metadata"]["ForEach"]["InputItemCount"] == 0
    arn = cloud.start(Items="text")
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Failed"
    assert cloud.steps(arn)["Loop"]["FailureReason"] == "ClientError: IterableItems must be a JSON list"
    cloud.ends = lambda _name: None
    arn = cloud.start(Items="[1, 2]")
    until(lambda: len(cloud.jobs) == 2)
    cloud.call("StopPipelineExecution", {"PipelineExecutionArn": arn})
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Stopped"
    assert {name: step["StepStatus"] for name, step in cloud.steps(arn).items()} == {
        "Loop": "Stopped",
        "Item-0": "Stopped",
        "Item-1": "Stopped",
    }


def test_a_retry_runs_only_the_iterations_that_have_not_succeeded(cloud: Cloud) -> None:
    cloud.pipeline([for_each("Loop", ["a", "b"], [processing("Item")])])
    cloud.ends = lambda name: ("Failed", "no") if "-Item-1-" in name else ("Completed", None)
    arn = cloud.start()
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Failed"
    assert cloud.steps(arn)["Loop"]["Metadata"]["ForEach"]["FailedStepCount"] == 1
    cloud.ends = lambda _name: ("Completed", None)
    cloud.call("RetryPipelineExecution", {"PipelineExecutionArn": arn})
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert [name.split("-")[2:4] for name in cloud.jobs] == [["Item", "0"], ["Item", "1"], ["Item", "1"]]


def test_a_registered_model_gets_its_group_and_keeps_what_it_was_given(cloud: Cloud) -> None:
    report = {"ContentType": "application/json", "S3Uri": {"Std:Join": {"On": "/", "Values": ["s3:/", "b", "m.json"]}}}
    arguments = {
        "ModelPackageGroupName": "abalone",
        "ModelMetrics": {"ModelQuality": {"Statistics": report}},
        "DriftCheckBaselines": {"ModelQuality": {"Statistics": report}},
        "ModelCard": {"ModelCardContent": "{}", "ModelCardStatus": "Draft"},
        "InferenceSpecification": {
            "Containers": [{"Image": "image", "ModelDataUrl": "s3://b/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        "ModelApprovalStatus": {"Get": "Parameters.Status"},
    }
    step = {"Name": "Register", "Type": "RegisterModel", "Arguments": arguments}
    parameters = [{"Name": "Status", "Type": "String", "DefaultValue": "PendingManualApproval"}]
    cloud.pipeline([step], parameters)
    for version in (1, 2):
        arn = cloud.start()
        assert cloud.wait(arn)["PipelineExecutionStatus"] == "Succeeded", cloud.steps(arn)
        package = cloud.steps(arn)["Register"]["Metadata"]["RegisterModel"]["Arn"]
        assert package.endswith(f":model-package/abalone/{version}")
    described = cloud.call("DescribeModelPackage", {"ModelPackageName": package})
    assert described["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"] == "s3://b/m.json"
    assert described["DriftCheckBaselines"]["ModelQuality"]["Statistics"]["S3Uri"] == "s3://b/m.json"
    assert described["ModelApprovalStatus"] == "PendingManualApproval"


def test_cleanup_deletes_what_steps_have_written(cloud: Cloud) -> None:
    uri = {
        "Std:Join": {
            "On": "/",
            "Values": [{"Get": "Steps.Prep.ProcessingOutputConfig.Outputs['tmp'].S3Output.S3Uri"}, "x"],
        }
    }
    clean = {
        "Name": "Clean",
        "Type": "Cleanup",
        "DependsOn": ["Prep", {"Step": "Bad", "Trigger": "Any"}],
        "Arguments": {"Resources": {"S3": [{"StepName": "Prep", "S3Uris": [uri]}, {"StepName": "Bad"}]}},
    }
    cloud.pipeline(
        [processing("Prep", outputs=("tmp",)), processing("Bad", environment={"X": {"Get": "Parameters.X"}}), clean],
        [{"Name": "X", "Type": "String"}],
    )
    cloud.clients.objects |= {"data/Prep/tmp/x": b"1", "data/Prep/tmp/y": b"2"}
    arn = cloud.start(X="x" * 1000)
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "CompletedWithFailures", cloud.steps(arn)
    assert set(cloud.clients.objects) == {"data/Prep/tmp/y"}
    metadata = cloud.steps(arn)["Clean"]["Metadata"]["Cleanup"]
    assert metadata == {"CleanedSteps": ["Prep"], "FailedSteps": [], "SkippedSteps": ["Bad"]}


def test_lineage_of_what_a_step_says(cloud: Cloud) -> None:
    source = {"SourceUri": {"Get": "Parameters.Uri"}}
    arguments = {
        "Actions": [{"ActionName": "run", "ActionType": "ModelTraining", "Source": {"SourceUri": "s3://b/run"}}],
        "Artifacts": [{"ArtifactName": "model", "ArtifactType": "Model", "Source": source}],
        "Associations": [
            {
                "Source": {"Name": "run", "Type": "Action"},
                "Destination": {"Name": "model", "Type": "Artifact"},
                "AssociationType": "Produced",
            }
        ],
    }
    after = processing("After", environment={"A": {"Get": "Steps.Line.ActionArns['run']"}})
    cloud.pipeline(
        [{"Name": "Line", "Type": "Lineage", "Arguments": arguments}, after], [{"Name": "Uri", "Type": "String"}]
    )
    arn = cloud.start(Uri="s3://b/model")
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Succeeded", cloud.steps(arn)
    metadata = cloud.steps(arn)["Line"]["Metadata"]["Lineage"]
    action, artifact = metadata["ActionArns"]["run"], metadata["ArtifactArns"]["model"]
    assert metadata["Associations"] == [{"SourceArn": action, "DestinationArn": artifact}]
    (association,) = cloud.call("ListAssociations", {"SourceArn": action})["AssociationSummaries"]
    assert (association["DestinationArn"], association["AssociationType"]) == (artifact, "Produced")
    assert [job["Environment"] for job in cloud.jobs.values()] == [{"A": action}]


def test_endpoint_configs_and_models(cloud: Cloud) -> None:
    model = {
        "Name": "Model",
        "Type": "Model",
        "Arguments": {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": "i"}},
    }
    variant = {
        "VariantName": "a",
        "ModelName": {"Get": "Steps.Model.ModelName"},
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
    }
    name = {"Std:Join": {"On": "-", "Values": ["config", {"Get": "Execution.PipelineExecutionId"}]}}
    config = {
        "Name": "Config",
        "Type": "EndpointConfig",
        "Arguments": {"EndpointConfigName": name, "ProductionVariants": [variant]},
    }
    cloud.pipeline([model, config])
    arn = cloud.start()
    assert cloud.wait(arn)["PipelineExecutionStatus"] == "Succeeded", cloud.steps(arn)
    created = cloud.steps(arn)["Config"]["Metadata"]["EndpointConfig"]["Arn"]
    assert created.endswith(f":endpoint-config/config-{arn.rsplit('/', 1)[1]}")
    model_arn = cloud.steps(arn)["Model"]["Metadata"]["Model"]["Arn"]
    described = cloud.call("DescribeEndpointConfig", {"EndpointConfigName": created.rsplit("/", 1)[1]})
    assert described["ProductionVariants"][0]["ModelName"] == model_arn.rsplit("/", 1)[1]
    assert cloud.store.scan(SCOPE, "Model")


def test_steps_that_call_nothing_here_are_refused_by_name(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from penstock_services.sagemaker.pipelines import step_kinds

    monkeypatch.undo()
    assert step_kinds.refusal(step_kinds.KINDS["Job"]) == "CreateJob is not answered by the local cloud"
    with pytest.raises(ServiceError, match="Step 'X': type 'Job' is not served"):
        cloud.pipeline([{"Name": "X", "Type": "Job", "Arguments": {}}])
    for kind in ("EMR", "EMRServerless"):
        with pytest.raises(ServiceError, match=f"Step 'X': type '{kind}' is not served"):
            cloud.pipeline([{"Name": "X", "Type": kind, "Arguments": {}}])
