"""Reading a definition, its expressions, and its graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penstock_pipelines import definition, graph
from penstock_pipelines.errors import ConfigurationError


def step(name: str, kind: str = "Processing", **arguments: Any) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Arguments": arguments}


def output_of(name: str) -> dict[str, str]:
    return {"Get": f"Steps.{name}.ProcessingOutputConfig.Outputs['o'].S3Output.S3Uri"}


DOCUMENT = {
    "Parameters": [{"Name": "Bucket", "Type": "String"}, {"Name": "Seed", "Type": "Integer", "DefaultValue": 7}],
    "Steps": [
        step("Ingest"),
        {**step("Features", Input=output_of("Ingest")), "DependsOn": ["Validate"]},
        step("Validate", Input=output_of("Ingest")),
        step("Set", A=output_of("Ingest"), B=[output_of("Features")]),
        step(
            "Gate",
            "Condition",
            Conditions=[
                {"LeftValue": {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Set.PropertyFiles.R"}, "Path": "auc"}}}
            ],
            IfSteps=[step("Register", "RegisterModel", Model=output_of("Set"))],
            ElseSteps=[step("Failed", "Fail")],
        ),
    ],
}


@pytest.fixture
def pipeline() -> definition.Definition:
    return definition.parse(DOCUMENT)


def test_dependencies_are_explicit_and_by_reference(pipeline: definition.Definition) -> None:
    assert pipeline.parameters == {"Bucket": None, "Seed": 7}
    assert pipeline.step("Features").depends_on == ("Validate", "Ingest")
    assert pipeline.step("Gate").depends_on == ("Set",)
    assert pipeline.step("Register").branch == ("Gate", "if")
    assert pipeline.upstream("Set") == ["Ingest", "Validate", "Features"]
    assert pipeline.upstream("Register")[-1] == "Gate"


def test_the_graph_leaves_out_what_follows(pipeline: definition.Definition) -> None:
    found = graph.as_data(pipeline)["edges"]
    assert [(edge["from"], edge["to"], edge["label"]) for edge in found] == [
        ("Validate", "Features", ""),
        ("Ingest", "Validate", ""),
        ("Features", "Set", ""),
        ("Set", "Gate", ""),
        ("Gate", "Register", "yes"),
        ("Gate", "Failed", "no"),
    ]
    text = graph.as_mermaid(pipeline)
    assert text.startswith("flowchart TD\n")
    assert "Gate -->|yes| Register" in text


def test_expressions() -> None:
    scope = {"Parameters.Bucket": "b", "Execution.Id": "e"}
    joined = {"Std:Join": {"On": "/", "Values": ["s3:/", {"Get": "Parameters.Bucket"}, {"Get": "Execution.Id"}, 1]}}
    assert definition.evaluate({"a": [joined], "b": 2}, scope) == {"a": ["s3://b/e/1"], "b": 2}


def test_a_parameter_without_a_value_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"Parameters\.Bucket has no value"):
        definition.evaluate({"Get": "Parameters.Bucket"}, {"Parameters.Bucket": None})


def test_an_unknown_step_lists_the_known(pipeline: definition.Definition) -> None:
    with pytest.raises(ConfigurationError, match="no step 'Trian'") as caught:
        pipeline.step("Trian")
    assert "Ingest, Features" in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", '{"Parameters": []}', json.dumps({"Parameters": 1, "Steps": []})])
def test_a_file_that_is_no_definition(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pipeline.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match="is not a pipeline definition"):
        definition.read(file)


def test_a_definition_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        definition.read(tmp_path / "pipeline.json")
