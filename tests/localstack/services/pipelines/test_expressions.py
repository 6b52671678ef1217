from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_services.sagemaker.pipelines.conditions import evaluate, operands
from penstock_services.sagemaker.pipelines.expressions import references, resolve
from penstock_services.sagemaker.pipelines.references import (
    ExpressionError,
    ParameterReference,
    PropertyFileReference,
    PropertyReference,
    parse_path,
    path_text,
)


class Values:
    def parameter(self, name: str) -> Any:
        return {"Bucket": "lake", "Count": 3, "Rate": 0.5, "On": True}[name]

    def execution_variable(self, name: str) -> str:
        return f"<{name}>"

    def experiment(self, name: str) -> str:
        return f"<{name}>"

    def current_item(self) -> Any:
        return '{"name": "a", "deep": {"list": [1, 2]}}'

    def iteration_output(self, step: str) -> dict[str, Any]:
        return {"OutputParameters": {"loss": 0.1}, "Step": step}

    def properties(self, step: str) -> dict[str, Any]:
        assert step == "Prep-1"
        return {
            "ProcessingOutputConfig": {
                "Outputs": [
                    {"OutputName": "test", "S3Output": {"S3Uri": "s3://b/test"}},
                    {"OutputName": "train", "S3Output": {"S3Uri": "s3://b/train"}},
                ]
            },
            "Environment": {"a.b": "dotted"},
        }

    def property_file(self, step: str, name: str) -> Any:
        assert (step, name) == ("Prep-1", "Report")
        return {"metrics": {"auc": {"value": 0.77}}, "list": [{"x": 1}], "odd name": {"in": 2}, "none": None}

    def json_at(self, uri: str) -> Any:
        assert uri == "s3://lake/report.json"
        return {"ok": True}


def value(expression: Any) -> Any:
    return resolve(expression, Values())


def file(path: str) -> dict[str, Any]:
    return {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Prep-1.PropertyFiles.Report"}, "Path": path}}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"Get": "Parameters.Bucket"}, "lake"),
        ({"Get": "Parameters.Count"}, 3),
        ({"Get": "Execution.PipelineExecutionId"}, "<PipelineExecutionId>"),
        ({"Get": "Steps.Prep-1.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}, "s3://b/train"),
        ({"Get": 'Steps.Prep-1.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri'}, "s3://b/train"),
        ({"Get": "Steps.Prep-1.ProcessingOutputConfig.Outputs[0].S3Output.S3Uri"}, "s3://b/test"),
        ({"Get": "Steps.Prep-1.Environment['a.b']"}, "dotted"),
        (
            {"Std:Join": {"On": "/", "Values": ["s3:/", {"Get": "Parameters.Bucket"}, 7, True, 0.5]}},
            "s3://lake/7/true/0.5",
        ),
        ({"Std:Join": {"Values": ["a", {"Std:Join": {"On": "-", "Values": ["b", "c"]}}]}}, "ab-c"),
        (file("metrics.auc.value"), 0.77),
        (file("$.metrics['auc'].value"), 0.77),
        (file("list[0].x"), 1),
        (file("['odd name'].in"), 2),
        (
            {
                "Std:JsonGet": {
                    "S3Uri": {"Std:Join": {"On": "/", "Values": ["s3:/", {"Get": "Parameters.Bucket"}, "report.json"]}},
                    "Path": "ok",
                }
            },
            True,
        ),
        ({"a": [{"b": {"Get": "Parameters.On"}}], "c": "Get"}, {"a": [{"b": True}], "c": "Get"}),
        ({"Get": "x", "other": 1}, {"Get": "x", "other": 1}),
    ],
)
def test_values(expression: Any, expected: Any) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ({"Get": "Parameter.X"}, "is no reference"),
        ({"Get": 3}, "is no reference"),
        ({"Get": "Execution.Nothing"}, "no execution variable"),
        ({"Get": "Steps.Prep-1.Environment[a]"}, "not valid at"),
        ({"Get": "Steps.Prep-1.ProcessingOutputConfig.Outputs['nope'].S3Output"}, r"nothing at .*Outputs\.nope"),
        ({"Get": "Steps.Prep-1.ProcessingOutputConfig.Outputs[2]"}, r"nothing at .*Outputs\[2\]"),
        ({"Get": "Steps.Prep-1.PropertyFiles.Report"}, "read by Std:JsonGet"),
        (file("metrics.f1"), "property file 'Report' of step 'Prep-1' has nothing at metrics.f1"),
        (file("none"), "nothing at none"),
        ({"Std:Join": {"On": "/"}}, "list of Values"),
        ({"Std:Join": {"Values": [["a"]]}}, "takes strings"),
        ({"Std:JsonGet": {"Path": "a"}}, "one of PropertyFile and S3Uri"),
        ({"Std:JsonGet": {"PropertyFile": {"Get": "Parameters.X"}, "Path": "a"}}, "must be Steps"),
    ],
)
def test_what_has_no_value_says_why(expression: Any, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        value(expression)


def test_references_are_found_everywhere() -> None:
    expression = {
        "a": [{"Get": "Parameters.P"}],
        "b": {"Std:Join": {"On": "", "Values": [{"Get": "Steps.S.Arn"}, file("x")]}},
    }
    assert list(references(expression)) == [
        ParameterReference("P"),
        PropertyReference("S", ("Arn",)),
        PropertyFileReference("Prep-1", "Report"),
    ]


@given(st.lists(st.one_of(st.integers(0, 99), st.text(st.characters(exclude_characters="'"), min_size=1)), min_size=1))
def test_a_path_survives_its_text(path: list[Any]) -> None:
    assert parse_path(path_text(tuple(path))) == tuple(path)


METRIC = file("metrics.auc.value")


@pytest.mark.parametrize(
    ("given_condition", "expected"),
    [
        ({"Type": "Equals", "LeftValue": {"Get": "Parameters.Bucket"}, "RightValue": "lake"}, True),
        ({"Type": "Equals", "LeftValue": {"Get": "Parameters.Count"}, "RightValue": 3.0}, True),
        ({"Type": "Equals", "LeftValue": {"Get": "Parameters.On"}, "RightValue": False}, False),
        ({"Type": "GreaterThan", "LeftValue": METRIC, "RightValue": 0.77}, False),
        ({"Type": "GreaterThanOrEqualTo", "LeftValue": METRIC, "RightValue": 0.77}, True),
        ({"Type": "LessThan", "LeftValue": METRIC, "RightValue": 0.77}, False),
        ({"Type": "LessThanOrEqualTo", "LeftValue": METRIC, "RightValue": 1}, True),
        ({"Type": "In", "QueryValue": "b", "Values": ["a", "b"]}, True),
        ({"Type": "In", "QueryValue": {"Get": "Parameters.Count"}, "Values": [1, 2]}, False),
        ({"Type": "Not", "Condition": {"Type": "In", "QueryValue": 1, "Values": [1]}}, False),
        ({"Type": "Not", "Expression": {"Type": "In", "QueryValue": 1, "Values": [2]}}, True),
        (
            {
                "Type": "Or",
                "Conditions": [
                    {"Type": "Equals", "LeftValue": 1, "RightValue": 2},
                    {"Type": "Not", "Condition": {"Type": "Equals", "LeftValue": 1, "RightValue": 2}},
                ],
            },
            True,
        ),
    ],
)
def test_conditions(given_condition: dict[str, Any], expected: bool) -> None:
    list(operands(given_condition))
    assert evaluate(given_condition, Values()) is expected


@pytest.mark.parametrize(
    ("given_condition", "message"),
    [
        ({"Type": "Equals", "LeftValue": "3", "RightValue": 3}, "cannot compare '3' with 3"),
        ({"Type": "Equals", "LeftValue": True, "RightValue": 1}, "cannot compare"),
        ({"Type": "LessThan", "LeftValue": {"Get": "Steps.Prep-1.Environment"}, "RightValue": 1}, "compares strings"),
    ],
)
def test_values_that_cannot_be_compared(given_condition: dict[str, Any], message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        evaluate(given_condition, Values())


@pytest.mark.parametrize(
    ("malformed", "message"),
    [
        ({"Type": "Nearly"}, "condition type 'Nearly' is unknown"),
        ({"Type": "Equals", "LeftValue": 1}, "Equals needs RightValue"),
        ({"Type": "In", "QueryValue": 1, "Values": []}, "In needs a list of Values"),
        ({"Type": "Not"}, "Not needs Condition"),
        ({"Type": "Or", "Conditions": [{"Type": "Equals"}]}, "Equals needs LeftValue"),
        ("Equals", "condition type None"),
    ],
)
def test_malformed_conditions(malformed: Any, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        list(operands(malformed))
