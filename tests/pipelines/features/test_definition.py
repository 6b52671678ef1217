"""Feature definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from penstock_pipelines.errors import ConfigurationError
from penstock_pipelines.features import definition

GROUP: dict[str, Any] = {
    "name": "port",
    "record_identifier": "port",
    "event_time": "at",
    "features": [
        {"name": "port", "type": "String"},
        {"name": "at", "type": "String"},
        {"name": "level", "type": "Fractional"},
    ],
}


def load(folder: Path, name: str = "port", **changes: Any) -> dict[str, definition.FeatureGroup]:
    (folder / f"{name}.yaml").write_text(yaml.safe_dump({**GROUP, **changes}))
    return definition.load(folder)


def test_a_group(tmp_path: Path) -> None:
    group = load(tmp_path)["port"]
    assert group.online
    assert group.offline
    assert [feature.name for feature in group.values] == ["level"]


def test_settings_of_the_stores(tmp_path: Path) -> None:
    """The infrastructure's settings in the same file; here they only say that the store is on."""
    online = {"storage": "Standard", "ttl_days": 30, "throughput": {"read": 10, "write": 5}}
    group = load(tmp_path, online=online, offline={"table_format": "Glue"})["port"]
    assert group.online
    assert group.offline
    with pytest.raises(ConfigurationError, match="online"):
        load(tmp_path, online={"ttl_days": 0})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"record_identifier": "harbour"}, "'harbour' is not among the features"),
        ({"features": [*GROUP["features"], {"name": "level", "type": "Integral"}]}, "named twice: level"),
        ({"features": [*GROUP["features"], {"name": "write_time", "type": "String"}]}, "reserved by SageMaker"),
        ({"features": [*GROUP["features"], {"name": "x", "type": "Float"}]}, "features.3.type"),
        ({"online": False, "offline": False}, "at least one of online and offline"),
        ({"event_times": "at"}, "did you mean 'event_time'?"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, **changes)
    assert expected in str(caught.value)


def test_a_file_of_another_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"port\.yaml"):
        load(tmp_path, name="harbour")


def test_a_folder_without_definitions(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no feature definition"):
        definition.load(tmp_path)
