"""penstock.yaml: what is read, and what a user hears about mistakes."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from penstock_pipelines import configuration
from penstock_pipelines.configuration import ModelConfiguration
from penstock_pipelines.errors import ConfigurationError


def read(folder: Path, document: Any) -> ModelConfiguration:
    file = folder / "penstock.yaml"
    file.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return configuration.load(folder)


def test_defaults_and_names(tmp_path: Path, document: dict[str, Any]) -> None:
    settings = read(tmp_path, document)
    assert settings.pipeline.start == date(2013, 1, 1)
    assert settings.gate.metric == "auc"
    assert settings.endpoint.strategy == "all_at_once"
    assert (settings.name_in("prod"), settings.endpoint_in("prod")) == ("tides-prod", "tides-prod")
    document["endpoint"] = {"strategy": "async"}
    assert read(tmp_path, document).endpoint_in("prod") == "tides-prod-async"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"pipeline": {"start": "2013-01-01", "evaluation_month": 2}}, "did you mean 'evaluation_months'?"),
        ({"gates": {}}, "gates: unknown key; did you mean 'gate'?"),
        ({"endpoint": {"strategy": "canery"}}, "Did you mean 'canary'?"),
        ({"name": "Flight Delays"}, "name:"),
        ({"pipeline": {"start": "soon"}}, "pipeline.start:"),
        ({"monitor": {"features": []}}, "monitor.features:"),
        ({"endpoint": {"data_capture_percent": 101}}, "endpoint.data_capture_percent:"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, document: dict[str, Any], change: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, {**document, **change})
    assert expected in str(caught.value)
    assert "penstock.yaml" in str(caught.value)


def test_all_mistakes_are_reported_at_once(tmp_path: Path, document: dict[str, Any]) -> None:
    del document["owner"]
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, {**document, "packge": "x", "repository": "nowhere"})
    assert all(key in str(caught.value) for key in ("owner: this key is required", "packge", "repository"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("name: [", "line 1"), ("- a\n- b\n", "must hold a mapping"), ("", "must hold a mapping")],
)
def test_broken_yaml(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigurationError, match=expected):
        read(tmp_path, text)


def test_a_missing_file_says_where_to_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        configuration.load(tmp_path)


def test_the_schema_describes_every_key() -> None:
    schema = configuration.json_schema()
    sections = [schema, *schema["$defs"].values()]
    for section in sections:
        assert section["additionalProperties"] is False
        for key, property_ in section["properties"].items():
            assert property_.get("description") or "$ref" in property_ or "allOf" in property_, key
