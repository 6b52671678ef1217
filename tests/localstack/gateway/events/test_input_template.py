"""EventBridge's input transformer: the values of an event in a JSON template."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_gateway.events.input_template import fill, is_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=6,
)


@given(VALUES, VALUES)
def test_outside_of_strings_a_placeholder_becomes_the_value(first: object, second: object) -> None:
    assert fill('{"a":<x>,"b":{"c":[<y>]}}', {"x": first, "y": second}) == {"a": first, "b": {"c": [second]}}


@given(st.text(), st.text())
def test_inside_a_string_it_becomes_its_text(first: str, second: str) -> None:
    assert fill('{"a": "<x>, then: <y>!"}', {"x": first, "y": second}) == {"a": f"{first}, then: {second}!"}


@pytest.mark.parametrize(
    ("value", "text"), [(7, "7"), (0, "0"), (True, "true"), (1.5, "1.5"), ({"k": "v"}, '{"k":"v"}'), ([1], "[1]")]
)
def test_inside_a_string_other_values_become_their_json(value: object, text: str) -> None:
    assert fill('{"a": "v<x>"}', {"x": value}) == {"a": f"v{text}"}


def test_what_is_missing_becomes_empty() -> None:
    assert fill('{"a": <x>, "b": "<x>"}', {}) == {"a": "", "b": ""}


def test_quotation_marks_that_are_escaped_do_not_end_a_string() -> None:
    assert fill(r'{"a": "say \"<x>\" twice"}', {"x": 'a "b"'}) == {"a": 'say "a "b"" twice'}


def test_a_comparison_is_no_placeholder() -> None:
    assert fill('{"a": "1 < 2", "b": "x <- y -> z"}', {}) == {"a": "1 < 2", "b": "x <- y -> z"}


def test_a_template_that_is_not_json_is_shown() -> None:
    with pytest.raises(ValueError, match="not JSON once it is filled in"):
        fill('{"a": <x>', {"x": 1})


def test_texts_are_left_to_localstack() -> None:
    assert is_json(' {"a": 1}')
    assert not is_json('"<x> happened"')
