"""Whatever is done to a valid definition: it is valid still, or refused by ValidationException that names the step."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.pipelines import step_kinds
from penstock_services.sagemaker.pipelines.definition import validate

from .conftest import callback, compare, condition, for_each, function, processing, training

REPORT = {"PropertyFileName": "Report", "OutputName": "metrics", "FilePath": "evaluation.json"}
METRIC = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": "auc.value"}}
POLICY = {"ExceptionType": ["Step.THROTTLING"], "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxAttempts": 3}
VALID: dict[str, Any] = {
    "Version": "2020-12-01",
    "Metadata": {},
    "Parameters": [
        {"Name": "Rate", "Type": "Float", "DefaultValue": 0.1},
        {"Name": "Mode", "Type": "String", "DefaultValue": "a", "EnumValues": ["a", "b"]},
    ],
    "PipelineExperimentConfig": {
        "ExperimentName": {"Get": "Execution.PipelineName"},
        "TrialName": {"Get": "Execution.PipelineExecutionId"},
    },
    "MlflowConfig": None,
    "Steps": [
        training(
            "Train",
            hyperparameters={"rate": {"Get": "Parameters.Rate"}},
            RetryPolicies=[POLICY],
            CacheConfig={"Enabled": True, "ExpireAfter": "P30D"},
        ),
        processing(
            "Evaluate",
            outputs=("metrics",),
            environment={"Model": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}},
            PropertyFiles=[REPORT],
        ),
        condition(
            "Gate",
            [{"Type": "Or", "Conditions": [compare("GreaterThan", METRIC, 0.5)]}],
            [callback("Ask", {"Answer": "Boolean"}, DependsOn=["Evaluate"])],
            [
                {
                    "Name": "Stop",
                    "Type": "Fail",
                    "Arguments": {"ErrorMessage": {"Std:Join": {"On": " ", "Values": ["no"]}}},
                }
            ],
        ),
        function("Tell", outputs={"id": "String"}, DependsOn=[{"Step": "Train", "Trigger": "Failed"}]),
        for_each(
            "Loop",
            {"Get": "Parameters.Mode"},
            [processing("Item", environment={"X": {"Get": "ForEach.CurrentItem.x"}})],
            2,
        ),
    ],
}
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        "",
        "x",
        "x" * 300,
        [],
        [1],
        {},
        {"a": 1},
        {"Get": "Steps.Nowhere.X"},
        {"Get": 1},
        {"Get": []},
    ]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in children:
        found += places(each, (*path, key))
    return found


PLACES = places(VALID)
NAMES = ("Train", "Evaluate", "Gate", "Ask", "Stop", "Tell", "Loop", "Item")


@pytest.fixture(autouse=True)
def everything_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_kinds, "_answered", lambda _operation: True)


def test_the_definition_is_valid() -> None:
    validate(json.dumps(VALID))


def step_at(path: tuple[Any, ...]) -> str | None:
    """The name of the innermost step that a place is within."""
    value: Any = VALID
    found = None
    for key in path:
        if isinstance(value, dict) and isinstance(value.get("Name"), str) and "Arguments" in value:
            found = value["Name"]
        value = value[key]
    return found


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.data())
def test_any_mutation_is_refused_by_name_or_valid(data: st.DataObject) -> None:
    document = copy.deepcopy(VALID)
    path = data.draw(st.sampled_from(PLACES))
    parent: Any = document
    for key in path[:-1]:
        parent = parent[key]
    how = data.draw(st.sampled_from(["replace", "delete", "rename", "duplicate"]))
    if how == "delete":
        del parent[path[-1]]
    elif how == "rename" and isinstance(parent, dict):
        parent["Odd"] = parent.pop(path[-1])
    elif how == "duplicate" and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[path[-1]]))
    else:
        parent[path[-1]] = data.draw(ODD)
    refusal = refusal_of(document)
    if refusal is None:
        return
    assert (refusal.code, refusal.status) == ("ValidationException", 400)
    if step_at(path) is not None and path[-1] != "Name":
        assert any(re.search(rf"\b{name}\b", refusal.message) for name in NAMES), refusal.message


def refusal_of(document: Any) -> ServiceError | None:
    try:
        validate(json.dumps(document))
    except ServiceError as error:
        return error
    return None


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["Version", "Steps", "Name", "Type", "Arguments", "Get", "Parameters"]), inner
            )
        ),
        max_leaves=8,
    )
)
def test_no_json_at_all_makes_more_than_a_refusal(document: Any) -> None:
    with pytest.raises(ServiceError, match="ValidationException: Unable to parse pipeline definition"):
        validate(json.dumps(document))


@pytest.mark.parametrize("depth", [500, 3000, 200_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    text = json.dumps(VALID).replace('"ErrorMessage": ', '"ErrorMessage": ' + '{"Std:Join": {"Values": [' * depth, 1)
    with pytest.raises(ServiceError, match="ValidationException"):
        validate(text.replace('{"On": " ", "Values": ["no"]}', '{"On": " ", "Values": ["no"]}' + "]}}" * depth, 1))
    with pytest.raises(ServiceError, match="ValidationException"):
        validate("[" * depth)
