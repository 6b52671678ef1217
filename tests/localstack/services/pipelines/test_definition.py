"""Definitions are refused at CreatePipeline with a message that names the step."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.pipelines.definition import Branch, parse, validate
from penstock_services.sagemaker.pipelines.duration import duration_seconds

from .conftest import compare, condition, processing


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
        (definition({"Name": "L", "Type": "Lambda", "Arguments": {}}), "Step 'L': type 'Lambda' is not served"),
        (definition({"Name": "L", "Type": "Callback", "Arguments": {}}), "type 'Callback' is not served"),
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
        (definition(processing("A"), MlflowConfig={"MlflowResourceArn": "x"}), "MlflowConfig is not served"),
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
