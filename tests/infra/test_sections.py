"""penstock.yaml means one thing: the pipeline's package and the infrastructure's read the same keys alike."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from penstock_infra.card import CardSettings
from penstock_infra.quality import QualitySettings
from penstock_infra.serving import EndpointSettings
from penstock_pipelines.quality import QualitySection
from penstock_pipelines.serving import CardSection, EndpointSection


def meaning(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema without words: keys, types, limits, defaults."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                rest = {key: item for key, item in value.items() if key != "$ref"}
                return bare({**definitions[value["$ref"].rsplit("/", 1)[-1]], **rest})
            plain = {key: bare(item) for key, item in value.items() if key not in ("title", "description", "$defs")}
            if isinstance(plain.get("enum"), list):
                plain["enum"] = sorted(plain["enum"], key=str)
            return plain
        return [bare(item) for item in value] if isinstance(value, list) else value

    return bare(schema)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(EndpointSettings, EndpointSection), (CardSettings, CardSection), (QualitySettings, QualitySection)],
)
def test_both_read_the_same_keys_alike(ours: type[BaseModel], theirs: type[BaseModel]) -> None:
    mine, other = meaning(ours)["properties"], meaning(theirs)["properties"]
    assert set(mine) == set(other)
    for key in mine:
        assert mine[key] == other[key], key
