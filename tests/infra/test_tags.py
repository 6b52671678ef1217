"""Tags: all five or nothing, within AWS's limits."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import penstock_policy
from penstock_infra import tags
from penstock_infra.tags import Tags
from penstock_policy import tags as policy

GOOD: dict[str, Any] = {"project": "penstock", "environment": "dev", "owner": "ml platform", "cost_center": "1000"}
value = st.text(alphabet="abc XYZ019_.:/=+-@", min_size=1, max_size=256).filter(str.strip)
key = value.filter(lambda text: len(text.strip()) <= 128 and not text.strip().lower().startswith("aws:"))


@given(owner=value, cost_center=value, extra=st.dictionaries(key, value, max_size=45))
def test_any_valid_tags_are_complete_and_within_limits(owner: str, cost_center: str, extra: dict[str, str]) -> None:
    given_tags = Tags(**{**GOOD, "owner": owner, "cost_center": cost_center}, extra=extra).as_dict()
    assert set(tags.REQUIRED) <= set(given_tags)
    assert len(given_tags) <= tags.MOST_TAGS
    for name, text in given_tags.items():
        assert len(name) <= 128
        assert len(text) <= 256
        assert re.fullmatch(r"[\w\s.:/=+\-@]+", name + text)


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_nothing_is_built_without(missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        Tags(**{name: text for name, text in GOOD.items() if name != missing})
    with pytest.raises(ValidationError, match="must not be empty"):
        Tags(**{**GOOD, missing: "  "})


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"aws:mine": "x"}, "AWS keeps for itself"),
        ({"Owner": "x"}, "set by Penstock itself"),
        ({"team": "a&b"}, "does not allow"),
        ({f"k{number}": "v" for number in range(46)}, "at most 45"),
    ],
)
def test_refused(extra: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Tags(**GOOD, extra=extra)


def test_the_policies_know_the_same_tags() -> None:
    assert policy.REQUIRED == tags.REQUIRED
    assert penstock_policy.check([]) == []
