"""The model card JSON schema.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-cards.html#model-cards-json-schema
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.model_cards import schema


def test_a_complete_card(content: Any) -> None:
    assert schema.check(json.dumps(content), schema.CARD) == content
    assert schema.check("{}", schema.CARD) == {}


CHANGES: list[tuple[Callable[[Any], Any], str]] = [
    (lambda card: card.update(more={}), "the content must not have 'more'"),
    (lambda card: card.update(intended_uses=[]), "intended_uses must be an object"),
    (
        lambda card: card["intended_uses"].update(risk_rating="Huge"),
        "risk_rating must be one of High, Medium, Low, Unknown",
    ),
    (lambda card: card["intended_uses"].update(purpose_of_model="x" * 2049), "at most 2048 characters"),
    (lambda card: card["model_overview"].update(model_version=0), "model_version must be at least 1"),
    (lambda card: card["model_overview"].update(model_version="1"), "model_version must be a number"),
    (
        lambda card: card["model_overview"].update(model_artifact=["a"] * 16),
        "model_artifact must have at most 15 items",
    ),
    (lambda card: card["model_overview"].update(model_artifact=[7]), r"model_artifact\[0\] must be a string"),
    (lambda card: card["evaluation_details"][0].pop("name"), r"evaluation_details\[0\] must have name"),
    (lambda card: card["evaluation_details"][0].update(metadata={"a": 1}), r"metadata.a must be a string"),
    (lambda card: metric(card, 2).update(value=["x"]), r"metric_data\[2\].value\[0\] must be a number"),
    (lambda card: metric(card, 3).update(value=[[1]]), r"metric_data\[3\].value\[0\] must have at least 2 items"),
    (lambda card: metric(card, 0).update(type="percent"), r"metric_data\[0\].type must be one of"),
    (lambda card: metric(card, 4).update(x_axis_name="a"), r"metric_data\[4\].x_axis_name must be an array"),
]


def metric(card: Any, place: int) -> Any:
    return card["evaluation_details"][0]["metric_groups"][0]["metric_data"][place]


@pytest.mark.parametrize(("change", "problem"), CHANGES)
def test_what_does_not_follow_the_schema(content: Any, change: Callable[[Any], Any], problem: str) -> None:
    change(content)
    with pytest.raises(ServiceError, match=problem) as caught:
        schema.check(json.dumps(content), schema.CARD)
    assert caught.value.code == "ValidationException"


def test_the_card_of_a_package_is_smaller(content: Any) -> None:
    """ "model_overview is composed of the model_creator and model_artifact properties", no model_package_details."""
    with pytest.raises(ServiceError, match="must not have 'model_id'"):
        schema.check(json.dumps({"model_overview": content["model_overview"]}), schema.PACKAGE_CARD)
    small = {"model_overview": {"model_creator": "we", "model_artifact": []}, "intended_uses": content["intended_uses"]}
    schema.check(json.dumps(small), schema.PACKAGE_CARD)


def test_metadata_only(content: Any) -> None:
    """The fields that the API reference of DescribeModelCard lists."""
    assert json.loads(schema.metadata_only(json.dumps(content))) == {
        "model_overview": {"model_id": "example-model", "model_name": "flights"},
        "intended_uses": {"risk_rating": "Medium"},
        "model_package_details": {"model_package_group_name": "flights", "model_package_arn": "arn:package"},
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(
    section=st.sampled_from(["model_overview", "intended_uses", "training_details", "evaluation_details", "x"]),
    value=JSON,
)
def test_any_json_is_accepted_or_refused_in_words(section: str, value: Any) -> None:
    with contextlib.suppress(ServiceError):
        schema.check(json.dumps({section: value}), schema.CARD)
