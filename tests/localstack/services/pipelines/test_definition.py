"""Definitions are refused at CreatePipeline with a message that names the step."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.pipelines.definition import parse, validate
from penstock_services.sagemaker.pipelines.duration import duration_seconds
from penstock_services.sagemaker.pipelines.step import Branch

from .conftest import callback, compare, condition, for_each, processing, training


def definition(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Version": "2020-12-01", "Parameters": [], "Steps": list(steps), **more}


def refused(document: Any, message: str) -> None:
    text = document if isinstance(document, str) else json.dumps(document)
    with pytest.raises(ServiceError) as caught:
        validate(text)
    assert caught.value.code == "ValidationException"
    assert caught.value.message.startswith("Unable to parse pipeline definition. ")
    assert message in caught.value.message


def test_needs_are_explicit_and_implicit_and_nested_steps_know_their_branch() -> None:
    report = {"PropertyFileName": "Report", "OutputName": "metrics", "FilePath": "evaluation.json"}
    file = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.B.PropertyFiles.Report"}, "Path": "auc"}}
    parsed = parse(
        json.dumps(
            definition(
                processing("A", outputs=("train",)),
                processing(
                    "B",
                    outputs=("metrics",),
                    environment={"X": {"Get": "Steps.A.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}},
                    PropertyFiles=[report],
                ),
                processing("C", DependsOn=["A"]),
                condition(
                    "Gate",
                    [compare("GreaterThan", file, 0.5)],
                    [condition("Inner", [compare("Equals", 1, 1)], [processing("D", DependsOn=["C"])], [])],
                    [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}],
                ),
                MlflowConfig=None,
                PipelineExperimentConfig={"ExperimentName": {"Get": "Execution.PipelineName"}},
            )
        )
    )
    assert {name: set(step.needs) for name, step in parsed.steps.items()} == {
        "A": set(),
        "B": {"A"},
        "C": {"A"},
        "Gate": {"B"},
        "Inner": set(),
        "D": {"C"},
        "Stop": set(),
    }
    assert parsed.steps["D"].branch == Branch("Inner", taken_if=True)
    assert parsed.steps["Stop"].branch == Branch("Gate", taken_if=False)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "It is not valid JSON"),
        ("[]", "Expecting start of Json Object."),
        ({"Version": "1", "Steps": []}, "Version must be '2020-12-01'"),
        (definition(), "at least one step"),
        (definition({"Type": "Processing"}), "needs a Name"),
        (definition(processing("A b")), "not 'A b'"),
        (definition(processing("A"), processing("A")), "Step names must be unique; repeated: A."),
        (definition({"Name": "L", "Type": "EMR", "Arguments": {}}), "Step 'L': type 'EMR' is not served"),
        (definition({"Name": "L", "Type": "Lambda", "Arguments": {}}), "Missing required member 'FunctionArn'"),
        (definition({"Name": "L", "Type": "Proces"}), "Step 'L': unknown type 'Proces'"),
        (definition({"Name": "L", "Type": "Training"}), "Step 'L': Arguments must be an object"),
        (definition(processing("A", DependsOn=["Z"])), "Step 'A': it depends on step 'Z', which does not exist."),
        (definition(processing("A", DependsOn=["A"])), "Step 'A': it depends on itself."),
        (definition(processing("A", DependsOn="B")), "must be a list"),
        (definition(processing("A", DependsOn=[{"Step": "B", "Trigger": "onFailure"}])), "Trigger"),
        (
            definition(processing("A", DependsOn=["B"]), processing("B", DependsOn=["A"])),
            "The steps A, B depend on one another in a cycle.",
        ),
        (
            definition(processing("A", environment={"X": {"Get": "Parameters.P"}})),
            "parameter 'P', which is not declared",
        ),
        (definition(processing("A", environment={"X": {"Get": "Execution.P"}})), "no execution variable"),
        (definition(processing("A", environment={"X": {"Get": "Nothing"}})), "Step 'A': 'Nothing' is no reference"),
        (definition(processing("A", environment={"X": ["y"]})), "Expecting a value of type string at Environment['X']"),
        (definition(condition("C", [], [], [])), "Step 'C': a Condition step needs a list of Conditions."),
        (definition(condition("C", [{"Type": "Odd"}], [], [])), "Step 'C': condition type 'Odd' is unknown"),
        (
            definition(condition("C", [compare("Equals", 1, 1)], [processing("A", DependsOn=["Q"])], [])),
            "Step 'A': it depends on step 'Q'",
        ),
        (
            definition(processing("A", DependsOn=["B"]), condition("C", [compare("Equals", 1, 1)], [], [])),
            "step 'B', which does not exist",
        ),
        (
            definition(
                condition(
                    "C",
                    [
                        compare(
                            "Equals",
                            {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.A.PropertyFiles.F"}, "Path": "x"}},
                            1,
                        )
                    ],
                    [],
                    [],
                ),
                processing("A"),
            ),
            "Step 'C': it refers to property file 'F', which step 'A' lacks.",
        ),
        (definition({"Name": "F", "Type": "Fail", "Arguments": {"Message": "x"}}), "Unknown Argument member 'Message'"),
        (definition(processing("A", CacheConfig={"Enabled": "yes"})), "CacheConfig needs Enabled"),
        (definition(processing("A", CacheConfig={"Enabled": True, "ExpireAfter": "soon"})), "ISO 8601 duration"),
        (definition(processing("A", PropertyFiles=[{"PropertyFileName": "x"}])), "OutputName, FilePath"),
        (definition(processing("A"), MlflowConfig={"Arn": "x"}), "MlflowConfig may hold"),
    ],
)
def test_refusals(document: Any, message: str) -> None:
    refused(document, message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Foo": 1}, "Step 'A': Unknown Argument member 'Foo'."),
        ({"RoleArn": None}, "Step 'A': Missing required argument 'RoleArn'."),
        ({"AppSpecification": {}}, "Missing required argument 'AppSpecification.ImageUri'."),
        ({"AppSpecification": {"ImageUri": "x", "Entry": []}}, "Unknown Argument member 'Entry' in AppSpecification."),
        ({"AppSpecification": "image"}, "Expecting start of Json Object at AppSpecification."),
        ({"ProcessingInputs": {}}, "Expecting start of Json Array at ProcessingInputs."),
    ],
)
def test_arguments_are_held_against_the_operation_that_they_are_for(change: dict[str, Any], message: str) -> None:
    step = copy.deepcopy(processing("A"))
    step["Arguments"].update(change)
    refused(definition(step), message)


def test_expressions_may_stand_for_any_argument() -> None:
    step = processing("A")
    step["Arguments"]["RoleArn"] = {"Get": "Parameters.Role"}
    step["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = {"Get": "Parameters.Count"}
    parameters = [{"Name": "Role", "Type": "String"}, {"Name": "Count", "Type": "Integer", "DefaultValue": 1}]
    validate(json.dumps(definition(step, Parameters=parameters)))


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"Name": "P", "Type": "Text"}, "Parameter 'P' has type 'Text'"),
        ({"Name": "P", "Type": "Integer", "DefaultValue": "1"}, "Value '1' of parameter 'P' is not of type Integer."),
        ({"Name": "P", "Type": "Integer", "DefaultValue": True}, "not of type Integer"),
        ({"Name": "P", "Type": "String", "DefaultValue": "c", "EnumValues": ["a"]}, "none of its EnumValues"),
        ({"Name": "", "Type": "String"}, "needs a Name"),
    ],
)
def test_parameters(parameter: dict[str, Any], message: str) -> None:
    refused(definition(processing("A"), Parameters=[parameter]), message)


def test_parameters_are_declared_once() -> None:
    parameter = {"Name": "P", "Type": "String"}
    refused(definition(processing("A"), Parameters=[parameter, parameter]), "declared more than once")


@pytest.mark.parametrize(
    ("text", "seconds"), [("P30D", 2_592_000), ("PT1H30M", 5400), ("T2H", 7200), ("p1w", 604_800), ("30D", 2_592_000)]
)
def test_durations(text: str, seconds: int) -> None:
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "P1H", "P-1D", "soon"])
def test_texts_that_are_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        duration_seconds(text)


def refer(path: str, *targets: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A definition in which the step 'A' refers to ``path``."""
    return definition(processing("A", environment={"X": {"Get": path}}), *targets, **more)


TRAIN = training("T")
ASK = callback("Ask", {"Go": "String"})
LOOP = for_each("L", ["a"], [training("Fit")])


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            refer("Steps.T.ModelArtefacts.S3", TRAIN),
            "Step 'A': 'ModelArtefacts.S3' is no property of the Training step 'T'",
        ),
        (refer("Steps.T.ModelArtifacts.S3Uri", TRAIN), "is no property of the Training step 'T', from 'S3Uri' on"),
        (refer("Steps.T.TrainingJobName.x", TRAIN), "from 'x' on"),
        (refer("Steps.T", TRAIN), "a reference to step 'T' needs the path of a property"),
        (refer("Steps.Ask.OutputParameters['No']", ASK), "no output parameter of step 'Ask'; it declares Go"),
        (refer("Steps.Ask.Go", ASK), "'Go' is no property of the Callback step 'Ask'; there are OutputParameters"),
        (refer("Steps.F.ErrorMessage", {"Name": "F", "Type": "Fail", "Arguments": {}}), "it has none"),
        (refer("Steps.L.IterationOutputs.Fit.TrainingJobName", LOOP), "must be IterationOutputs[<index>].<body step>"),
        (refer("Steps.L.IterationOutputs[0].Fit.Nothing", LOOP), "'Nothing' is no property of the Training step 'Fit'"),
        (refer("Steps.L.Selected.TrainingJobName", LOOP), "the ForEach step 'L' has no Selector"),
        (refer("Steps.Fit.TrainingJobName", LOOP), "it depends on step 'Fit', which does not exist"),
        (refer("ForEach.CurrentItem"), "ForEach.CurrentItem is only there in the body of a ForEach step"),
        (refer("IterationOutput.Fit.TrainingJobName", LOOP), "IterationOutput is only there in the Selector"),
        (refer("PipelineExperimentConfig.Odd"), "is no reference"),
        (
            refer("Parameters.X", MlflowConfig={"MlflowExperimentName": {"Get": "Parameters.X"}}),
            "MlflowConfig refers to",
        ),
    ],
)
def test_references_that_lead_nowhere(document: Any, message: str) -> None:
    refused(document, message)


@pytest.mark.parametrize(
    "path",
    [
        "Steps.T.ModelArtifacts.S3ModelArtifacts",
        "Steps.T.HyperParameters['any name']",
        "Steps.T.InputDataConfig[0].DataSource.S3DataSource.S3Uri",
        "Steps.T.FinalMetricDataList['loss'].Value",
        "Steps.Ask.OutputParameters['Go']",
        "Steps.L.IterationOutputs[3].Fit.TrainingJobName",
        "Steps.L.FailedStepCount",
        "PipelineExperimentConfig.TrialName",
        "Execution.CurrentDateTime",
    ],
)
def test_references_that_lead_somewhere(path: str) -> None:
    validate(json.dumps(refer(path, TRAIN, ASK, LOOP)))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (processing("A", Depends=["T"]), "Step 'A': Unknown member 'Depends' of a Processing step"),
        (processing("A" * 65), "A step needs a Name of up to 64 letters"),
        (processing("A", DisplayName="x" * 257), "DisplayName must be a text of up to 256 characters"),
        (training("A", PropertyFiles=[{"PropertyFileName": "x"}]), "PropertyFiles are not for Training steps"),
        (processing("A", DependsOn=[{"Step": "T", "Trigger": "OnFailure"}]), "one of Completed, Failed, Stopped, Any"),
        (
            processing("A", DependsOn=["T", {"Step": "T", "Trigger": "Failed"}]),
            "with the triggers Completed and Failed",
        ),
        (processing("A", DependsOn=[{"Trigger": "Failed"}]), "which is neither a step name nor"),
        (callback("A") | {"SqsQueueUrl": None}, "Step 'A': Missing required member 'SqsQueueUrl'"),
        (callback("A", {"Out": "Text"}), "an OutputType of String, Integer, Float, Boolean"),
        (for_each("A", [], [training("Fit")]), "IterableItems must be a reference, or a list of 1 to 100 items"),
        (for_each("A", ["a"], []), "ForEachBody must be a list of at least one step"),
        (for_each("A", ["a"], [LOOP]), "the body step 'L' is of type ForEach, which a ForEachBody cannot hold"),
        (for_each("A", ["a"], [training("Fit")], 51), "MaxConcurrency must be a whole number from 1 to 50, not 51"),
        (
            for_each(
                "A", ["a"], [training("Fit")], selector={"Pick": "MaxBy", "Field": {"Get": "Steps.T.TrainingJobName"}}
            ),
            "Field of the Selector must be IterationOutput.<body step>.<path>",
        ),
        (for_each("A", ["a"], [training("T")]), "Step names must be unique; repeated: T."),
        (
            for_each("A", ["a"], [processing("X", DependsOn=["Y"]), processing("Y", DependsOn=["X"])]),
            "Step 'A': The steps X, Y depend on one another in a cycle.",
        ),
        (
            {"Name": "A", "Type": "Cleanup", "Arguments": {"Resources": {"S3": [{"StepName": "T"}]}}},
            "Step 'A': it cleans up step 'T', which its DependsOn does not name.",
        ),
        ({"Name": "A", "Type": "Cleanup", "Arguments": {}}, "Missing required argument 'Resources.S3'"),
        ({"Name": "A", "Type": "Lineage", "Arguments": {}}, "a Lineage step needs Actions, Artifacts"),
        (
            {"Name": "A", "Type": "Lineage", "Arguments": {"Actions": [{"ActionName": "a"}]}},
            "Missing required argument 'Source' in Actions",
        ),
        ({"Name": "A", "Type": "Tuning", "Arguments": {}}, "Missing required argument 'HyperParameterTuningJobConfig'"),
        ({"Name": "A", "Type": "Endpoint", "Arguments": {}}, "Missing required argument 'EndpointName'"),
    ],
)
def test_steps_that_are_refused(step: dict[str, Any], message: str) -> None:
    refused(definition(step, TRAIN), message)


def test_a_step_cannot_have_the_name_of_an_iteration() -> None:
    refused(definition(LOOP, training("Fit-0")), "Step 'Fit-0': its name is that of an iteration")


def test_a_nested_step_may_name_the_condition_that_it_is_in_but_not_wait_for_it_from_before() -> None:
    inside = processing("In", DependsOn=["Gate"])
    validate(json.dumps(definition(condition("Gate", [compare("Equals", 1, 1)], [inside], []))))
    before = [
        processing("Before", DependsOn=["Gate"]),
        condition("Gate", [compare("Equals", 1, 1)], [processing("In", DependsOn=["Before"])], []),
    ]
    refused(definition(*before), "The steps Before, In depend on one another in a cycle.")
