"""What is read of a model repository: feature definitions, the compiled pipeline and penstock.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from penstock_infra import definition, features, model
from penstock_infra.errors import ConfigurationError

GROUP: dict[str, Any] = {
    "name": "origin",
    "description": "Punctuality",
    "record_identifier": "origin",
    "event_time": "event_time",
    "features": [{"name": "origin", "type": "String"}, {"name": "event_time", "type": "String"}],
}
MODEL: dict[str, Any] = {"name": "flight-delays", "owner": "data-science", "cost_center": "1000"}


def write(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(content))
    return path


def test_feature_definition(tmp_path: Path) -> None:
    group = features.read(write(tmp_path, "origin.yaml", GROUP))
    assert (group.name, group.online, group.offline, len(group.features)) == ("origin", True, True, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"record_identifier": "airport"}, "record_identifier 'airport' is not among the features"),
        ({"event_time": "time"}, "event_time 'time' is not among the features"),
        ({"online": False, "offline": False}, "needs the online store, the offline store, or both"),
        ({"kind": "x"}, "kind: Extra inputs are not permitted"),
        ({"features": [*GROUP["features"], {"name": "origin", "type": "String"}]}, "features given twice: origin"),
        ({"features": [*GROUP["features"], {"name": "is_deleted", "type": "String"}]}, "writes by itself"),
        ({"features": [*GROUP["features"], {"name": "n", "type": "Float"}]}, "features.2.type"),
        (
            {"features": [{"name": "origin", "type": "String"}, {"name": "event_time", "type": "Integral"}]},
            "must be String .* or Fractional",
        ),
    ],
)
def test_wrong_feature_definitions(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = write(tmp_path, "origin.yaml", {**GROUP, **change})
    with pytest.raises(ConfigurationError, match=message) as caught:
        features.read(path)
    assert str(path) in str(caught.value)


def test_one_file_a_group(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", GROUP)
    write(tmp_path, "b.yaml", GROUP)
    with pytest.raises(ConfigurationError, match="two files define the feature group origin"):
        features.read_all(tmp_path)


@pytest.mark.parametrize("text", ["a: [", "- a", ""])
@pytest.mark.parametrize("reader", [features.read, model.read])
def test_not_a_mapping(tmp_path: Path, text: str, reader: Any) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"x\.yaml"):
        reader(path)


def test_model(tmp_path: Path) -> None:
    settings = model.read(write(tmp_path, "penstock.yaml", {**MODEL, "gate": {"metric": "auc"}}))
    assert settings.endpoint.strategy is model.Strategy.ALL_AT_ONCE
    assert settings.pipeline.definition == "pipeline.json"


@pytest.mark.parametrize("strategy", list(model.Strategy))
def test_every_strategy_is_read(tmp_path: Path, strategy: model.Strategy) -> None:
    endpoint = {"strategy": strategy.value, "instance_count": 2}
    settings = model.read(write(tmp_path, "penstock.yaml", {**MODEL, "endpoint": endpoint}))
    assert settings.endpoint.strategy is strategy


def test_what_aws_would_refuse_names_file_and_section(tmp_path: Path) -> None:
    path = write(tmp_path, "penstock.yaml", {**MODEL, "endpoint": {"strategy": "canary"}})
    with pytest.raises(
        ConfigurationError, match=r"penstock\.yaml is not valid:\n  endpoint: strategy canary: a step is"
    ):
        model.read(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"endpoint": {"strategy": "blue"}}, "endpoint.strategy"),
        ({"endpoint": {"instance_typ": "ml.m5.large"}}, "endpoint.instance_typ"),
        ({"endpoint": {"instance_type": "m5.large"}}, "endpoint.instance_type"),
        ({"endpoint": {"data_capture_percent": 101}}, "endpoint.data_capture_percent"),
        ({"name": "flight delays"}, "name"),
        ({"name": "f" * 41}, "name"),
        ({"owner": None}, "owner"),
    ],
)
def test_wrong_models(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        model.read(write(tmp_path, "penstock.yaml", {**MODEL, **change}))


def test_definition_takes_only_what_it_declares() -> None:
    compiled = {
        "Parameters": [{"Name": "RoleArn", "Type": "String"}, {"Name": "Seed", "Type": "Integer", "DefaultValue": 7}],
        "Steps": [],
    }
    completed = definition.with_defaults(compiled, {"RoleArn": "arn:x", "RawBucket": "raw"})
    assert completed["Parameters"] == [
        {"Name": "RoleArn", "Type": "String", "DefaultValue": "arn:x"},
        {"Name": "Seed", "Type": "Integer", "DefaultValue": 7},
    ]
    assert "DefaultValue" not in compiled["Parameters"][0]
    assert definition.render(completed) == definition.render(dict(reversed(completed.items())))


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "penstock pipeline compile"), ("{", "cannot be read as JSON"), ("{}", "no Steps"), ("[]", "no Steps")],
)
def test_wrong_definitions(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "pipeline.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        definition.read(path)
